"""The results as JSON values and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bench.accuracy.definitions import MOST_TRUE_PEAK_DBTP, TARGET_LUFS, TOLERANCE_LU
from bench.accuracy.model import DEFECTS, OURS, PICTURE, Claim, Result, Role, Standing, Subject, Truth
from bench.accuracy.scoring import Outcome, Score, score
from bench.accuracy.tools import FFMPEG, PEER_DEFECTS
from bench.tables import Table, number

Scores = Mapping[str, Mapping[str, Score]]
"""By tool and defect."""

SETS = {
    "held out": "sources of use=validate, which neither trained a model nor may",
    "other": "sources of use=train: free for training, and looked at while detectors were written",
}
LOUDNESS_AGREEMENT_LU = 0.1


def scores_of(results: Sequence[Result]) -> Scores:
    """Every tool on every defect that it has a detector for."""
    tools = {tool for result in results for tool in result.findings}
    return {
        tool: {d: score(results, tool, d) for d in DEFECTS if tool == OURS or d in PEER_DEFECTS[tool]}
        for tool in sorted(tools, key=lambda name: (name != OURS, name))
    }


def held_out(results: Iterable[Result]) -> tuple[list[Result], list[Result]]:
    """Results on held-out sources, and the others."""
    every = list(results)
    return [r for r in every if r.subject.use == "validate"], [r for r in every if r.subject.use != "validate"]


def detection_table(scores: Scores, title: str) -> Table:
    """Recall, precision and edges."""
    columns = ("defect", "tool", "injected", "found", "recall", "precision", "F1", "onset", "end", "unit")
    rows = []
    for defect, tool, one in _each(scores):
        edges = one.edges(defect)
        # A stream error has no edge that the label could give, a programme verdict none at all.
        spans = [edges.get(name, {}) if defect != "stream_error" else {} for name in ("onset", "end")]
        if one.found + len(one.missed) + len(one.claims) == 0:
            continue
        rows.append(
            [
                *(defect, tool, str(one.found + len(one.missed)), str(one.found)),
                *(number(value) for value in (one.recall, one.precision, one.f1)),
                *(" / ".join(number(span.get(key), 1) for key in ("median", "p95", "max")) for span in spans),
                "frames" if defect in PICTURE else "ms",
            ]
        )
    return Table(
        title,
        columns,
        rows,
        "Edges: absolute error of matched events, median / 95th percentile / maximum. Info events are no alarms.",
    )


def alarm_table(scores: Scores, title: str) -> Table:
    """False alarms per hour."""
    columns = (
        "defect",
        "tool",
        "clean h",
        "clean/h",
        "warning/h",
        "error/h",
        "info/h",
        "negative h",
        "negative/h",
        "info/h",
    )
    rows = []
    for defect, tool, one in _each(scores):
        if not (one.hours[Role.CLEAN] or one.hours[Role.NEGATIVE]):
            continue
        values = [
            *(one.per_hour(Role.CLEAN, severity) for severity in (None, "warning", "error", "info")),
            one.per_hour(Role.NEGATIVE),
            one.per_hour(Role.NEGATIVE, "info"),
        ]
        cells = [number(value, 1) for value in values]
        hours = [number(one.hours[role]) for role in (Role.CLEAN, Role.NEGATIVE)]
        rows.append([defect, tool, hours[0], *cells[:4], hours[1], *cells[4:]])
    return Table(
        title, columns, rows, "Reviewed natural defects, and levels that a measurement bears out, are not false."
    )


def meter_table(results: Iterable[Result]) -> Table:
    """Loudness and true peak against FFmpeg's ebur128 on the same files."""
    pairs = [
        (r.findings[OURS].meter, r.findings[FFMPEG].meter)
        for r in results
        if FFMPEG in r.findings and r.subject.channels and _is_whole(r.subject)
    ]
    rows = []
    for title, name, limit in (
        ("integrated loudness, LU", "integrated_lufs", LOUDNESS_AGREEMENT_LU),
        ("true peak, dB", "true_peak_dbtp", LOUDNESS_AGREEMENT_LU),
    ):
        both = [(getattr(a, name), getattr(b, name)) for a, b in pairs]
        both = [(a, b) for a, b in both if a is not None and b is not None]
        apart = np.abs([a - b for a, b in both]) if both else np.zeros(0)
        verdicts = [_off(a, name) == _off(b, name) for a, b in both]
        rows.append(
            [
                *(title, str(len(both))),
                *(number(float(f(apart)) if both else None, 3) for f in (np.median, np.max)),
                number(float((apart <= limit).mean()) if both else None, 3),
                f"{sum(verdicts)}/{len(both)}",
            ]
        )
    columns = ("meter", "files", "median difference", "max", f"within {LOUDNESS_AGREEMENT_LU}", "same verdict")
    return Table("Levels against FFmpeg's ebur128", columns, rows)


def _is_whole(subject: Subject) -> bool:
    """Damaged streams leave the meters to differ over what they could not decode."""
    return subject.role is not Role.REAL and subject.defect != "stream_error"


