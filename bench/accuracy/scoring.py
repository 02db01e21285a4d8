"""Matching claims with truths, and the figures that follow: recall, precision, edges, false alarms per hour.

One rule for each kind of defect, the same for every tool:
- a claim matches a truth when their temporal intersection over union is at least 0.5, one to one, best first;
- block corruption is looked for in four pictures a second: it matches when they overlap;
- dropouts are points: they match when they overlap within 5 ms; so are clicks, within 50 ms;
- stream errors match by kind within 1 s, and programme loudness is a verdict on the whole file;
- reviewed natural defects have soft edges and match when they overlap.
Kinds must agree where both sides name one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from bench.accuracy.model import PICTURE, Claim, Result, Role, Standing, Truth

LEAST_IOU = 0.5
DROPOUT_SLACK_S = 0.005
CLICK_SLACK_S = 0.05
STREAM_SLACK_S = 1.0
CONSEQUENCE_SLACK_S = 0.5

KINDS: Mapping[tuple[str, str], frozenset[str]] = {
    ("stream_error", "packet_loss"): frozenset({"continuity", "decode"}),
    ("stream_error", "bit_flips"): frozenset({"decode"}),
    ("stream_error", "truncation"): frozenset({"truncated", "decode"}),
    ("stream_error", "pts_jump"): frozenset({"timestamps"}),
    ("stream_error", "pts_backward"): frozenset({"timestamps"}),
    ("stream_error", "missing_start"): frozenset({"broken_start", "decode"}),
    ("solid_colour", "colour"): frozenset({"uniform"}),
    ("av_length", "audio_ends_early"): frozenset({"end"}),
    ("av_length", "video_ends_early"): frozenset({"end"}),
    ("av_length", "audio_starts_late"): frozenset({"start"}),
    ("av_length", "video_starts_late"): frozenset({"start"}),
}
"""Kinds of claims that answer to a kind of label, where their words differ."""


class Outcome(StrEnum):
    """What a claim turned out to be."""

    MATCHED = "matched"
    FALSE = "false"
    EXCUSED = "excused"
    """It meets an optional truth: a reviewed natural defect, or one at the edge of its definition."""
    CONFIRMED = "confirmed"
    """A measurement of the level says the same."""
    CONSEQUENCE = "consequence"
    """Inside the damage that was injected, about another defect or in another word."""


@dataclass(slots=True)
class Score:
    """What one tool achieved for one defect on some files.

    Attributes:
        pairs: Matched truths with their claims and the frame rate of the file.
        missed: Required truths without a claim, with the file.
        claims: Every claim with the file and its outcome.
        hours: Length of the judged media by role.
        unjudged: Files that the tool did not judge, with the reason.
    """

    pairs: list[tuple[Result, Truth, Claim]] = field(default_factory=list)
    missed: list[tuple[Result, Truth]] = field(default_factory=list)
    claims: list[tuple[Result, Claim, Outcome]] = field(default_factory=list)
    hours: dict[Role, float] = field(default_factory=lambda: dict.fromkeys(Role, 0.0))
    unjudged: list[tuple[Result, str]] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Required truths that were found."""
        return sum(truth.standing is Standing.REQUIRED for _, truth, _ in self.pairs)

    @property
    def recall(self) -> float | None:
        """Found of what is required; None without any."""
        total = self.found + len(self.missed)
        return self.found / total if total else None

    def false_alarms(self, *roles: Role) -> list[tuple[Result, Claim]]:
        """False claims that call somebody, in files of these roles; of all roles unless told."""
        return [
            (result, claim)
            for result, claim, outcome in self.claims
            if outcome is Outcome.FALSE and claim.is_alarm and (not roles or result.subject.role in roles)
        ]

    @property
    def precision(self) -> float | None:
        """Right of all alarms that are right or false; None without any."""
        total = len(self.pairs) + len(self.false_alarms())
        return len(self.pairs) / total if total else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None:
            return None
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def per_hour(self, role: Role, severity: str | None = None) -> float | None:
        """False claims per hour of media of that role: alarms, or those of one severity."""
        if not self.hours[role]:
            return None
        wanted = [
            claim
            for result, claim, outcome in self.claims
            if outcome is Outcome.FALSE
            and result.subject.role is role
            and (claim.is_alarm if severity is None else claim.severity == severity)
        ]
        return len(wanted) / self.hours[role]

    def edges(self, defect: str) -> Mapping[str, Mapping[str, float]]:
        """Median, 95th percentile and maximum of the absolute edge errors, in frames of the file or in ms."""
        errors: dict[str, list[float]] = {"onset": [], "end": []}
        for result, truth, claim in self.pairs:
            if truth.loose or truth.kind == "programme":
                continue
            unit = (result.subject.fps or 25.0) if defect in PICTURE else 1000.0
            errors["onset"].append(abs(claim.start_s - truth.start_s) * unit)
            errors["end"].append(abs(claim.end_s - truth.end_s) * unit)
        return {name: _spread(values) for name, values in errors.items() if values}


