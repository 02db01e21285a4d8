"""Joining per-frame readings into detections: one detection for each run of like readings, edges exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from glasswatch.core.detection import Region, Severity, Verdict
from glasswatch.core.time import Span

LONGEST = Fraction(1)
"""A run is cut after this many seconds, so that a lasting defect is heard of while it lasts."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The judgement of one frame or window, before like ones are joined.

    Fields as in `Detection`; `at` is the moment it was read, kept for the worst reading of a run.
    """

    verdict: Verdict
    score: float
    measurements: Mapping[str, float] = field(default_factory=dict)
    kind: str | None = None
    region: Region | None = None
    ceiling: Severity | None = None
    reason: str | None = None
    at: Fraction | None = None

    def like(self, other: Reading) -> bool:
        """Whether both belong to one run."""
        return (self.verdict, self.kind, self.ceiling, self.reason) == (
            other.verdict,
            other.kind,
            other.ceiling,
            other.reason,
        )


@dataclass(slots=True)
class Runs:
    """Run-length coding of readings; part of a detector's state.

    Attributes:
        least: A run of DEFECT shorter than this many readings counts as OK.
    """

    least: int = 1
    span: Span | None = None
    worst: Reading | None = None
    count: int = 0
    confirmed: bool = False

    def add(self, span: Span, reading: Reading) -> Iterator[tuple[Span, Reading]]:
        """Take the next reading; give the runs that it ends.

        Spans must come in order; one that does not touch the last one ends the run.
        """
        reading = reading if reading.at is not None else replace(reading, at=span.start)
        touches = self.span is not None and self.span.epoch == span.epoch and self.span.end == span.start
        same = touches and self.worst is not None and self.worst.like(reading)
        if not same:
            yield from self.end()
        elif self.span is not None and self.span.duration >= LONGEST and self._counts():
            yield from self.end()
            self.confirmed = True
        if self.span is None or self.worst is None:
            self.span, self.worst, self.count = span, reading, 1
            return
        self.span = self.span.cover(span)
        self.count += 1
        if reading.score > self.worst.score:
            self.worst = reading

    def end(self) -> Iterator[tuple[Span, Reading]]:
        """Give the open run, if there is one."""
        if self.span is not None and self.worst is not None:
            worst = self.worst
            if not self._counts():
                worst = replace(worst, verdict=Verdict.OK, score=min(worst.score, 0.49))
            yield self.span, worst
        self.span, self.worst, self.count, self.confirmed = None, None, 0, False

    def _counts(self) -> bool:
        is_defect = self.worst is not None and self.worst.verdict is Verdict.DEFECT
        return not is_defect or self.confirmed or self.count >= self.least
