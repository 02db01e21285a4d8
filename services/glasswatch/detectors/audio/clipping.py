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
"""The highest sample that 16-bit PCM can hold; anything that clips, clips at or above it."""

RUN = 3
"""Samples at full scale in a row that make a clipped peak; a single one may just have been there."""


class ClippingParams(Params):
    """When peaks count, and what they are worth.

    Attributes:
        warning_share: Share of a second's samples that must be clipped in one channel for more than information.
            Music that was mastered loud has up to 0.0003, and nobody minds.
        error_share: The same for an error: distortion that everybody hears.
        true_peak_dbtp: Highest true peak permitted, in dBTP (EBU R 128: -1; ATSC A/85: -2).
        true_peak_warning_dbtp: True peak above which it is more than information. Lossy decoders routinely take loud
            masters up to 1 dB above full scale.
    """

    warning_share: Annotated[float, Field(gt=0, le=1)]
    error_share: Annotated[float, Field(gt=0, le=1)]
    true_peak_dbtp: Annotated[float, Field(ge=-20, le=6)]
    true_peak_warning_dbtp: Annotated[float, Field(ge=-20, le=6)]


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
        clipped: Clipped samples of each channel.
        runs: Runs of them that began.
        full_scale: Where there were any.
        peak: Highest sample, linear.
        over: Where the true peak was above the maximum.
        true_peak: Highest true peak, linear; 0 where none can have reached the maximum.
        true_peak_at: At which sample of the clock that was.
    """

    clipped: npt.NDArray[np.int64]
    runs: npt.NDArray[np.int64]
    full_scale: Extent = field(default_factory=Extent)
    peak: float = 0.0
    over: Extent = field(default_factory=Extent)
    true_peak: float = 0.0
    true_peak_at: int = 0

    @classmethod
    def fresh(cls, channels: int) -> Tally:
        """Nothing counted in that many channels."""
        return cls(np.zeros(channels, np.int64), np.zeros(channels, np.int64))


@dataclass(slots=True)
class ClippingState(PcmState):
    """Positions are sample numbers of the clock.

    Attributes:
        tail: Samples already judged that the filter still needs, and those not judged yet, (channels, samples).
        judged: The first sample not yet judged: whether it is in a run shows RUN - 1 samples later.
        tally: The second in progress.
    """

    tail: Pcm = field(default_factory=no_samples)
    judged: int = 0
    tally: Tally = field(default_factory=lambda: Tally.fresh(0))


class Clipping(PcmDetector[ClippingParams, ClippingState]):
    """Counts clipped samples and finds true peaks, second by second.

    Sound that was clipped before a lossy encoder comes back with its plateaus rippling about full scale; a float
    decoder gives what exceeds it as it is, so the runs above full scale are still found, if fewer.
    """

    spec = DetectorSpec(
        name="clipping",
        version="1",
        defects=("clipping",),
        needs=(AudioNeed(),),
        measurements={
            "clipped_share": "1",
            "runs_per_s": "1/s",
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
        pcm = np.concatenate([state.tail, samples], axis=1)
        yield from self._judge(pcm, pcm.shape[1] - (RUN - 1), clock)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Judge the last samples and tell the last, incomplete second."""
        state = self.state
        ahead = np.zeros((len(clock.channels), RUN - 1), np.float32)
        yield from self._judge(np.concatenate([state.tail, ahead], axis=1), state.tail.shape[1], clock)
        if state.judged % clock.rate:
            yield from self._second(clock)

    def _judge(self, pcm: Pcm, until: int, clock: SampleClock) -> Iterator[Detection]:
        """Judge the samples of `pcm` from the first not yet judged up to index `until`."""
        state = self.state
        at = TAPS - 1
        while at < until:
            step = min(until - at, clock.rate - state.judged % clock.rate)
            self._count(pcm[:, at - (TAPS - 1) : at + step + RUN - 1], clock)
            state.judged += step
            at += step
            if state.judged % clock.rate == 0:
                yield from self._second(clock)
        state.tail = pcm[:, at - (TAPS - 1) :].copy()

    def _count(self, pcm: Pcm, clock: SampleClock) -> None:
        """Add the samples of `pcm` between TAPS - 1 of history and RUN - 1 ahead to the tally."""
        tally, judged = self.state.tally, self.state.judged
        magnitude = np.abs(pcm)
        tally.peak = max(tally.peak, float(magnitude[:, TAPS - 1 : magnitude.shape[1] - (RUN - 1)].max()))
        for channel in np.flatnonzero(magnitude.max(axis=1) >= FULL_SCALE):
            full = magnitude[channel, TAPS - 1 - RUN :] >= FULL_SCALE
            in_row = sliding_window_view(full, RUN).all(axis=1)
            clipped = np.asarray(sliding_window_view(in_row, RUN).any(axis=1))  # from the last sample judged before
            places = np.flatnonzero(clipped[1:])
            if len(places):
                tally.clipped[channel] += len(places)
                tally.runs[channel] += int((clipped[1:] & ~clipped[:-1]).sum())
                tally.full_scale.add(judged + int(places[0]), judged + int(places[-1]))
        maximum = linear(self.params.true_peak_dbtp)
        for signal in pcm[:, : pcm.shape[1] - (RUN - 1)]:
            places, heights = true_peaks(signal, maximum)
            over = places[heights > maximum]
            if len(over):
                tally.over.add(judged + int(over[0]), judged + int(over[-1]))
            if len(heights) and float(heights.max()) > tally.true_peak:
                tally.true_peak = float(heights.max())
                tally.true_peak_at = judged + int(places[np.argmax(heights)])

    def _second(self, clock: SampleClock) -> Iterator[Detection]:
        """Tell the second that ends at the first sample not yet judged."""
        state = self.state
        end = state.judged
        start = (end - 1) // clock.rate * clock.rate
        tally, state.tally = state.tally, Tally.fresh(len(clock.channels))
        measured = {"sample_peak_dbfs": dbfs(tally.peak)}
        if tally.full_scale.first is None and tally.over.first is None:
            yield self.detection("clipping", clock.span(start, end), Verdict.OK, 0.0, measurements=measured)
            return
        yield from self._around(tally.full_scale, self._full_scale(tally, measured, clock), start, end, clock)
        yield from self._around(tally.over, self._true_peak(tally, measured, clock), start, end, clock)

    def _full_scale(self, tally: Tally, measured: dict[str, float], clock: SampleClock) -> Reading:
        params = self.params
        channel = int(np.argmax(tally.clipped))
        share = float(tally.clipped[channel]) / clock.rate
        ceiling = Severity.INFO if share < params.warning_share else Severity.WARNING
        more = {"clipped_share": round(share, 6), "runs_per_s": float(tally.runs[channel]), "channel": float(channel)}
        return Reading(
            Verdict.DEFECT,
            0.5 + 0.5 * min(share / params.error_share, 1.0),
            {**measured, **more},
            kind="full_scale",
            ceiling=None if share >= params.error_share else ceiling,
        )

    def _true_peak(self, tally: Tally, measured: dict[str, float], clock: SampleClock) -> Reading:
        true_peak = dbfs(tally.true_peak)
        is_high = true_peak > self.params.true_peak_warning_dbtp
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
