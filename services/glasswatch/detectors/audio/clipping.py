"""Clipping: runs of samples at full scale, and true peaks above the permitted maximum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.core.runs import Reading
from glasswatch.detectors.audio.pcm import Pcm, PcmDetector, PcmState, SampleClock, dbfs, linear, no_samples
from glasswatch.detectors.audio.true_peak import TAPS, true_peaks
from glasswatch.detectors.params import Params

FULL_SCALE = 32767 / 32768
"""The highest sample that 16-bit PCM can hold; what is at or above it is at full scale in any form of PCM."""

_COARSE = {
    32124: 1024,  # G.711 mu-law: 8031 of 8192 (table 2a), in steps of 256
    32256: 1024,  # G.711 A-law: 4032 of 4096 (table 1a), in steps of 128
    32512: 256,  # 8-bit PCM
    32704: 64,  # the 12 bits of DV (IEC 61834-2): 511 steps of 64
    32752: 16,  # 12-bit PCM
    32760: 8,  # GSM 06.10: 13 bits
    32764: 4,  # G.726: 14 bits
}
"""Highest sample of forms of PCM that end below full scale, and the step there, both as 16-bit codes."""

TOPS = np.array([FULL_SCALE, *(sign * top / 32768 for top in _COARSE for sign in (1, -1))], np.float32)
STEPS = np.array([1 / 32768, *(step / 32768 for step in _COARSE.values() for _ in (1, -1))], np.float32)
"""Where sound may clip: at or above full scale in magnitude, or exactly at one of the others. Sound keeps such a top
when it is stored in another form later, so the samples tell, not the codec."""

LEAST_TOP = float(np.abs(TOPS).min())

AHEAD = 8
"""How many samples after the first of a run are looked at to tell how long it is."""


def steepest_rise(run: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How many steps a smooth curve rises at most in the two samples before `run` or more that it is flat for.

    A curve that is rounded to steps is flat at its top even where nothing clips. Of a parabola whose samples
    -(n - 1) / 2 to (n - 1) / 2 are within one step, sample -(n + 3) / 2 is ((n + 3) / (n - 1))^2 steps lower, and half
    a step by rounding.
    """
    return ((run + 3) / (run - 1)) ** 2 + 0.5


RUN = 3
"""Samples at full scale in a row that make a clipped peak; a single one may just have been there."""


class ClippingParams(Params):
    """When peaks count, and what they are worth.

    Attributes:
        warning_share: Share of a second's samples that must be clipped in one channel for more than information.
        error_share: The same for an error: distortion that everybody hears.
        audible_ms: Clipped samples count in full from this mean length of their runs on, in proportion below it.
            Records are mastered into a limiter that cuts thousands of peaks by a few samples each (0.1 ms), and lossy
            decoders bring the cut peaks back above full scale; nobody minds.
        true_peak_dbtp: Highest true peak permitted, in dBTP (EBU R 128: -1; ATSC A/85: -2).
        true_peak_warning_dbtp: True peak above which it is more than information, null for none: a limit is part of
            what a delivery is asked for, and lossy decoders take loud masters 1 to 3 dB above full scale.
    """

    warning_share: Annotated[float, Field(gt=0, le=1)]
    error_share: Annotated[float, Field(gt=0, le=1)]
    audible_ms: Annotated[float, Field(gt=0, le=10)]
    true_peak_dbtp: Annotated[float, Field(ge=-20, le=6)]
    true_peak_warning_dbtp: Annotated[float, Field(ge=-20, le=6)] | None


@dataclass(slots=True)
class Extent:
    """From the first to the last sample of something, by number; None before there is any."""

    first: int | None = None
    last: int = 0

    def add(self, first: int, last: int) -> None:
        """Take in a stretch."""
        self.first = first if self.first is None else min(self.first, first)
        self.last = max(self.last, last)


@dataclass(slots=True)
class Tally:
    """What has been counted in the present second.

    Attributes:
        clipped: Clipped samples at each of TOPS in each channel, (tops, channels).
        runs: Runs of them that began, (tops, channels).
        extents: Where there were any at each of TOPS.
        peaks: Highest and lowest sample of each channel, (2, channels).
        over: Where the true peak was above the maximum.
        true_peak: Highest true peak, linear; 0 where none can have reached the maximum.
        true_peak_at: At which sample of the clock that was.
    """

    clipped: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int64]
    extents: list[Extent]
    peaks: Pcm
    over: Extent = field(default_factory=Extent)
    true_peak: float = 0.0
    true_peak_at: int = 0

    @classmethod
    def fresh(cls, channels: int) -> Tally:
        """Nothing counted in that many channels."""
        shape = len(TOPS), channels
        extents = [Extent() for _ in TOPS]
        return cls(np.zeros(shape, np.int64), np.zeros(shape, np.int64), extents, np.zeros((2, channels), np.float32))

    @property
    def peak(self) -> float:
        """Highest magnitude of a sample, linear."""
        return float(np.abs(self.peaks).max(initial=0.0))

    def full_scale(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Extent]:
        """Clipped samples and runs of each channel, and where; a top counts where nothing exceeds it."""
        above, below = self.peaks
        tops = TOPS[1:, None]
        is_top = np.concatenate([np.ones((1, len(above)), np.bool_), np.where(tops > 0, above <= tops, below >= tops)])
        extent = Extent()
        for n in np.flatnonzero((self.clipped * is_top).any(axis=1)):
            extent.add(self.extents[n].first or 0, self.extents[n].last)
        return (self.clipped * is_top).sum(axis=0), (self.runs * is_top).sum(axis=0), extent


