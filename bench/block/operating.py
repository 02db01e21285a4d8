"""Operating points of the detector: its decision made anew of what it recorded of each frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.accuracy.model import Claim, Role
from bench.block.events import DETECTOR, Result, Score, score
from bench.block.plan import half_of
from bench.tables import Table, number
from glasswatch.aggregator.decisions import Decisions
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.runs import Reading
from glasswatch.detectors.video._block_decision import BlockCorruptionParams, Look, decide

Changes = Mapping[str, Any]

POINTS: Mapping[str, Changes] = {
    "defaults": {},
    "probability alone": {"decision": "learned"},
    "area alone": {"decision": "area"},
    "rise 3": {"rise": 3.0},
    "nothing alone": {"alone_area": 1.0},
    "alone from area 0.04": {"alone_area": 0.04},
    "cut 15": {"cut": 15.0},
    "cut 40": {"cut": 40.0},
    "threshold 0.98": {"threshold": 0.98},
    "threshold 0.95": {"threshold": 0.95},
    "threshold 0.93, certain 0.97": {"threshold": 0.93, "certain": 0.97},
    "supported 0.95": {"supported": 0.95},
    "supported 0.80": {"supported": 0.80},
}
"""What differs from the defaults."""


@dataclass(frozen=True, slots=True)
class Point:
    """What one operating point gives.

    Attributes:
        events: Damaged files, held out; by half "A" and "B" and together "".
        damaged: Frames that were looked at and are seen to be damaged.
        hit: Those of them that were called damaged.
        clean: Whole media: held out, others, and hard negatives.
    """

    events: Mapping[str, Score]
    damaged: int
    hit: int
    clean: Mapping[str, Score]


def point(results: Sequence[Result], changes: Changes) -> Point:
    """What all files give with some parameters changed."""
    anew = [_anew(result, changes) for result in results]
    damaged = [r for r, _ in anew if r.subject.role is Role.INJECTED]
    frames = [_frames(r, called) for r, called in anew if r.subject.role is Role.INJECTED]
    clean = [r for r, _ in anew if r.subject.role is Role.CLEAN]
    groups = {
        "held out": [r for r in clean if r.subject.use == "validate"],
        "others": [r for r in clean if r.subject.use != "validate"],
        "negatives": [r for r, _ in anew if r.subject.role is Role.NEGATIVE],
    }
    return Point(
        {half: score([r for r in damaged if half in ("", half_of(r.subject.source))]) for half in ("", "A", "B")},
        sum(seen for seen, _ in frames),
        sum(hit for _, hit in frames),
        {name: score(some) for name, some in groups.items()},
    )


def points(results: Sequence[Result]) -> dict[str, Point]:
    """Every operating point."""
    return {name: point(results, changes) for name, changes in POINTS.items()}


def figures(found: Mapping[str, Point]) -> dict[str, dict[str, Any]]:
    """Numbers of the table as JSON values."""
    return {
        name: {
            "changes": dict(POINTS[name]),
            "events": {half or "all": [s.found, len(s.events)] for half, s in one.events.items()},
            "frames": [one.hit, one.damaged],
            "precision": one.events[""].precision,
            "false_alarms": {group: [s.false, round(s.hours, 4)] for group, s in one.clean.items()},
        }
        for name, one in found.items()
    }


def table(found: Mapping[str, Point]) -> Table:
    """Recall and false alarms of every operating point."""
    first = next(iter(found.values()))
    hours = {group: f"{group}, {s.hours:.2f} h" for group, s in first.clean.items()}
    columns = ("operating point", "events", "recall", "A", "B", "frames", "precision", *(hours[g] for g in first.clean))
    rows = [
        [
            *(name, str(len(one.events[""].events))),
            *(number(one.events[half].recall, 3) for half in ("", "A", "B")),
            number(one.hit / one.damaged if one.damaged else None, 3),
            number(one.events[""].precision, 3),
            *(str(s.false) for s in one.clean.values()),
        ]
        for name, one in found.items()
    ]
    note = (
        "Each row changes the defaults by what it names. Recall of visible events of held-out sources, of halves A and "
        "B of them, and of visibly damaged frames that are looked at; false alarms on whole media."
    )
    return Table("Operating points of the detector", columns, rows, note)


def verdicts(detections: Sequence[Detection], changes: Changes) -> list[bool]:
    """Which of a file's recorded frames are damaged, with some parameters changed."""
    params = BlockCorruptionParams(**{**load_profile(only=[DETECTOR]).params[DETECTOR].model_dump(), **changes})
    return decide([Look(d.span, Reading(d.verdict, d.score, d.measurements)) for d in detections], params)


def _anew(result: Result, changes: Changes) -> tuple[Result, list[bool]]:
    """The result with claims as they would be, and which frames would be called damaged."""
    detections = result.finding.detections
    called = verdicts(detections, changes)
    claims = tuple(_claims(detections, called))
    return replace(result, finding=replace(result.finding, claims=claims)), called


def _claims(detections: Sequence[Detection], called: Iterable[bool]) -> list[Claim]:
    decisions, changes = Decisions(load_profile(only=[DETECTOR]).rules), []
    for detection, damaged in zip(detections, called, strict=True):
        whole = Verdict.OK if detection.verdict is Verdict.DEFECT else detection.verdict
        verdict, score_now = (Verdict.DEFECT, 0.5) if damaged else (whole, 0.0)
        changes += decisions.add(replace(detection, verdict=verdict, score=score_now))
    changes += decisions.finish(detections[0].channel) if detections else []
    start = detections[0].span.start if detections else 0
    latest = {event.id: event for event in changes}.values()
    return [
        Claim(e.defect, e.kind, float(e.span.start - start), float(e.span.end - start), e.severity.name.lower())
        for e in latest
    ]


def _frames(result: Result, called: Sequence[bool]) -> tuple[int, int]:
    """How many frames that were looked at are seen to be damaged, and how many of them were called so."""
    times = np.array([time for time, _ in result.seen.visible.pictures])
    detections = result.finding.detections
    if not len(times) or not detections:
        return 0, 0
    start = detections[0].span.start
    seen = [bool((np.abs(times - float(d.span.start - start)) < 2e-3).any()) for d in detections]
    return sum(seen), sum(s and c for s, c in zip(seen, called, strict=True))