def score(results: Iterable[Result], tool: str, defect: str) -> Score:
    """Everything about one defect by one tool; files that the tool was not run on do not count."""
    total = Score()
    for result in results:
        finding = result.findings.get(tool)
        subject = result.subject
        if finding is None or not subject.judges(defect):
            continue
        reason = finding.error or (f"{defect} not judged" if defect in finding.unjudged else None)
        if reason is not None:
            total.unjudged.append((result, reason))
        total.hours[subject.role] += subject.duration_s / 3600
        truths = [t for t in subject.truths if t.defect == defect]
        claims = [c for c in finding.claims if c.defect == defect]
        pairs = match(truths, claims)
        total.pairs += [(result, truths[t], claims[c]) for t, c in pairs]
        taken = {t for t, _ in pairs}
        total.missed += [
            (result, t) for n, t in enumerate(truths) if n not in taken and t.standing is Standing.REQUIRED
        ]
        matched = {c: truths[t] for t, c in pairs}
        for number, claim in enumerate(claims):
            total.claims.append((result, claim, _outcome(result, claim, matched.get(number), truths)))
    return total


def match(truths: Sequence[Truth], claims: Sequence[Claim]) -> list[tuple[int, int]]:
    """Index pairs of truths and claims, one to one, the best agreement first."""
    ranked = [(affinity(t, c), i, j) for i, t in enumerate(truths) for j, c in enumerate(claims)]
    pairs: list[tuple[int, int]] = []
    for worth, i, j in sorted(ranked, key=lambda item: (-item[0], item[1], item[2])):
        if worth > 0 and all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


def affinity(truth: Truth, claim: Claim) -> float:
    """How well a claim answers to a truth, 0 for not at all."""
    if truth.defect != claim.defect or not _kinds_agree(truth, claim):
        return 0.0
    shared = iou(truth, claim)
    match truth.defect:
        case _ if truth.loose:
            return 1e-6 + shared if _gap_s(truth, claim) <= 0 else 0.0
        case "block_corruption":
            return 1e-6 + shared if _gap_s(truth, claim) < 0 else 0.0
        case "loudness" if truth.kind == "programme":
            return 1.0
        case "dropout":
            return 1e-6 + shared if _gap_s(truth, claim) <= DROPOUT_SLACK_S else 0.0
        case "clicks":
            return 1e-6 + shared if _gap_s(truth, claim) <= CLICK_SLACK_S else 0.0
        case "stream_error":
            return 1e-6 + shared if _gap_s(truth, claim) <= STREAM_SLACK_S else 0.0
        case _:
            return shared if shared >= LEAST_IOU else 0.0


def iou(truth: Truth, claim: Claim) -> float:
    """Intersection over union of two spans of time; 1 for two equal points."""
    shared = min(truth.end_s, claim.end_s) - max(truth.start_s, claim.start_s)
    whole = max(truth.end_s, claim.end_s) - min(truth.start_s, claim.start_s)
    if whole == 0:
        return 1.0
    return max(shared, 0.0) / whole


def _outcome(result: Result, claim: Claim, truth: Truth | None, truths: Sequence[Truth]) -> Outcome:
    if truth is not None:
        return Outcome.MATCHED if truth.standing is Standing.REQUIRED else Outcome.EXCUSED
    subject = result.subject
    if any(
        (t.loose or t.standing is Standing.OPTIONAL) and _gap_s(t, claim) <= 0 and _kinds_agree(t, claim)
        for t in truths
    ):
        return Outcome.EXCUSED
    # A measurement does not excuse a fragment of what was injected.
    if claim.borne_out and not any(_kinds_agree(t, claim) and _gap_s(t, claim) <= 0 for t in truths):
        return Outcome.CONFIRMED
    if subject.role is Role.REAL:
        return Outcome.CONSEQUENCE
    if subject.role is Role.INJECTED and subject.changed is not None:
        slack = STREAM_SLACK_S if subject.defect == "stream_error" else CONSEQUENCE_SLACK_S
        inside = claim.end_s >= subject.changed[0] - slack and claim.start_s <= subject.changed[1] + slack
        own = claim.defect == subject.defect
        # A second claim on the same defect is a fragment and counts, unless it says another thing about it.
        said_otherwise = own and any(t.kind is None and claim.kind is not None for t in truths)
        if inside and (not own or said_otherwise or claim.defect == "stream_error"):
            return Outcome.CONSEQUENCE
    return Outcome.FALSE


def _kinds_agree(truth: Truth, claim: Claim) -> bool:
    if truth.kind is None or claim.kind is None or truth.kind == claim.kind:
        return True
    return claim.kind in KINDS.get((truth.defect, truth.kind), ())


def _gap_s(truth: Truth, claim: Claim) -> float:
    """Time between two spans, 0 or less where they meet."""
    return max(truth.start_s, claim.start_s) - min(truth.end_s, claim.end_s)


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
        "max": max(values),
        "count": float(len(values)),
    }


def overall(scores: Mapping[str, Score]) -> Score:
    """All defects together."""
    total = Score()
    for one in scores.values():
        total.pairs += one.pairs
        total.missed += one.missed
        total.claims += one.claims
        for role, hours in one.hours.items():
            total.hours[role] = max(total.hours[role], hours)
    return total
