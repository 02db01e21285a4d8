"""Dropout: a hole of 2 to 500 ms in the sound of any channel, cut out as with a knife."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.detectors.audio.keying import BLOCKS_PER_S, WINDOW_S, Gap, is_keyed
from glasswatch.detectors.audio.pcm import Pcm, PcmDetector, PcmState, SampleClock, dbfs, linear, no_samples
from glasswatch.detectors.params import Params

CONTEXT_S = 0.02
"""How much sound on either side a hole is compared with."""

EDGE_S = 0.001
SHARP_S = 0.00025
"""Next to a hole the sound must be back at its level within EDGE_S on both sides, and on one side at once."""

DEEP_DBFS = -80.0
"""A hole below this holds no codec noise and no acoustic decay, so its edges need less proof."""

FRINGE_S = 0.012
"""A lossy encoder smears sound into a hole from both sides, for about half a transform block."""

STEPS = 8
"""Sound of fewer quantisation steps than this next to a hole is coarse PCM toggling its last bits, not sound."""

LOW_SHARE, LOW_SHARE_BESIDE = 0.2, 0.1
"""So is sound that is as low as the hole itself for this share of the 20 ms beside it, on both sides together and on
each. That shows through resampling and lossy coding, where no step can be measured: speech and music lie below 0.2 (95
in 100 holes at least), PCM of 4 to 8 bits at 0.21 to 0.99."""

SHORT_S, SHORT_DB = 0.005, 8
"""Voices and low notes pass through zero for 2 ms and a little more; so short a hole must be so much deeper, unless it
is below DEEP_DBFS."""


class DropoutParams(Params):
    """What counts as a hole.

    Attributes:
        levels_dbfs: Sample peaks that a hole must stay below, deepest first. The first is that of the definition; the
            others find holes that were there before a lossy encoder filled them with its noise.
        contrast_db: How far the sound on both sides must lie above that level.
        fringe_levels_dbfs: The same for holes that reach the first of `levels_dbfs` but for a fringe at either end.
        fringe_contrast_db: How far the sound on both sides must lie above the fringe.
        shortest_ms: Shorter holes are clicks.
        longest_ms: Longer ones are silence.
        edge_db: Peak within 1 ms of both edges, relative to the peak within 20 ms.
        sharp_db: Peak within 0.25 ms of the sharper edge, relative to the peak within 20 ms.
        deep_edge_db: As `edge_db` for holes below -80 dBFS.
        deep_sharp_db: As `sharp_db` for holes below -80 dBFS and those with a fringe.
    """

    levels_dbfs: Annotated[tuple[float, ...], Field(min_length=1)]
    contrast_db: Annotated[float, Field(gt=0)]
    fringe_levels_dbfs: tuple[float, ...]
    fringe_contrast_db: Annotated[float, Field(gt=0)]
    shortest_ms: Annotated[float, Field(ge=0.5)]
    longest_ms: Annotated[float, Field(le=2000)]
    edge_db: Annotated[float, Field(le=0)]
    sharp_db: Annotated[float, Field(le=0)]
    deep_edge_db: Annotated[float, Field(le=0)]
    deep_sharp_db: Annotated[float, Field(le=0)]

    @property
    def searches(self) -> list[tuple[float, bool]]:
        """Levels to search at, in the order of preference, and whether holes there have a fringe."""
        return [(level, False) for level in self.levels_dbfs] + [(level, True) for level in self.fringe_levels_dbfs]


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole in one channel, in samples of the clock, half open; levels are sample peaks, the last its ceiling."""

    start: int
    end: int
    channel: int
    level_dbfs: float
    edge_dbfs: float
    below_dbfs: float

    @property
    def depth_db(self) -> float:
        """How far the level falls at the edge that is less high."""
        return self.edge_dbfs - self.level_dbfs