@dataclass(slots=True)
class ClippingState(PcmState):
    """Positions are sample numbers of the clock.

    Attributes:
        tail: Samples already judged that the filter still needs, and those not judged yet, (channels, samples).
        judged: The first sample not yet judged: whether it is in a run, and how long that is, shows AHEAD samples
            later.
        is_steep: Whether the last run at each of TOPS came from far enough below, (tops, channels).
        tally: The second in progress.
    """

    tail: Pcm = field(default_factory=no_samples)
    judged: int = 0
    is_steep: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros((len(TOPS), 0), np.bool_))
    tally: Tally = field(default_factory=lambda: Tally.fresh(0))


class Clipping(PcmDetector[ClippingParams, ClippingState]):
    """Counts clipped samples and finds true peaks, second by second.

    Sound that was clipped before a lossy encoder comes back with its plateaus rippling about full scale; a float
    decoder gives what exceeds it as it is, so the runs above full scale are still found, if fewer.
    """

    spec = DetectorSpec(
        name="clipping",
        version="2",
        defects=("clipping",),
        needs=(AudioNeed(),),
        measurements={
            "clipped_share": "1",
            "runs_per_s": "1/s",
            "run_ms": "ms",
            "channel": "1",
            "sample_peak_dbfs": "dBFS",
            "true_peak_dbtp": "dBTP",
        },
        lookback_s=2.0,
    )

    def fresh_state(self) -> ClippingState:
        """Nothing heard yet."""
        return ClippingState()

    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Judge all but the last samples, whose runs may go on."""
        state = self.state
        if state.judged == 0 and not state.tail.size:
            state.tail = np.zeros((len(samples), TAPS - 1), np.float32)
            state.tally = Tally.fresh(len(samples))
            state.is_steep = np.zeros((len(TOPS), len(samples)), np.bool_)
        pcm = np.concatenate([state.tail, samples], axis=1)
        yield from self._judge(pcm, pcm.shape[1] - AHEAD, clock)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Judge the last samples and tell the last, incomplete second."""
        state = self.state
        ahead = np.zeros((len(clock.channels), AHEAD), np.float32)
        yield from self._judge(np.concatenate([state.tail, ahead], axis=1), state.tail.shape[1], clock)
        if state.judged % clock.rate:
            yield from self._second(clock)

    def _judge(self, pcm: Pcm, until: int, clock: SampleClock) -> Iterator[Detection]:
        """Judge the samples of `pcm` from the first not yet judged up to index `until`."""
        state = self.state
        at = TAPS - 1
        while at < until:
            step = min(until - at, clock.rate - state.judged % clock.rate)
            self._count(pcm[:, at - (TAPS - 1) : at + step + AHEAD], clock)
            state.judged += step
            at += step
            if state.judged % clock.rate == 0:
                yield from self._second(clock)
        state.tail = pcm[:, at - (TAPS - 1) :].copy()

    def _count(self, pcm: Pcm, clock: SampleClock) -> None:
        """Add the samples of `pcm` between TAPS - 1 of history and AHEAD more to the tally."""
        tally, judged = self.state.tally, self.state.judged
        fresh = pcm[:, TAPS - 1 : pcm.shape[1] - AHEAD]
        tally.peaks[0] = np.maximum(tally.peaks[0], fresh.max(axis=1))
        tally.peaks[1] = np.minimum(tally.peaks[1], fresh.min(axis=1))
        for channel in np.flatnonzero(np.abs(pcm).max(axis=1) >= LEAST_TOP):
            # From RUN samples before those to judge: the last one judged before is in a run or not.
            signal = pcm[channel, TAPS - 1 - RUN :]
            for n in range(len(TOPS)):
                at_top = np.abs(signal) >= FULL_SCALE if n == 0 else signal == TOPS[n]
                if at_top.any():
                    self._count_runs(n, int(channel), signal, at_top)
        maximum = linear(self.params.true_peak_dbtp)
        for signal in pcm[:, : pcm.shape[1] - AHEAD]:
            places, heights = true_peaks(signal, maximum)
            over = places[heights > maximum]
            if len(over):
                tally.over.add(judged + int(over[0]), judged + int(over[-1]))
            if len(heights) and float(heights.max()) > tally.true_peak:
                tally.true_peak = float(heights.max())
                tally.true_peak_at = judged + int(places[np.argmax(heights)])

    def _count_runs(self, top: int, channel: int, signal: Pcm, at_top: npt.NDArray[np.bool_]) -> None:
        """Add the runs at one of TOPS to the tally; `signal` has RUN samples before those to judge, AHEAD after."""
        state, tally = self.state, self.state.tally
        in_row = sliding_window_view(at_top, RUN).all(axis=1)
        clipped = np.asarray(sliding_window_view(in_row, RUN).any(axis=1))[: len(signal) - RUN - AHEAD + 1]
        places = np.flatnonzero(clipped[1:])
        begin = np.flatnonzero(clipped[1:] & ~clipped[:-1])
        # Sample n of those to judge is signal[n + RUN].
        first = signal[begin + RUN]
        lengths = 1 + np.logical_and.accumulate(at_top[begin[:, None] + RUN + 1 + np.arange(AHEAD)], axis=1).sum(axis=1)
        rise = (first - signal[begin + RUN - 2]) * np.sign(first)
        is_steep = np.concatenate([[state.is_steep[top, channel]], rise > steepest_rise(lengths) * STEPS[top]])
        state.is_steep[top, channel] = is_steep[-1]
        places = places[is_steep[np.searchsorted(begin, places, side="right")]]
        if len(places):
            tally.clipped[top, channel] += len(places)
            tally.runs[top, channel] += int(is_steep[1:].sum())
            tally.extents[top].add(state.judged + int(places[0]), state.judged + int(places[-1]))

    def _second(self, clock: SampleClock) -> Iterator[Detection]:
        """Tell the second that ends at the first sample not yet judged."""
        state = self.state
        end = state.judged
        start = (end - 1) // clock.rate * clock.rate
        tally, state.tally = state.tally, Tally.fresh(len(clock.channels))
        measured = {"sample_peak_dbfs": dbfs(tally.peak)}
        clipped, runs, extent = tally.full_scale()
        if extent.first is None and tally.over.first is None:
            yield self.detection("clipping", clock.span(start, end), Verdict.OK, 0.0, measurements=measured)
            return
        yield from self._around(extent, self._full_scale(clipped, runs, measured, clock), start, end, clock)
        yield from self._around(tally.over, self._true_peak(tally, measured, clock), start, end, clock)

    def _full_scale(
        self,
        clipped: npt.NDArray[np.int64],
        runs: npt.NDArray[np.int64],
        measured: dict[str, float],
        clock: SampleClock,
    ) -> Reading:
        params = self.params
        channel = int(np.argmax(clipped))
        share = float(clipped[channel]) / clock.rate
        run_ms = 1000 * share / max(int(runs[channel]), 1)
        audible = share * min(run_ms / params.audible_ms, 1.0)
        more = {
            "clipped_share": round(share, 6),
            "runs_per_s": float(runs[channel]),
            "run_ms": round(run_ms, 3),
            "channel": float(channel),
        }
        return Reading(
            Verdict.DEFECT,
            0.5 + 0.5 * min(audible / params.error_share, 1.0),
            {**measured, **more},
            kind="full_scale",
            ceiling=None
            if audible >= params.error_share
            else Severity.WARNING
            if audible >= params.warning_share
            else Severity.INFO,
        )

    def _true_peak(self, tally: Tally, measured: dict[str, float], clock: SampleClock) -> Reading:
        true_peak = dbfs(tally.true_peak)
        limit = self.params.true_peak_warning_dbtp
        is_high = limit is not None and true_peak > limit
        return Reading(
            Verdict.DEFECT,
            0.5 + 0.5 * min(max(true_peak - self.params.true_peak_dbtp, 0.0) / 6, 1.0),
            {**measured, "true_peak_dbtp": true_peak},
            kind="true_peak",
            ceiling=Severity.WARNING if is_high else Severity.INFO,
            at=clock.span(tally.true_peak_at, tally.true_peak_at).start,
        )

    def _around(
        self, extent: Extent, reading: Reading, start: int, end: int, clock: SampleClock
    ) -> Iterator[Detection]:
        """One kind's word on a second: the defect from its first to its last sample, and what is beside it."""
        first, last = (end, end) if extent.first is None else (extent.first, extent.last + 1)
        if start < first:
            yield self.detection("clipping", clock.span(start, first), Verdict.OK, 0.0, kind=reading.kind)
        if first < last:
            yield self.detection(
                "clipping",
                clock.span(first, last),
                reading.verdict,
                reading.score,
                kind=reading.kind,
                measurements=reading.measurements,
                ceiling=reading.ceiling,
                worst=reading.at,
            )
        if last < end:
            yield self.detection("clipping", clock.span(last, end), Verdict.OK, 0.0, kind=reading.kind)
