"""Judging whole files with the detector as it is deployed, and the figures that follow.

An alarm answers to an event when they overlap; alarms and events are each counted once. One alarm may answer to
several events and the other way round: at four pictures a second, damage that pauses for less than that is one event.
What must be found is damage that is seen; an alarm is right when it meets any labelled damage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from bench.accuracy.model import Claim, Role
from bench.block.build import Spans, Subject, Truth
from bench.block.frames import RATE, Seen
from bench.block.metrics import most_events
from bench.inspection import claims_of, inspected, why_unjudged
from glasswatch.core.detection import Detection
from glasswatch.detectors.video.block_corruption import BlockCorruptionDetector

DETECTOR = BlockCorruptionDetector.spec.name
Definition = Literal["labelled", "large", "visible"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What the detector says of a file, and of each frame; `error` in place of events where it did not judge it."""

    claims: tuple[Claim, ...] = ()
    duration_s: float = 0.0
    wall_s: float = 0.0
    error: str | None = None
    detections: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A file with what was said of its pictures and of the whole."""

    subject: Subject
    seen: Seen
    finding: Finding

    def truth(self, definition: Definition) -> Truth:
        """Its damage by one definition."""
        return self.seen.visible if definition == "visible" else getattr(self.subject, definition)


@dataclass(frozen=True, slots=True)
class Event:
    """One stretch of damage.

    Attributes:
        is_sampled: Whether a picture that the detector looks at is damaged.
        onset_error_s: From its start to that of the first alarm that meets it; None where none does.
    """

    start_s: float
    end_s: float
    is_sampled: bool
    onset_error_s: float | None

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.end_s - self.start_s


@dataclass(slots=True)
class Score:
    """What the detector achieved on some files.

    Attributes:
        events: Every stretch of damage.
        right: Alarms that meet labelled damage.
        false: Alarms that do not.
        hours: Length of the media.
    """

    events: list[Event] = field(default_factory=list)
    right: int = 0
    false: int = 0
    hours: float = 0.0

    @property
    def found(self) -> int:
        """Events that an alarm meets."""
        return sum(event.onset_error_s is not None for event in self.events)

    @property
    def recall(self) -> float | None:
        """Found of all; None without any."""
        return self.found / len(self.events) if self.events else None

    @property
    def precision(self) -> float | None:
        """Right of all alarms; None without any."""
        return self.right / (self.right + self.false) if self.right + self.false else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    @property
    def false_per_hour(self) -> float | None:
        """False alarms per hour; None without media."""
        return self.false / self.hours if self.hours else None

    @property
    def most_false_per_hour(self) -> float | None:
        """What the rate is at most, with 95 % confidence."""
        return most_events(self.false) / self.hours if self.hours else None

    def onset(self, quantile: float) -> float | None:
        """A quantile of the absolute onset errors of found events, in seconds."""
        errors = [abs(e.onset_error_s) for e in self.events if e.onset_error_s is not None]
        return float(np.quantile(errors, quantile)) if errors else None


def inspect(path: Path, models: Path | None) -> Finding:
    """The detector with its defaults, in process."""
    detections: list[Detection] = []
    report = inspected(path, DETECTOR, models, detections.append)
    if isinstance(report, str):
        return Finding(error=report)
    timing, claims = report.timing, claims_of(report, [DETECTOR])
    return Finding(claims, timing.media_s, timing.wall_s, why_unjudged(report), tuple(detections))


def score(results: Iterable[Result], definition: Definition = "visible") -> Score:
    """All files together, damage by `definition` to be found; files that were not judged miss their events."""
    total = Score()
    for result in results:
        subject, finding = result.subject, result.finding
        alarms = [claim for claim in finding.claims if claim.is_alarm]
        right = [a for a in alarms if subject.role is Role.INJECTED and _meets_any(a, subject.labelled.events)]
        total.right += len(right)
        total.false += len(alarms) - len(right)
        if finding.error is None:
            total.hours += finding.duration_s / 3600
        looked_at, truth = sampled(result.seen.times_s), result.truth(definition)
        damaged = np.array([time for time, _ in truth.pictures])
        for start_s, end_s in truth.events:
            onsets = [a.start_s - start_s for a in alarms if a.start_s < end_s and a.end_s > start_s]
            inside = damaged[(damaged >= start_s - 1e-3) & (damaged < end_s)]
            is_sampled = bool((np.abs(looked_at[:, None] - inside) < 2e-3).any())
            total.events.append(Event(start_s, end_s, is_sampled, min(onsets, default=None)))
    return total


def sampled(times_s: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Which of a file's pictures the detector looks at: the first of each slot."""
    times = np.asarray(times_s, np.float64)
    slots = np.floor(times * float(RATE) + 1e-6)
    return times[np.flatnonzero(np.diff(slots, prepend=-1.0))]


def _meets_any(alarm: Claim, events: Spans) -> bool:
    return any(alarm.start_s < end_s and alarm.end_s > start_s for start_s, end_s in events)