def _off(value: float, name: str) -> bool:
    if name == "integrated_lufs":
        return abs(value - TARGET_LUFS) > TOLERANCE_LU
    return value > MOST_TRUE_PEAK_DBTP


def real_table(results: Iterable[Result]) -> Table:
    """Files that were damaged in life: what was demanded, and what was said."""
    rows = []
    for result in sorted(results, key=lambda r: r.subject.label):
        finding = result.findings[OURS]
        demanded = sorted({t.defect for t in result.subject.truths})
        missed = [t.defect for d in demanded for _, t in score([result], OURS, d).missed]
        said = Counter(f"{c.defect}{f' {c.kind}' if c.kind else ''} ({c.severity})" for c in finding.claims)
        claims = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in said.items())
        rows.append(
            [
                result.subject.label,
                ", ".join(demanded) or "–",
                ", ".join(missed) or "none",
                finding.error or claims or "–",
            ]
        )
    return Table("Really defective files", ("file", "known to hold", "missed", "reported"), rows)


def faults(scores: Mapping[str, Score]) -> dict[str, list[dict[str, Any]]]:
    """Every miss and every false claim of one tool, to be looked at."""
    misses: list[dict[str, Any]] = []
    alarms: list[dict[str, Any]] = []
    informed: list[dict[str, Any]] = []
    borne_out: list[dict[str, Any]] = []
    for one in scores.values():
        misses += [_where(r, t) | {"strength": dict(t.strength)} for r, t in one.missed]
        for result, claim, outcome in one.claims:
            row = _where(result, claim) | {"severity": claim.severity, "measurements": dict(claim.measurements)}
            if outcome is Outcome.FALSE:
                (alarms if claim.is_alarm else informed).append(row)
            elif outcome is Outcome.CONFIRMED and claim.is_alarm:
                borne_out.append(row)
    return {"misses": misses, "false_alarms": alarms, "false_information": informed, "borne_out": borne_out}


def figures(scores: Scores) -> dict[str, Any]:
    """The numbers of the tables as JSON values."""
    return {
        tool: {
            defect: {
                "required": one.found + len(one.missed),
                "found": one.found,
                "optional_found": len(one.pairs) - one.found,
                "by_encoding": by_encoding(one),
                "recall": one.recall,
                "precision": one.precision,
                "f1": one.f1,
                "edges": one.edges(defect),
                "hours": {role.value: round(hours, 4) for role, hours in one.hours.items()},
                "false_alarms_per_hour": {
                    role.value: {s: one.per_hour(role, s) for s in ("info", "warning", "error")}
                    for role in (Role.CLEAN, Role.NEGATIVE)
                },
                "outcomes": Counter(outcome.value for _, _, outcome in one.claims),
                "not_judged": [{"file": r.subject.label, "reason": reason} for r, reason in one.unjudged],
            }
            for defect, one in by_defect.items()
        }
        for tool, by_defect in scores.items()
    }


def by_source(results: Sequence[Result]) -> dict[str, Any]:
    """What came out for each source, over all defects."""
    found: dict[str, Any] = {}
    for source in sorted({r.subject.source for r in results}):
        some = [r for r in results if r.subject.source == source]
        scores = [score(some, OURS, defect) for defect in DEFECTS]
        found[source] = {
            "use": some[0].subject.use,
            "files": len(some),
            "required": sum(s.found + len(s.missed) for s in scores),
            "found": sum(s.found for s in scores),
            "false_alarms": sum(len(s.false_alarms()) for s in scores),
        }
    return found


def by_encoding(one: Score) -> dict[str, list[int]]:
    """Found and required by the last words of the file's label: codecs and container."""
    found = Counter(_encoding(r) for r, t, _ in one.pairs if t.standing is Standing.REQUIRED)
    missed = Counter(_encoding(r) for r, _ in one.missed)
    return {name: [found[name], found[name] + missed[name]] for name in sorted(found | missed)}


def _encoding(result: Result) -> str:
    words = result.subject.label.partition(" seed=")[0].split()
    codecs = [word.partition("=")[2] for word in words if "codec=" in word]
    return " ".join([*codecs, words[-1]])


def file_row(result: Result) -> dict[str, Any]:
    """Everything about one file; the path of the work folder is left out."""
    row = asdict(result)
    row["subject"].pop("path")
    return row


def _each(scores: Scores) -> Iterator[tuple[str, str, Score]]:
    for defect in DEFECTS:
        for tool, by_defect in scores.items():
            if defect in by_defect:
                yield defect, tool, by_defect[defect]


def _where(result: Result, what: Truth | Claim) -> dict[str, Any]:
    subject: Subject = result.subject
    return {
        "defect": what.defect,
        "kind": what.kind,
        "file": subject.label,
        "path": subject.path,
        "role": subject.role.value,
        "use": subject.use,
        "start_s": round(what.start_s, 4),
        "end_s": round(what.end_s, 4),
    }