@dataclass(slots=True)
class DropoutState(PcmState):
    """Positions are sample numbers of the clock.

    Attributes:
        tail: The samples that a hole not yet judged may need, (channels, samples).
        holes: Holes found but not yet told, since another channel may still add to them.
        told: Everything before this has been judged and told.
        part: Samples after the last full block of the envelope, (channels, samples).
        envelope: Peaks of the last blocks, (channels, blocks), see `keying`.
        blocks: Blocks so far.
    """

    tail: Pcm = field(default_factory=no_samples)
    holes: list[Hole] = field(default_factory=list)
    told: int = 0
    part: Pcm = field(default_factory=no_samples)
    envelope: Pcm = field(default_factory=no_samples)
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of low samples [start, end) in the magnitudes of one channel, with sound on both sides."""

    magnitude: Pcm
    start: int
    end: int
    rate: int

    def peak_inside(self, fringe_s: float) -> float | None:
        """Sample peak but for a fringe at both ends; None if hardly anything is left between them."""
        fringe = round(fringe_s * self.rate)
        if self.end - self.start < 2.5 * fringe:
            return None
        return float(self.magnitude[self.start + fringe : self.end - fringe].max())

    def peaks_beside(self, seconds: float) -> npt.NDArray[np.float32]:
        """Sample peaks within that time before and after the run."""
        n = max(round(seconds * self.rate), 1)
        before = self.magnitude[max(self.start - n, 0) : self.start]
        return np.array([before.max(), self.magnitude[self.end : self.end + n].max()])

    def is_in_coarse_sound(self, level: float) -> bool:
        """Whether the sound around is as low as the run for much of the time, as PCM that toggles its last bits."""
        n = round(CONTEXT_S * self.rate)
        sides = (self.magnitude[max(self.start - n, 0) : self.start], self.magnitude[self.end : self.end + n])
        shares = [float((side < level).mean()) for side in sides]
        return min(shares) > LOW_SHARE_BESIDE and sum(shares) > 2 * LOW_SHARE

    def step(self) -> float:
        """The smallest difference between neighbouring samples around the run: one quantisation step of coarse PCM."""
        n = round(CONTEXT_S * self.rate)
        steps = np.abs(np.diff(self.magnitude[max(self.start - n, 0) : self.end + n]))
        return float(steps[steps > 0].min())


class Dropout(PcmDetector[DropoutParams, DropoutState]):
    """Looks in each channel for runs of low samples with full sound right beside them on both sides.

    Decays, releases of noise gates, staccato notes and the zero crossings of low notes all pass through the levels
    just above the hole for some milliseconds on at least one side; a hole in the samples does not. Sound that is keyed
    on and off by design is told by what is around its gaps (`keying`), so a hole is told WINDOW_S later.
    """

    spec = DetectorSpec(
        name="dropout",
        version="2",
        defects=("dropout",),
        needs=(AudioNeed(),),
        measurements={
            "channel": "1",
            "channels": "1",
            "length_ms": "ms",
            "depth_db": "dB",
            "level_dbfs": "dBFS",
            "edge_dbfs": "dBFS",
        },
        lookback_s=5.0,
    )

    def fresh_state(self) -> DropoutState:
        """Nothing heard yet."""
        return DropoutState()

    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Judge the holes whose surroundings are now known."""
        state = self.state
        pcm = np.concatenate([state.tail, samples], axis=1) if state.tail.size else samples
        first = clock.count - state.tail.shape[1]
        context = round(CONTEXT_S * clock.rate)
        seen_before, seen = clock.count, clock.count + samples.shape[1]
        settled = seen - 2 * context
        for channel, signal in enumerate(pcm):
            magnitude = np.abs(signal)
            for level, fringed in self.params.searches:
                runs, open_from = self._low_runs(magnitude, level, clock.rate)
                if len(magnitude) - open_from <= self._longest(clock.rate):
                    settled = min(settled, first + open_from)
                for start, end in runs:
                    if first + end + context > seen:
                        settled = min(settled, first + start)
                    elif first + end + context > seen_before:
                        self._judge(_Run(magnitude, start, end, clock.rate), first, channel, level, fringed)
        kept = min(max(settled - context - first, 0), pcm.shape[1])
        state.tail = pcm[:, kept:].copy()
        self._extend_envelope(samples, clock)
        yield from self._tell(min(settled, seen - round(WINDOW_S * clock.rate)), clock)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Judge the last holes by what sound there is after them, and tell the rest."""
        first = clock.count - self.state.tail.shape[1]
        context = round(CONTEXT_S * clock.rate)
        for channel, signal in enumerate(self.state.tail):
            magnitude = np.abs(signal)
            for level, fringed in self.params.searches:
                for start, end in self._low_runs(magnitude, level, clock.rate)[0]:
                    if first + end + context > clock.count:
                        self._judge(_Run(magnitude, start, end, clock.rate), first, channel, level, fringed)
        yield from self._tell(clock.count, clock, last=True)

    def _longest(self, rate: int) -> int:
        """Samples of the longest hole."""
        return round(self.params.longest_ms / 1000 * rate)

    def _low_runs(self, magnitude: Pcm, level_dbfs: float, rate: int) -> tuple[list[tuple[int, int]], int]:
        """Runs below the level of the right length with sound on both sides, and the start of one still open."""
        level = linear(level_dbfs)
        shortest = self.params.shortest_ms / 1000 * rate
        block = max(int(shortest / 2), 1)
        blocks = magnitude[: len(magnitude) // block * block].reshape(-1, block)
        if not (blocks.max(axis=1) < level).any():
            last_blocks = max(len(magnitude) - 2 * block, 0)
            loud = np.flatnonzero(magnitude[last_blocks:] >= level)
            return [], last_blocks + int(loud[-1]) + 1 if len(loud) else 0
        loud = np.flatnonzero(magnitude >= level)
        if len(loud) == 0:
            return [], 0
        lengths = np.diff(loud) - 1
        fitting = np.flatnonzero((lengths >= shortest) & (lengths <= self._longest(rate)))
        runs = [(int(loud[i]) + 1, int(loud[i + 1])) for i in fitting]
        return runs, int(loud[-1]) + 1

    def _judge(self, run: _Run, first: int, channel: int, level_dbfs: float, fringed: bool) -> None:
        """Keep a run of low samples as a hole if the sound stops and starts again as only a cut makes it."""
        state, params = self.state, self.params
        start, end = first + run.start, first + run.end
        if any(hole.channel == channel and hole.start < end and start < hole.end for hole in state.holes):
            return  # found in an earlier search, where its edges are more exact
        inside = run.peak_inside(FRINGE_S if fringed else 0.0)
        if inside is None or (fringed and inside >= linear(params.levels_dbfs[0])):
            return
        deep = inside < linear(DEEP_DBFS)
        edges, sharps, around = run.peaks_beside(EDGE_S), run.peaks_beside(SHARP_S), run.peaks_beside(CONTEXT_S)
        contrast = params.fringe_contrast_db if fringed else params.contrast_db
        contrast += SHORT_DB if end - start < SHORT_S * run.rate and not deep else 0
        edge_db = params.deep_edge_db if deep and not fringed else params.edge_db
        sharp_db = params.deep_sharp_db if deep or fringed else params.sharp_db
        if (
            edges.min() >= linear(level_dbfs + contrast)
            and edges.min() >= STEPS * run.step()
            and not run.is_in_coarse_sound(linear(min(level_dbfs, params.levels_dbfs[-1])))
            and (edges / around).min() >= linear(edge_db)
            and (sharps / around).max() >= linear(sharp_db)
        ):
            state.holes.append(Hole(start, end, channel, dbfs(inside), dbfs(float(edges.min())), level_dbfs))

    def _tell(self, settled: int, clock: SampleClock, *, last: bool = False) -> Iterator[Detection]:
        """Detections up to sample `settled`, before which no other hole can be found."""
        state = self.state
        state.holes.sort(key=lambda hole: (hole.start, hole.end, hole.channel))
        while state.holes:
            together, end = [state.holes[0]], state.holes[0].end
            for hole in state.holes[1:]:
                if hole.start < end:
                    together.append(hole)
                    end = max(end, hole.end)
            if end > settled:
                break
            del state.holes[: len(together)]
            together = [hole for hole in together if not self._is_keyed(hole, clock, to_end=last)]
            if not together:
                continue
            end = max(hole.end for hole in together)
            yield from self._sound(together[0].start, clock)
            yield self._hole(together, end, clock)
        until = min([settled, *(hole.start for hole in state.holes)])
        yield from self._sound(until, clock, whole=not last)

    def _extend_envelope(self, samples: Pcm, clock: SampleClock) -> None:
        state, block = self.state, _block(clock)
        pcm = np.concatenate([state.part, samples], axis=1) if state.part.size else samples
        whole = pcm.shape[1] // block * block
        peaks = np.abs(pcm[:, :whole].reshape(len(pcm), -1, block)).max(axis=2)
        state.part, state.blocks = pcm[:, whole:].copy(), state.blocks + peaks.shape[1]
        kept = round((2 * WINDOW_S + 2) * BLOCKS_PER_S) + self._longest(clock.rate) // block
        state.envelope = np.concatenate([state.envelope, peaks], axis=1)[:, -kept:] if state.envelope.size else peaks

    def _is_keyed(self, hole: Hole, clock: SampleClock, *, to_end: bool) -> bool:
        """Whether a hole belongs to sound that is keyed on and off by design."""
        state, block = self.state, _block(clock)
        start, end = -(-hole.start // block), hole.end // block  # blocks that lie in it entirely
        first = max(start - round(WINDOW_S * BLOCKS_PER_S), 0)
        last = end + round(WINDOW_S * BLOCKS_PER_S)
        begin = state.blocks - state.envelope.shape[1]
        window = state.envelope[:, max(first - begin, 0) : max(last - begin, 0)]
        gap = Gap(start - max(first, begin), end - max(first, begin), hole.channel, linear(hole.below_dbfs))
        return is_keyed(window, gap, from_start=first == 0, to_end=to_end and last >= state.blocks)

    def _hole(self, together: list[Hole], end: int, clock: SampleClock) -> Detection:
        """One detection for holes of several channels that overlap, measured on the deepest."""
        self.state.told = end
        worst = max(together, key=lambda hole: (hole.depth_db, hole.end - hole.start))
        contrast = self.params.contrast_db
        return self.detection(
            "dropout",
            clock.span(together[0].start, end),
            Verdict.DEFECT,
            0.5 + 0.5 * min(max((worst.depth_db - contrast) / (100 - contrast), 0.0), 1.0),
            measurements={
                "channel": worst.channel,
                "channels": len({hole.channel for hole in together}),
                "length_ms": round((worst.end - worst.start) * 1000 / clock.rate, 2),
                "depth_db": round(worst.depth_db, 2),
                "level_dbfs": worst.level_dbfs,
                "edge_dbfs": worst.edge_dbfs,
            },
        )

    def _sound(self, end: int, clock: SampleClock, *, whole: bool = False) -> Iterator[Detection]:
        """The sound up to sample `end`, second by second; `whole`: only full seconds, the rest may go on."""
        state = self.state
        while state.told < end:
            piece_end = min(state.told + clock.rate, end)
            if whole and piece_end - state.told < clock.rate:
                return
            yield self.detection("dropout", clock.span(state.told, piece_end), Verdict.OK, 0.0)
            state.told = piece_end


def _block(clock: SampleClock) -> int:
    """Samples of a block of the envelope."""
    return max(clock.rate // BLOCKS_PER_S, 1)
