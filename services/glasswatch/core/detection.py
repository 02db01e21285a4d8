"""What a detector says, and what the aggregator makes of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from fractions import Fraction

from glasswatch.core.time import Span

Measurements = Mapping[str, float]
Region = tuple[int, int, int, int]
"""x, y, width, height in native pixels."""


class Verdict(StrEnum):
    """A detector's judgement of a stretch of media."""

    OK = "ok"
    DEFECT = "defect"
    INCONCLUSIVE = "inconclusive"


class Severity(IntEnum):
    """How much an event matters; ordered, so that thresholds compare."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """Lower-case name as in reports."""
        return self.name.lower()

    @classmethod
    def parse(cls, label: str) -> Severity:
        """The severity of that label; ValueError for another word."""
        try:
            return cls[label.upper()]
        except KeyError:
            raise ValueError(f"unknown severity {label!r}") from None


@dataclass(frozen=True, slots=True)
class Detection:
    """One detector's word on one stretch of media time.

    Attributes:
        channel: Channel id.
        detector: Name of the detector.
        version: Its version.
        model: Version of the model it used, None without one.
        defect: Which defect this is about.
        span: The media time judged, edges exact to the frame or sample.
        verdict: The judgement.
        score: Strength of the evidence in [0, 1]; at or above 0.5 exactly when the verdict is DEFECT.
        measurements: By name; units stand in the detector's spec.
        kind: Which of several forms of the defect ("inverted", "bars"); forms are separate events.
        track: Which audio track or face track, None where there is one only.
        region: Where in the picture.
        ceiling: The highest severity that this evidence supports, None for no limit.
        worst: Media time of the worst moment inside the span, for the evidence picture.
        reason: Why, in words; always given with INCONCLUSIVE.
    """

    channel: str
    detector: str
    version: str
    defect: str
    span: Span
    verdict: Verdict
    score: float
    measurements: Measurements = field(default_factory=dict)
    model: str | None = None
    kind: str | None = None
    track: str | None = None
    region: Region | None = None
    ceiling: Severity | None = None
    worst: Fraction | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"{self.detector}: score {self.score} is outside [0, 1]")
        if self.verdict is Verdict.INCONCLUSIVE and not self.reason:
            raise ValueError(f"{self.detector}: an inconclusive verdict needs a reason")


class EventState(StrEnum):
    """Whether the defect still lasts."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Event:
    """A defect that an operator should know of, from its onset to its end.

    Equal ids mean the same event: a later version replaces an earlier one. `position` is where its onset lies, in
    seconds from the start of the input. `consequence_of` is the id of the event that brought this one with it.
    """

    id: str
    channel: str
    defect: str
    detector: str
    version: str
    severity: Severity
    span: Span
    score: float
    state: EventState
    measurements: Measurements = field(default_factory=dict)
    model: str | None = None
    kind: str | None = None
    track: str | None = None
    region: Region | None = None
    incident: str | None = None
    worst: Fraction | None = None
    reason: str | None = None
    position: Fraction = Fraction(0)
    consequence_of: str | None = None


def event_id(channel: str, defect: str, kind: str | None, track: str | None, epoch: int, onset: Fraction) -> str:
    """Identity of an event: the same for every replay and every redelivery of the same media."""
    text = "\x1f".join([channel, defect, kind or "", track or "", str(epoch), str(onset)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
