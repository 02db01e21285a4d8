"""What every detector that listens to PCM shares: counting samples, breaks in the stream, decibels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from glasswatch.core.detection import Detection
from glasswatch.core.detector import Detector
from glasswatch.core.media import AudioChunk, MediaUnit
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.params import Params

FLOOR_DBFS = -144.0
"""Stands for digital silence in measurements: the step of 24-bit PCM."""

SLACK = Fraction(1, 10)
"""Timestamps of chunks may be rounded by the container; more than this many seconds off is a break."""

Pcm = npt.NDArray[np.float32]


@dataclass(slots=True)
class SampleClock:
    """Counts the samples of an unbroken stretch of one track, and says when each was.

    Attributes:
        epoch: Timeline epoch.
        start: Time of sample 0 in seconds.
        rate: Samples per second.
        channels: Channel names in FFmpeg's terms.
        count: Samples seen so far.
        may_be_unused: Whether the track may be one that carries nothing by design (`AudioChunk.may_be_unused`).
    """

    epoch: int
    start: Fraction
    rate: int
    channels: tuple[str, ...]
    count: int = 0
    may_be_unused: bool = False

    def span(self, start: int, end: int) -> Span:
        """The time of samples `start` to `end`, half open."""
        return Span(self.epoch, self.start + Fraction(start, self.rate), self.start + Fraction(end, self.rate))

    @property
    def now(self) -> Instant:
        """The end of what has been seen."""
        return Instant(self.epoch, self.start + Fraction(self.count, self.rate))

    def goes_on_with(self, chunk: AudioChunk) -> bool:
        """Whether `chunk` continues this stretch: same track form, no samples missing."""
        same_form = (self.epoch, self.rate, self.channels) == (chunk.epoch, chunk.rate, chunk.channels)
        return chunk.contiguous and same_form and abs(chunk.start - self.now.seconds) <= SLACK


@dataclass(slots=True)
class PcmState:
    """Base of the state of every PCM detector; `clock` is None before the first sample."""

    clock: SampleClock | None = None


P = TypeVar("P", bound=Params)
S = TypeVar("S", bound=PcmState)


class PcmDetector(Detector[P, S]):
    """A detector that listens to one audio track and starts afresh where samples are missing."""

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge one chunk of PCM; other media is not this detector's."""
        if not isinstance(unit, AudioChunk) or len(unit) == 0:
            return ()
        found: list[Detection] = []
        clock = self.state.clock
        if clock is not None and not clock.goes_on_with(unit):
            found += self.cut(clock.now)
            clock = None
        if clock is None:
            clock = self.state.clock = SampleClock(unit.epoch, unit.start, unit.rate, unit.channels)
            clock.may_be_unused = unit.may_be_unused
        # A damaged float stream can decode to NaN, which would stay in filters and sums for good.
        samples = unit.samples if np.isfinite(unit.samples).all() else np.nan_to_num(unit.samples, posinf=0, neginf=0)
        found += self.listen(samples, clock)
        clock.count += len(unit)
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """What is still held back; `at` adds nothing to the count of samples."""
        return list(self.conclude(self.state.clock)) if self.state.clock is not None else ()

    @abstractmethod
    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Judge the samples (channels, samples) that follow the `clock.count` seen so far."""

    @abstractmethod
    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Say what is left when the stretch ends after `clock.count` samples."""


def dbfs(amplitude: float) -> float:
    """Decibels relative to full scale of a linear amplitude, not below FLOOR_DBFS, to 0.01 dB."""
    return round(max(20 * float(np.log10(max(amplitude, 1e-12))), FLOOR_DBFS), 2)


def linear(level_dbfs: float) -> float:
    """Amplitude of a level in decibels relative to full scale."""
    return float(10 ** (level_dbfs / 20))


def no_samples() -> Pcm:
    """PCM of no channels and no samples: what a state holds before the first chunk."""
    return np.zeros((0, 0), np.float32)


def runs_of(flags: npt.NDArray[np.bool_], first: int = 0) -> Iterator[tuple[int, int, bool]]:
    """Start, end (half open) and value of each run of equal flags, from index `first` on."""
    if first >= len(flags):
        return
    changes = np.flatnonzero(flags[first + 1 :] != flags[first:-1]) + first + 1
    bounds = [first, *changes.tolist(), len(flags)]
    for start, end in pairwise(bounds):
        yield start, end, bool(flags[start])
