"""Silence: no channel carries anything above the threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.core.time import Instant
from glasswatch.detectors.audio.pcm import (
    FLOOR_DBFS,
    Pcm,
    PcmDetector,
    PcmState,
    SampleClock,
    dbfs,
    linear,
    no_samples,
    runs_of,
)
from glasswatch.detectors.params import Params

HOPS_PER_S = 400

RINGING_HOPS = 10
RINGING_DB = 30
"""A lossy codec lets an abrupt end ring for up to a frame: in 25 ms before a pause, what lies this far below the
loudest there is ringing. No natural decay is as fast."""

PAST_HOPS = 440
"""Hops of the past that tell how the sound ended: 600 ms before an onset that may lie in the ringing, and a whole beep
with some of the silence before it."""

MARK_HOPS, MARK_DB = (20, 240), 1.5
"""A beep lasts 50 ms to 0.6 s, comes out of silence or is the first sound, and is at one level to its end, in steps of
WINDOW_HOPS. Busy tones, alarms, pips and words in Morse are off for half a second and more by design."""
WINDOW_HOPS = 10

EDGE_HOPS = 20
DECAY_DB = 30
"""Sound dies away by itself where the level falls by no more than this from the last 50 ms of sound to 50 ms of the
pause, 25 ms after its start: 60 dB in 0.15 s, the reverberation of a booth. What is cut off falls from the level of the
programme to nothing, or to the noise of the equipment."""

FLOOR_LEAST_DBFS = -85
"""Peaks above this are a noise floor; the last bit of 16 bits toggles at -90."""

STIR_HOPS = 30
STIR_DB, STIR_DBFS = 12, -72
"""A room is not still: 75 ms or more from its ends a natural pause has breath and movement, above this level and this
far above its own floor. Lines and equipment that carry nothing are at one level: the peaks of white noise in 2.5 ms
stay within 8 dB for seconds."""

FADE_HOPS = (240, 160, 80, 20, 0)
FADE_DB = 15
"""A fade by hand ends above the threshold at last. It falls in each of four windows over the last 600 ms (600 to 400,
to 200, to 50, to 0 ms before the pause), and by this much in all."""


class SilenceParams(Params):
    """When a track counts as silent.

    Attributes:
        level_dbfs: Level that no channel may reach, in dBFS.
        shortest_s: Pauses shorter than this are part of the sound.
        edge_s: Silence of up to this length at the end of a stream is ordinary, so at most information.
        rest_s: The same where nothing is cut off: before the first sound, and at the end where a noise floor goes on.
        pause_s: The same between sounds, where the one before has died away by itself or was a beep.
        floor_s: The same where sound ends at once and its noise floor goes on, as between the words of a dry voice.
        tail_s: The same for silence that lasts to the end and into which the sound has died away.
    """

    level_dbfs: Annotated[float, Field(ge=-120, le=-20)]
    shortest_s: Annotated[float, Field(ge=0.05, le=1)]
    edge_s: Annotated[float, Field(ge=0, le=1)]
    rest_s: Annotated[float, Field(ge=0, le=60)]
    pause_s: Annotated[float, Field(ge=0, le=60)]
    floor_s: Annotated[float, Field(ge=0, le=60)]
    tail_s: Annotated[float, Field(ge=0, le=600)]


@dataclass(slots=True)
class SilenceState(PcmState):
    """Positions are sample numbers of the clock.

    Attributes:
        tail: The last full hops, RINGING_HOPS at most, and what came after them, (channels, samples).
        told: Everything before this has been judged.
        onset: First sample of the present pause; None in sound.
        piece_from: Start of the piece of the pause that is being measured.
        piece_hops: Hops in that piece so far.
        piece_level: Highest level in that piece so far, linear.
        past: Levels of the last PAST_HOPS hops before those not yet heard, linear.
        is_used: Whether there has been any sound, before the last cut too.
        lead_s: How long it has been silent before the last cut.
        hops: Quiet hops of the present pause so far.
        level: Highest level in the present pause so far.
        before: Level of the last EDGE_HOPS hops of sound before the present pause.
        after: Level of EDGE_HOPS hops of the pause itself, after the ringing.
        is_faded: Whether the sound before it was faded down.
        is_beep: Whether it was a beep.
        latest: Levels of the last STIR_HOPS hops of the present pause, which may be its end.
        highest: Highest level of a hop between its ends so far.
        lowest: Lowest level of a hop between its ends so far.
    """

    tail: Pcm = field(default_factory=no_samples)
    told: int = 0
    onset: int | None = None
    piece_from: int = 0
    piece_hops: int = 0
    piece_level: float = 0.0
    past: Pcm = field(default_factory=lambda: np.zeros(0, np.float32))
    is_used: bool = False
    lead_s: float = 0.0
    hops: int = 0
    level: float = 0.0
    before: float = 0.0
    after: float = 0.0
    is_faded: bool = False
    is_beep: bool = False
    latest: Pcm = field(default_factory=lambda: np.zeros(0, np.float32))
    highest: float = 0.0
    lowest: float = 1.0

    @property
    def is_natural(self) -> bool:
        """Whether the present pause is one of the programme, not one that something cut into it."""
        stirs = self.highest >= max(self.lowest * linear(STIR_DB), linear(STIR_DBFS))
        return self.has_died_away or stirs

    @property
    def has_floor(self) -> bool:
        """Whether the noise of the recording, or of a line, goes on in the present pause: the source is there."""
        return self.after >= linear(FLOOR_LEAST_DBFS)

    @property
    def has_died_away(self) -> bool:
        """Whether the sound before the present pause ended by itself."""
        return self.is_faded or 0 < self.before <= self.after * linear(DECAY_DB)


@dataclass(frozen=True, slots=True)
class _Ending:
    """What a pause at the end of a stream is, and why."""

    is_ordinary: bool
    reason: str


class Silence(PcmDetector[SilenceParams, SilenceState]):
    """Finds pauses in hops of 2.5 ms, and their edges to the sample.

    The level of a hop is half the distance between its highest and its lowest sample: the sample peak, but for what
    does not move within 2.5 ms. A constant offset is not sound, nor is the settling of an encoder's own high-pass
    filter (3 Hz in Opus), which holds the plain sample peak above -60 dBFS for up to 150 ms after the sound has gone.

    What is cut off is a defect at once; pauses into which sound dies away, and what lies before the first sound, are
    content for a while. At the end of the stream one detection over the whole of a tail says that it was only that.
    """

    spec = DetectorSpec(
        name="silence",
        version="4",
        defects=("silence",),
        needs=(AudioNeed(),),
        measurements={"level_dbfs": "dBFS"},
        lookback_s=2.0,
    )

    def fresh_state(self) -> SilenceState:
        """Nothing heard yet."""
        return SilenceState()

    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Go from pause to pause; those too short to matter take no work."""
        state = self.state
        hop = max(clock.rate // HOPS_PER_S, 1)
        pcm = np.concatenate([state.tail, samples], axis=1) if state.tail.size else samples
        hops = pcm[:, : pcm.shape[1] // hop * hop].reshape(len(pcm), -1, hop)
        heard = state.tail.shape[1] // hop
        first = clock.count - state.tail.shape[1]
        highest, lowest = hops.max(axis=2), hops.min(axis=2)
        levels = (highest - lowest).max(axis=0) / 2
        quiet = levels < linear(self.params.level_dbfs)
        past = np.concatenate([state.past, levels[heard:]])
        state.is_used = state.is_used or not quiet.all()
        for start, end, is_quiet in runs_of(quiet, heard):
            if is_quiet:
                if state.onset is None:
                    if end < len(quiet) and (end - start + 2) * hop < self.params.shortest_s * clock.rate:
                        continue
                    self._begin(first, hops, start)
                    self._look_back(past[: len(past) - len(levels) + (state.onset - first) // hop])
                yield from self._measure(first + start * hop, levels[start:end], hop, clock)
            elif state.onset is not None:
                away = self._away(hops, slice(start, start + 1), rest=start - 1)
                loud = np.flatnonzero(away >= linear(self.params.level_dbfs))
                yield from self._end(first + start * hop + int(loud[0] if len(loud) else 0), clock)
        kept = max(hops.shape[1] - RINGING_HOPS, 0) * hop
        state.tail, state.past = pcm[:, kept:].copy(), past[-PAST_HOPS:].copy()
        certain = first + kept if state.onset is None else state.onset
        while certain - state.told >= clock.rate:
            yield from self._sound(state.told + clock.rate, clock)

    def cut(self, at: Instant) -> Sequence[Detection]:
        """Nothing ends here but the time line: what looks like a tail may go on, and a track stays in use."""
        state, clock = self.state, self.state.clock
        if clock is None:
            return ()
        silent = 0 if state.onset is None else clock.count - state.onset
        lead_s = silent / clock.rate + (state.lead_s if state.onset == 0 else 0.0)
        remaining = list(self._finish(clock, is_end=False))
        self.state = SilenceState(is_used=state.is_used, lead_s=lead_s)
        return remaining

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Silence that reaches the end, or the last stretch of sound."""
        return self._finish(clock, is_end=True)

    def _finish(self, clock: SampleClock, *, is_end: bool) -> Iterator[Detection]:
        if self.state.onset is not None:
            ending = self._ending(clock) if is_end else None
            if ending is not None:
                yield from self._whole(ending, clock)
            else:
                yield from self._end(clock.count, clock, last=True)
        yield from self._sound(clock.count, clock)

    def _ending(self, clock: SampleClock) -> _Ending | None:
        """What a pause that has come to the end of the stream is as a whole; None where its pieces have said it."""
        state = self.state
        assert state.onset is not None
        length = clock.count - state.onset
        if length < self.params.shortest_s * clock.rate:
            return None
        if not state.is_used:
            return _Ending(clock.may_be_unused, "nothing is heard on this track from start to end")
        longest = self.params.tail_s if state.has_died_away else self.params.rest_s if state.has_floor else 0
        if length <= longest * clock.rate:
            return _Ending(is_ordinary=True, reason="the programme has ended")
        return None

    def _away(self, hops: Pcm, where: slice, *, rest: int) -> Pcm:
        """How far the samples of some hops lie from where each channel rests in the quiet hop `rest`."""
        middle = (hops[:, rest].max(axis=1) + hops[:, rest].min(axis=1)) / 2
        away: Pcm = np.abs(hops[:, where].reshape(len(hops), -1) - middle[:, None]).max(axis=0)
        return away

    def _begin(self, first: int, hops: Pcm, start: int) -> None:
        """A pause starts after the last loud sample before its first quiet hop."""
        state, hop = self.state, hops.shape[2]
        state.onset = first + start * hop
        if start > 0:
            away = self._away(hops, slice(max(start - RINGING_HOPS, 0), start), rest=start)
            loud = away >= max(linear(self.params.level_dbfs), float(away.max()) * linear(-RINGING_DB))
            state.onset = max(state.onset - int(np.argmax(loud[::-1])), state.told)
        state.piece_from, state.piece_hops, state.piece_level = state.onset, 0, 0.0
        state.hops, state.level, state.after = 0, 0.0, 0.0
        state.latest, state.highest, state.lowest = np.zeros(0, np.float32), 0.0, 1.0

    def _look_back(self, past: npt.NDArray[np.float32]) -> None:
        """Take in how the sound ended whose hops up to the onset have these levels."""
        state = self.state
        state.before = float(past[-EDGE_HOPS:].max(initial=0.0))
        state.is_beep = _ends_in_a_beep(past[-PAST_HOPS:], linear(self.params.level_dbfs))
        if len(past) < FADE_HOPS[0]:
            state.is_faded = False
            return
        steps = [float(past[len(past) - a : len(past) - b].max()) for a, b in pairwise(FADE_HOPS)]
        falls = all(later < earlier for earlier, later in pairwise(steps))
        state.is_faded = falls and steps[-1] < steps[0] * linear(-FADE_DB)

    def _measure(
        self, position: int, levels: npt.NDArray[np.float32], hop: int, clock: SampleClock
    ) -> Iterator[Detection]:
        """Take in quiet hops that begin at sample `position`; every full second of a pause is told at once."""
        state = self.state
        edge = levels[max(RINGING_HOPS - state.hops, 0) : max(RINGING_HOPS + EDGE_HOPS - state.hops, 0)]
        state.after = max(state.after, float(edge.max(initial=0.0)))
        state.level = max(state.level, float(levels.max()))
        inner = np.concatenate([state.latest, levels[max(STIR_HOPS - state.hops, 0) :]])
        inner, state.latest = np.split(inner, [max(len(inner) - STIR_HOPS, 0)])
        state.highest = max(state.highest, float(inner.max(initial=0.0)))
        state.lowest = min(state.lowest, float(inner.min(initial=1.0)))
        state.hops += len(levels)
        while len(levels):
            part, levels = np.split(levels, [HOPS_PER_S - state.piece_hops])
            position += len(part) * hop
            state.piece_hops += len(part)
            state.piece_level = max(state.piece_level, float(part.max()))
            if state.piece_hops == HOPS_PER_S:
                yield from self._silent(position, clock)

    def _end(self, end: int, clock: SampleClock, *, last: bool = False) -> Iterator[Detection]:
        """The pause is over at sample `end`; `last`: because the stream is."""
        state = self.state
        assert state.onset is not None
        length = end - state.onset
        if end > state.piece_from and length >= self.params.shortest_s * clock.rate:
            yield from self._silent(end, clock, is_ordinary=last and length <= self.params.edge_s * clock.rate)
        state.onset = None

    def _why_ordinary(self, end: int, clock: SampleClock) -> str | None:
        """Why the pause, which has come to sample `end`, is content; None where it is not."""
        state = self.state
        assert state.onset is not None
        if clock.may_be_unused and not state.is_used:
            return "nothing has been heard on this track, which may be unused"
        length = (end - state.onset) / clock.rate + (state.lead_s if state.onset == 0 else 0.0)
        params = self.params
        if state.onset <= RINGING_HOPS * max(clock.rate // HOPS_PER_S, 1):  # what a lossy decoder rings at the start
            return "before the first sound" if length <= params.rest_s else None
        if length <= (params.pause_s if state.is_natural else params.floor_s if state.has_floor else 0.0):
            return "a pause of the programme"
        return "between beeps" if state.is_beep and length <= params.pause_s else None

    def _silent(self, end: int, clock: SampleClock, *, is_ordinary: bool = False) -> Iterator[Detection]:
        """The piece of silence up to sample `end`, after the sound before it."""
        state = self.state
        yield from self._sound(state.piece_from, clock)
        reason = self._why_ordinary(end, clock)
        yield self._defect(state.piece_from, end, state.piece_level, reason, clock, is_info=is_ordinary or bool(reason))
        state.told = state.piece_from = end
        state.piece_hops, state.piece_level = 0, 0.0

    def _whole(self, ending: _Ending, clock: SampleClock) -> Iterator[Detection]:
        """The whole of a pause that has come to the end of the stream, in place of what has been said of its pieces."""
        state = self.state
        assert state.onset is not None
        yield from self._sound(state.onset, clock)
        is_info = ending.is_ordinary
        yield self._defect(state.onset, clock.count, state.level, ending.reason, clock, is_info=is_info)
        state.told = clock.count

    def _defect(
        self, start: int, end: int, amplitude: float, reason: str | None, clock: SampleClock, *, is_info: bool
    ) -> Detection:
        level = dbfs(amplitude)
        depth = (self.params.level_dbfs - level) / (self.params.level_dbfs - FLOOR_DBFS)
        return self.detection(
            "silence",
            clock.span(start, end),
            Verdict.DEFECT,
            0.5 + 0.5 * min(max(depth, 0.0), 1.0),
            measurements={"level_dbfs": level},
            ceiling=Severity.INFO if is_info else None,
            reason=reason,
        )

    def _sound(self, end: int, clock: SampleClock) -> Iterator[Detection]:
        """The sound up to sample `end`, second by second."""
        state = self.state
        while state.told < end:
            piece_end = min(state.told + clock.rate, end)
            yield self.detection("silence", clock.span(state.told, piece_end), Verdict.OK, 0.0)
            state.told = piece_end


def _ends_in_a_beep(past: npt.NDArray[np.float32], quiet: float) -> bool:
    """Whether the last sound in these levels of hops, (hops,), is a tone at one level that came out of silence."""
    is_quiet = past < quiet
    begin = len(past) - int(np.argmax(is_quiet[::-1])) if is_quiet.any() else 0
    mark = past[begin:]
    if (begin == 0 and len(past) == PAST_HOPS) or not MARK_HOPS[0] <= len(mark) <= MARK_HOPS[1]:
        return False
    beside = min(WINDOW_HOPS, len(mark) // 4)  # where a codec or a filter rounds the edges
    inner = mark[beside : len(mark) - beside]
    whole = inner[: max(len(inner) // WINDOW_HOPS, 1) * WINDOW_HOPS]
    peaks = [float(part.max()) for part in np.split(whole, range(WINDOW_HOPS, len(whole), WINDOW_HOPS))]
    return max(peaks) <= min(peaks) * linear(MARK_DB)
