"""Dropout: a hole of 2 to 500 ms in the sound of any channel, cut out as with a knife."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import Field

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.detectors.audio.pcm import Pcm, PcmDetector, PcmState, SampleClock, dbfs, linear, no_samples
from glasswatch.detectors.params import Params

CONTEXT_S = 0.02
"""How much sound on either side a hole is compared with."""

EDGE_S = 0.001
SHARP_S = 0.00025
"""Next to a hole the sound must be back at its level within EDGE_S on both sides, and on one side at once."""

DEEP_DBFS = -80.0
"""A hole below this holds no codec noise and no acoustic decay, so its edges need less proof."""

STEPS = 8
"""Sound of fewer quantisation steps than this next to a hole is coarse PCM toggling its last bits, not sound."""


class DropoutParams(Params):
    """What counts as a hole.

    Attributes:
        levels_dbfs: Sample peaks that a hole must stay below, deepest first. The first is that of the definition; the
            others find holes that were there before a lossy encoder filled them with its noise.
        contrast_db: How far the sound on both sides must lie above that level.
        shortest_ms: Shorter holes are clicks.
        longest_ms: Longer ones are silence.
        edge_db: Peak within 1 ms of both edges, relative to the peak within 20 ms.
        deep_edge_db: The same for holes below -80 dBFS.
        sharp_db: Peak within 0.25 ms of the sharper edge, relative to the peak within 20 ms.
        deep_sharp_db: The same for holes below -80 dBFS.
    """

    levels_dbfs: Annotated[tuple[float, ...], Field(min_length=1)]
    contrast_db: Annotated[float, Field(gt=0)]
    shortest_ms: Annotated[float, Field(ge=0.5)]
    longest_ms: Annotated[float, Field(le=2000)]
    edge_db: Annotated[float, Field(le=0)]
    deep_edge_db: Annotated[float, Field(le=0)]
    sharp_db: Annotated[float, Field(le=0)]
    deep_sharp_db: Annotated[float, Field(le=0)]


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole in one channel, in samples of the clock, half open; levels are sample peaks."""

    start: int
    end: int
    channel: int
    level_dbfs: float
    edge_dbfs: float

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
    """

    tail: Pcm = field(default_factory=no_samples)
    holes: list[Hole] = field(default_factory=list)
    told: int = 0


class Dropout(PcmDetector[DropoutParams, DropoutState]):
    """Looks in each channel for runs of low samples with full sound right beside them on both sides.

    Decays, releases of noise gates, staccato notes and the zero crossings of low notes all pass through the levels
    just above the hole for some milliseconds on at least one side; a hole in the samples does not.
    """

    spec = DetectorSpec(
        name="dropout",
        version="1",
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
        lookback_s=2.0,
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
            for index, level in enumerate(self.params.levels_dbfs):
                runs, open_from = self._low_runs(magnitude, level, clock.rate)
                for start, end in runs:
                    if seen_before < first + end + context <= seen:
                        self._judge(magnitude, start, end, first, channel, level, clock.rate)
                if index == len(self.params.levels_dbfs) - 1:
                    waiting = [start for start, end in runs if first + end + context > seen]
                    if len(magnitude) - open_from <= self._longest(clock.rate):
                        waiting.append(open_from)
                    settled = min([settled, *(first + start for start in waiting)])
        kept = min(max(settled - context - first, 0), pcm.shape[1])
        state.tail = pcm[:, kept:].copy()
        yield from self._tell(settled, clock)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Judge the last holes by what sound there is after them, and tell the rest."""
        first = clock.count - self.state.tail.shape[1]
        context = round(CONTEXT_S * clock.rate)
        for channel, signal in enumerate(self.state.tail):
            magnitude = np.abs(signal)
            for level in self.params.levels_dbfs:
                runs, _ = self._low_runs(magnitude, level, clock.rate)
                for start, end in runs:
                    if first + end + context > clock.count:
                        self._judge(magnitude, start, end, first, channel, level, clock.rate)
        yield from self._tell(clock.count, clock, last=True)

    def _longest(self, rate: int) -> int:
        """Samples of the longest hole at the last level: its edges are within EDGE_S of those at the first."""
        return round((self.params.longest_ms / 1000 + 2 * EDGE_S) * rate)

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

    def _judge(
        self, magnitude: Pcm, start: int, end: int, first: int, channel: int, level_dbfs: float, rate: int
    ) -> None:
        """Keep a run of low samples as a hole if the sound stops and starts again as only a cut makes it."""
        state = self.state
        if any(
            hole.channel == channel and hole.start < first + end and first + start < hole.end for hole in state.holes
        ):
            return  # found at a deeper level, where its edges are more exact
        length_ms = (end - start) * 1000 / rate
        context = round(CONTEXT_S * rate)
        before = magnitude[max(start - context, 0) : start][::-1]
        after = magnitude[end : end + context]
        edge, sharp = max(round(EDGE_S * rate), 1), max(round(SHARP_S * rate), 1)
        edges = np.array([before[:edge].max(), after[:edge].max()])
        sharps = np.array([before[:sharp].max(), after[:sharp].max()])
        around = np.array([before.max(), after.max()])
        heard = np.concatenate([before, after])
        step = heard[heard > 0].min()
        inside = dbfs(float(magnitude[start:end].max()))
        params = self.params
        is_deep = inside < DEEP_DBFS
        if (
            length_ms <= params.longest_ms
            and edges.min() >= linear(level_dbfs + params.contrast_db)
            and edges.min() >= STEPS * step
            and (edges / around).min() >= linear(params.deep_edge_db if is_deep else params.edge_db)
            and (sharps / around).max() >= linear(params.deep_sharp_db if is_deep else params.sharp_db)
        ):
            state.holes.append(Hole(first + start, first + end, channel, inside, dbfs(float(edges.min()))))

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
            yield from self._sound(together[0].start, clock)
            yield self._hole(together, end, clock)
        until = min([settled, *(hole.start for hole in state.holes)])
        yield from self._sound(until, clock, whole=not last)

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
