"""Media time: exact rational seconds within an epoch of the timeline.

An epoch is a stretch of a stream whose timestamps can be compared. A jump, a wrap or a reconnect starts the
next one. `Timeline` maps an instant to the position a viewer sees: seconds from the start of the input.
"""

from __future__ import annotations

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


SAME_CUT = Fraction(10)
"""Streams that jump to places less than this far apart, in seconds, went through the same cut."""


@dataclass(slots=True)
class Timeline:
    """Where each epoch lies in the input, so that reports give positions that grow through discontinuities."""

    _offsets: dict[int, Fraction] = field(default_factory=dict)

    def start(self, first_pts: Fraction) -> None:
        """State that the input, and epoch 0, starts at PTS `first_pts`."""
        self._offsets = {0: -first_pts}

    def cut(self, epoch: int, pts: Fraction, position: Fraction) -> int:
        """The epoch of a stream that leaves `epoch` and goes on with PTS `pts`, `position` seconds into the input.

        Every stream of an input goes through a cut, one after the other: they meet in one new epoch, unless their
        timestamps jump to different places.
        """
        offset = position - pts
        later = [e for e in self._offsets if e > epoch]
        nearest = min(later, key=lambda e: abs(self._offsets[e] - offset), default=None)
        if nearest is not None and abs(self._offsets[nearest] - offset) < SAME_CUT:
            return nearest
        new = max(self._offsets, default=-1) + 1
        # Denominators multiply when streams of different clocks cut in turn; a clock is at most 32 bits fine.
        self.place(new, offset.limit_denominator(1 << 32))
        return new

    def place(self, epoch: int, offset: Fraction) -> None:
        """State that position = PTS + `offset` in an epoch, in seconds."""
        self._offsets[epoch] = offset

    def offset(self, epoch: int) -> Fraction:
        """What to add to a PTS to get the position; an epoch that is not known counts like the first one."""
        first = next(iter(self._offsets.values()), Fraction(0))
        return self._offsets.get(epoch, first)

    def position(self, at: Instant) -> Fraction:
        """Seconds from the start of the input."""
        return at.seconds + self.offset(at.epoch)
