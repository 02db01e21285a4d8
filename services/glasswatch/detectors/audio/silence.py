"""Silence: no channel carries anything above the threshold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
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


class SilenceParams(Params):
    """When a track counts as silent.

    Attributes:
        level_dbfs: Level that no channel may reach, in dBFS.
        shortest_s: Pauses shorter than this are part of the sound.
        edge_s: Silence of up to this length at the start or the end of a stream is ordinary, so at most information.
    """

    level_dbfs: Annotated[float, Field(ge=-120, le=-20)]
    shortest_s: Annotated[float, Field(ge=0.05, le=1)]
    edge_s: Annotated[float, Field(ge=0, le=1)]


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
    """

    tail: Pcm = field(default_factory=no_samples)
    told: int = 0
    onset: int | None = None
    piece_from: int = 0
    piece_hops: int = 0
    piece_level: float = 0.0


class Silence(PcmDetector[SilenceParams, SilenceState]):
    """Finds pauses in hops of 2.5 ms, and their edges to the sample.

    The level of a hop is half the distance between its highest and its lowest sample: the sample peak, but for what
    does not move within 2.5 ms. A constant offset is not sound, nor is the settling of an encoder's own high-pass
    filter (3 Hz in Opus), which holds the plain sample peak above -60 dBFS for up to 150 ms after the sound has gone.
    """

    spec = DetectorSpec(
        name="silence",
        version="1",
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
        for start, end, is_quiet in runs_of(quiet, heard):
            if is_quiet:
                if state.onset is None:
                    if end < len(quiet) and (end - start + 2) * hop < self.params.shortest_s * clock.rate:
                        continue
                    self._begin(first, hops, start)
                yield from self._measure(first + start * hop, levels[start:end], hop, clock)
            elif state.onset is not None:
                away = self._away(hops, slice(start, start + 1), rest=start - 1)
                loud = np.flatnonzero(away >= linear(self.params.level_dbfs))
                yield from self._end(first + start * hop + int(loud[0] if len(loud) else 0), clock)
        kept = max(hops.shape[1] - RINGING_HOPS, 0) * hop
        state.tail = pcm[:, kept:].copy()
        certain = first + kept if state.onset is None else state.onset
        while certain - state.told >= clock.rate:
            yield from self._sound(state.told + clock.rate, clock)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Silence that reaches the end, or the last stretch of sound."""
        if self.state.onset is not None:
            yield from self._end(clock.count, clock, last=True)
        yield from self._sound(clock.count, clock)

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

    def _measure(
        self, position: int, levels: npt.NDArray[np.float32], hop: int, clock: SampleClock
    ) -> Iterator[Detection]:
        """Take in quiet hops that begin at sample `position`; every full second of a pause is told at once."""
        state = self.state
        while len(levels):
            part, levels = np.split(levels, [HOPS_PER_S - state.piece_hops])
            position += len(part) * hop
            state.piece_hops += len(part)
            state.piece_level = max(state.piece_level, float(part.max()))
            if state.piece_hops == HOPS_PER_S:
                yield from self._silent(position, clock, ceiling=None)

    def _end(self, end: int, clock: SampleClock, *, last: bool = False) -> Iterator[Detection]:
        """The pause is over at sample `end`; `last`: because the stream is."""
        state = self.state
        assert state.onset is not None
        length = end - state.onset
        if end > state.piece_from and length >= self.params.shortest_s * clock.rate:
            ordinary = (last or state.onset == 0) and length <= self.params.edge_s * clock.rate
            yield from self._silent(end, clock, Severity.INFO if ordinary else None)
        state.onset = None

    def _silent(self, end: int, clock: SampleClock, ceiling: Severity | None) -> Iterator[Detection]:
        """The piece of silence up to sample `end`, after the sound before it."""
        state = self.state
        yield from self._sound(state.piece_from, clock)
        level = dbfs(state.piece_level)
        depth = (self.params.level_dbfs - level) / (self.params.level_dbfs - FLOOR_DBFS)
        yield self.detection(
            "silence",
            clock.span(state.piece_from, end),
            Verdict.DEFECT,
            0.5 + 0.5 * min(max(depth, 0.0), 1.0),
            measurements={"level_dbfs": level},
            ceiling=ceiling,
        )
        state.told = state.piece_from = end
        state.piece_hops, state.piece_level = 0, 0.0

    def _sound(self, end: int, clock: SampleClock) -> Iterator[Detection]:
        """The sound up to sample `end`, second by second."""
        state = self.state
        while state.told < end:
            piece_end = min(state.told + clock.rate, end)
            yield self.detection("silence", clock.span(state.told, piece_end), Verdict.OK, 0.0)
            state.told = piece_end
