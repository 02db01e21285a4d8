"""How well fragments that are out of sync are told from those that are not, at every threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.block.metrics import auc
from bench.sync.cases import FRAME_MS, Group, Outcome
from bench.sync.scores import Truth, is_talking
from glasswatch.core.detection import Detection

UNMOVED = frozenset({Group.PLAIN, Group.RECODED})

FALSE_RATES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
"""False alarms that are allowed in the table."""

Value = Callable[[Detection], float]


@dataclass(frozen=True, slots=True)
class Limits:
    """The detector's parameters that say what is out of sync, in ms."""

    early: float
    late: float
    margin: float

    def beyond(self, offset: float, by: float) -> bool:
        """Whether an offset is outside by more than `by`."""
        return offset > self.early + by or -offset > self.late + by


@dataclass(frozen=True, slots=True)
class Sample:
    """A fragment: whether it is out of sync, whether somebody talks in it, and how much it looks out of sync."""

    out: bool
    talking: bool
    value: float


@dataclass(frozen=True, slots=True)
class Point:
    """What an alarm from `threshold` on means, as parts of fragments.

    Attributes:
        threshold: Least value.
        false_talking: Alarms in those in sync in which somebody talks.
        recall_talking: Alarms in those out of sync in which somebody talks.
        false_all: Alarms in all that are in sync.
        recall_all: Alarms in all that are out of sync; those in which nobody talks cannot be found.
    """

    threshold: float
    false_talking: float
    recall_talking: float
    false_all: float
    recall_all: float


@dataclass(frozen=True, slots=True)
class Roc:
    """A curve from the strictest threshold to the slackest, and its areas; None where one side has no fragments.

    The areas are those by the trapezoid from (0, 0) to (1, 1) (T. Fawcett, "An introduction to ROC analysis", 2006).
    """

    in_sync: int
    in_sync_talking: int
    out: int
    out_talking: int
    auc_talking: float | None
    auc_all: float | None
    points: tuple[Point, ...]

    def within(self, false_rate: float) -> Point | None:
        """The slackest threshold with at most this part of false alarms among those who talk."""
        return next((p for p in reversed(self.points) if p.false_talking <= false_rate), None)


def samples(outcomes: Sequence[Outcome], truth: Truth, limits: Limits, value: Value) -> list[Sample]:
    """Fragments of which it is clear what they are.

    In sync are those of files that were not moved and whose true offset is within the limits. Out of sync are those of
    moved files whose true offset is outside by more than a frame. What lies between is neither.
    """
    found = []
    for outcome in outcomes:
        offset = truth(outcome.case)
        if offset is None:
            continue
        is_out = outcome.case.group is Group.MOVED and limits.beyond(offset, FRAME_MS)
        if is_out or (outcome.case.group in UNMOVED and not limits.beyond(offset, 0)):
            found += [Sample(is_out, is_talking(f), value(f)) for f in outcome.fragments]
    return found


def roc(some: Sequence[Sample]) -> Roc:
    """The curve over every value that occurs above 0, which is no evidence at all."""
    out, talking = (np.array([getattr(s, name) for s in some], np.bool_) for name in ("out", "talking"))
    values = np.array([s.value for s in some], np.float64)

    def part(chosen: np.ndarray, threshold: float) -> float:
        return float((values[chosen] >= threshold).mean()) if chosen.any() else 0.0

    groups = (~out & talking, out & talking, ~out, out)
    thresholds = sorted({float(v) for v in values if v > 0}, reverse=True)
    points = tuple(Point(t, *(part(chosen, t) for chosen in groups)) for t in thresholds)
    in_talking, out_talking, in_all, out_all = (values[chosen] for chosen in groups)
    return Roc(
        in_sync=len(in_all),
        in_sync_talking=len(in_talking),
        out=len(out_all),
        out_talking=len(out_talking),
        # How often one out of sync has a higher value than one in sync, ties half, is the area by the trapezoid.
        auc_talking=auc(out_talking, in_talking),
        auc_all=auc(out_all, in_all),
        points=points,
    )


def by_score(fragment: Detection) -> float:
    """The detector's score: by the fragment and by the programme so far."""
    return fragment.score


def alone(limits: Limits) -> Value:
    """Confidence in the fragment's own offset where that is outside the limits, with the margin; else 0."""

    def value(fragment: Detection) -> float:
        measured = fragment.measurements
        is_out = "offset" in measured and limits.beyond(measured["offset"], limits.margin)
        return measured["confidence"] if is_out else 0.0

    return value
