"""Judging whole files with the detector as it is deployed, and scoring it and its peer.

An alarm answers to a defect when their temporal intersection over union is at least 0.5; clicks have hardly any length,
so for them it is enough that both come within CLICK_SLACK_S. A defect is found by any alarm that answers to it; alarms
that answer to none are false, so that a fragment of a defect is, and hum that is called hiss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bench.accuracy.model import Claim, Role
from bench.accuracy.scoring import CLICK_SLACK_S, LEAST_IOU
from bench.audio.build import Subject
from bench.audio.plan import DEFECTS
from bench.audio.seconds import Seconds
from bench.block.events import Event, Score
from bench.inspection import claims_of, inspected, why_unjudged
from glasswatch.core.detection import Detection, Verdict
from glasswatch.detectors.audio.audio_artifacts import AudioArtifactsDetector

DETECTOR = AudioArtifactsDetector.spec.name
OURS = "glasswatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a tool says of a file.

    Attributes:
        claims: Its events.
        judged_s: How much sound it has judged.
        error: Why that is none.
        unjudged: Why it is not all.
    """

    claims: tuple[Claim, ...] = ()
    judged_s: float = 0.0
    error: str | None = None
    unjudged: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A file with what was said of its seconds and, by tool, of the whole."""

    subject: Subject
    seconds: tuple[Seconds, ...]
    findings: Mapping[str, Finding]


def inspect(path: Path, models: Path | None) -> Finding:
    """The detector with its defaults, in process."""
    judged = Fraction(0)

    def keep(detection: Detection) -> None:
        nonlocal judged
        # All defects are judged together.
        if detection.defect == DEFECTS[0] and detection.verdict is not Verdict.INCONCLUSIVE:
            judged += detection.span.duration

    report = inspected(path, DETECTOR, models, keep)
    if isinstance(report, str):
        return Finding(error=report)
    claims, reason = claims_of(report, DEFECTS), why_unjudged(report)
    if not judged:
        return Finding(claims, error=reason or "nothing was judged")
    return Finding(claims, float(judged), unjudged=reason)


def score(results: Iterable[Result], tool: str, defect: str) -> Score:
    """All files that the tool was run on together; those that it failed on miss their events."""
    total = Score()
    for result in results:
        subject, finding = result.subject, result.findings.get(tool)
        if finding is None:
            continue
        alarms = [claim for claim in finding.claims if claim.defect == defect and claim.is_alarm]
        spans = subject.spans if subject.role is Role.INJECTED and subject.kind == defect else ()
        right = [alarm for alarm in alarms if any(answers(alarm, *span) for span in spans)]
        total.right += len(right)
        total.false += len(alarms) - len(right)
        total.hours += finding.judged_s / 3600
        for start_s, end_s in spans:
            onsets = [alarm.start_s - start_s for alarm in right if answers(alarm, start_s, end_s)]
            if onsets or subject.required:
                total.events.append(Event(start_s, end_s, True, min(onsets, key=abs, default=None)))
    return total


def answers(alarm: Claim, start_s: float, end_s: float) -> bool:
    """Whether an alarm is about the defect between these times."""
    shared_s = min(alarm.end_s, end_s) - max(alarm.start_s, start_s)
    if alarm.defect == "clicks":
        return shared_s >= -CLICK_SLACK_S
    return shared_s >= LEAST_IOU * (max(alarm.end_s, end_s) - min(alarm.start_s, start_s))
