"""What is found of an offset that is there throughout, of a drift, and of a step."""

from __future__ import annotations

from dataclasses import dataclass

from bench.sync.build import step_s
from bench.sync.cases import FRAME_MS, Case, Group, Outcome
from bench.sync.scores import RIGHT_MS
from glasswatch.core.detection import Verdict


@dataclass(frozen=True, slots=True)
class Course:
    """One file; offsets in ms, drifts in ms a minute.

    Attributes:
        file: Which.
        made: What was done, in words.
        true: Offset at the last fragment that was measured, None where the source's own is not known.
        of_zero: The same if the source is in sync.
        found: The programme's offset there; None where nothing was measured.
        confidence: Of it.
        drift_made: What was made.
        drift_found: What was found.
        drifting: Probability of a drift, at the end.
        known_after_s: From where it begins until the end of the first fragment from which on the programme's offset
            is known and within a frame to the end; None where it is not in the end.
        alarms: Fragments called a defect.
        passed: Fragments called OK.
    """

    file: str
    made: str
    true: float | None
    of_zero: float | None
    found: float | None
    confidence: float | None
    drift_made: float
    drift_found: float | None
    drifting: float | None
    known_after_s: float | None
    alarms: int
    passed: int


def added_ms(case: Case, time_s: float) -> float:
    """By how much the sound was made earlier at a time of the media."""
    full = FRAME_MS * case.shift
    if case.mode == "drift":
        return full * time_s / case.source.duration_s
    begins = step_s(case)
    return full if begins is None or time_s >= begins else 0.0


def course(outcome: Outcome, own: dict[str, float], confidence: float) -> Course:
    """What was found in a file whose offset may change on the way."""
    case = outcome.case
    start = own.get(case.source.name)
    measured = [
        ((float(f.span.start) + float(f.span.end)) / 2, float(f.span.end), f.measurements)
        for f in outcome.fragments
        if "programme_offset" in f.measurements
    ]
    last = measured[-1][2] if measured else {}
    added = added_ms(case, measured[-1][0]) if measured else None
    begins = step_s(case) or 0.0
    since = None
    for middle, end, found in measured if start is not None else []:
        true = (start or 0.0) + added_ms(case, middle)
        is_known = found["programme_confidence"] >= confidence and abs(found["programme_offset"] - true) <= RIGHT_MS
        if middle >= begins:
            since = (end if since is None else since) if is_known else None
    drift = FRAME_MS * case.shift / case.source.duration_s * 60 if case.mode == "drift" else 0.0
    return Course(
        file=case.source.name,
        made="nothing" if case.group is Group.PLAIN else f"{case.mode}, {case.shift:+d} frames",
        true=None if start is None or added is None else start + added,
        of_zero=added,
        found=last.get("programme_offset"),
        confidence=last.get("programme_confidence"),
        drift_made=drift,
        drift_found=last.get("drift"),
        drifting=last.get("drifting"),
        known_after_s=None if since is None else since - begins,
        alarms=sum(f.verdict is Verdict.DEFECT for f in outcome.fragments),
        passed=sum(f.verdict is Verdict.OK for f in outcome.fragments),
    )
