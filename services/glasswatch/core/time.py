"""Media time: exact rational seconds within an epoch of the timeline.

An epoch is a stretch of a stream whose timestamps can be compared. A jump, a wrap or a reconnect starts the
next one. `Timeline` maps an instant to the position a viewer sees: seconds from the start of the input.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A point of media time: `seconds` is the stream's own PTS x time base, exact, within `epoch`."""

    epoch: int
    seconds: Fraction


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch of media time, [start, end) in seconds of the stream's own PTS, in one epoch."""

    epoch: int
    start: Fraction
    end: Fraction

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"a span ends ({self.end}) before it starts ({self.start})")

    @property
    def duration(self) -> Fraction:
        """Length in seconds."""
        return self.end - self.start

    @property
    def onset(self) -> Instant:
        """Where it starts."""
        return Instant(self.epoch, self.start)

    def gap_to(self, other: Span) -> Fraction | None:
        """Seconds between two spans, 0 where they touch or overlap, None across epochs."""
        if self.epoch != other.epoch:
            return None
        return max(Fraction(0), other.start - self.end, self.start - other.end)

    def cover(self, other: Span) -> Span:
        """The smallest span that holds both; both must be of one epoch."""
        if self.epoch != other.epoch:
            raise ValueError("spans of different epochs cannot be joined")
        return Span(self.epoch, min(self.start, other.start), max(self.end, other.end))


@dataclass(slots=True)
class Timeline:
    """Where each epoch lies in the input, so that reports give positions that grow through discontinuities."""

    _epochs: list[int] = field(default_factory=list)
    _offsets: list[Fraction] = field(default_factory=list)

    def start_epoch(self, epoch: int, first_pts: Fraction, position: Fraction) -> None:
        """State that PTS `first_pts` of `epoch` is `position` seconds into the input; first word counts."""
        if epoch not in self._epochs:
            self._epochs.append(epoch)
            self._offsets.append(position - first_pts)

    def position(self, at: Instant) -> Fraction:
        """Seconds from the start of the input.

        An epoch that was never started takes the offset of the last one before it.
        """
        index = bisect_right(self._epochs, at.epoch) - 1
        return at.seconds + (self._offsets[index] if index >= 0 else Fraction(0))
