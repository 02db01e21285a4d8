"""The results as numbers and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from bench.accuracy.model import Claim, Role
from bench.audio.cost import Cost, Inspected
from bench.audio.events import OURS, Result, score
from bench.audio.peer import PEERS
from bench.audio.plan import DEFECTS, GRID
from bench.audio.seconds import Mask, groups, negatives, overall
from bench.audio.seconds import Table as Seconds
from bench.block.events import Score
from bench.block.metrics import rate
from bench.block.summary import event_figures
from bench.tables import Table, number
from glasswatch.detectors.audio.artifact_features import CLASSES

SHOWN_ALARMS = 40

Scores = Mapping[str, Score]


def second_figures(seconds: Seconds, points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Numbers of all tables of seconds as JSON values."""
    return {
        "balanced_accuracy": {name: _balanced(seconds, chosen) for name, chosen in overall(seconds).items()},
        "classes": CLASSES,
        "confusion": seconds.confusion(seconds.sure).tolist(),
        "groups": {f"{defect}: {name}": _group(seconds, chosen) for defect, name, chosen in groups(seconds)},
        "none": {name: _taken(seconds, chosen) for name, chosen in negatives(seconds)},
        "operating_points": points,
    }


def second_tables(seconds: Seconds, model: str, points: Sequence[Mapping[str, Any]]) -> list[Table]:
    """Balanced accuracy, confusion, groups of defective seconds, seconds without a defect, operating points."""
    return [
        _balanced_table(seconds, model),
        _confusion_table(seconds, model),
        _group_table(seconds, model),
        _none_table(seconds, model),
        _operating_table(points, model),
    ]


def event_scores(results: Sequence[Result]) -> dict[str, Score]:
    """Each defect in the files that it was put into and those of the other defects; then by level, mode and coding."""
    damaged = [r for r in results if r.subject.role is Role.INJECTED]
    found = {defect: score(damaged, OURS, defect) for defect in DEFECTS}
    for defect in DEFECTS:
        mine = [r for r in damaged if r.subject.kind == defect]
        for name in ("strength", "mode", "coding"):
            key = _fact(name)
            for value, some in groupby(sorted(mine, key=key), key):
                found[f"{defect}, {value}"] = score(list(some), OURS, defect)
    return {name: one for name, one in found.items() if one.events}


def peer_scores(results: Sequence[Result]) -> dict[str, Score]:
    """The detector and Essentia on the files that both judged: recall, precision, and false alarms without a defect."""
    sets = {"damaged": Role.INJECTED, "clean": Role.CLEAN, "hard negatives": Role.NEGATIVE}
    found: dict[str, Score] = {}
    for defect, peer in PEERS.items():
        for title, role in sets.items():
            some = [r for r in results if r.subject.role is role and peer in r.findings]
            found |= {f"{defect}, {title}, {tool}": score(some, tool, defect) for tool in (OURS, peer)}
    return found


def alarm_scores(results: Sequence[Result], held_out: Callable[[Result], bool]) -> dict[str, dict[str, Score]]:
    """False alarms by set of media without a defect, and by defect."""
    clean = [r for r in results if r.subject.role is Role.CLEAN]
    negative = [r for r in results if r.subject.role is Role.NEGATIVE]
    sets: dict[str, list[Result]] = {
        "all clean": clean,
        "clean, held out": [r for r in clean if held_out(r)],
        "clean, learned from or watched": [
            r for r in clean if not held_out(r) and not r.subject.source.startswith(GRID)
        ],
        f"clean, learned from, {GRID}": [r for r in clean if r.subject.source.startswith(GRID)],
        "all hard negatives": negative,
        **{
            f"negative: {k}": [r for r in negative if r.subject.kind == k]
            for k in sorted({r.subject.kind for r in negative})
        },
    }
    return {name: {defect: score(some, OURS, defect) for defect in DEFECTS} for name, some in sets.items() if some}


def figures(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of the tables of events as JSON values."""
    return {k: event_figures({k: v})[k] if isinstance(v, Score) else event_figures(v) for k, v in scores.items()}


def event_table(scores: Scores) -> Table:
    """Recall, precision and onset of events."""
    columns = (
        "defect",
        "defects",
        "found",
        "recall",
        "precision",
        "F1",
        "onset median s",
        "onset p95 s",
        "onset max s",
    )
    rows = [[name, *_event_row(one)] for name, one in scores.items()]
    note = (
        "The first rows have all damaged files in them, so that one defect taken for another is a false alarm, the "
        "others only files of that defect. Onset: absolute."
    )
    return Table("Events, held out", columns, rows, note)


def peer_table(scores: Scores) -> Table:
    """The detector beside Essentia."""
    columns = (
        *("defect, media, tool", "defects", "found", "recall", "precision", "F1"),
        *("onset median s", "onset p95 s", "onset max s", "hours", "false", "false per hour"),
    )
    rows = [
        [name, *_event_row(one), number(one.hours, 3), str(one.false), number(one.false_per_hour, 1)]
        for name, one in scores.items()
    ]
    return Table(
        "Beside Essentia, on the same files", columns, rows, "HumDetector and ClickDetector with their defaults."
    )


def alarm_table(scores: Mapping[str, Scores]) -> Table:
    """False alarms per hour, by defect."""
    columns = ("media", "hours", *(f"{defect}/h (at most)" for defect in DEFECTS))
    rows = []
    for name, by_defect in scores.items():
        cells = [f"{number(s.false_per_hour, 1)} ({number(s.most_false_per_hour, 1)})" for s in by_defect.values()]
        rows.append([name, number(next(iter(by_defect.values())).hours, 3), *cells])
    note = "In brackets: upper limit (95 %) of the Poisson rate, which short media leave wide."
    return Table("False alarms per hour", columns, rows, note)


def said_table(title: str, results: Iterable[Result], note: str, *, most: int | None = None) -> Table:
    """What is said of files, those of which most is said first where only so many are shown."""
    rows = []
    chosen = sorted(results, key=lambda r: -len(r.findings[OURS].claims)) if most is not None else list(results)
    for result in chosen[:most]:
        texts = [said(result, tool) for tool in (OURS, *PEERS.values())]
        rows.append([result.subject.label, *texts])
    return Table(title, ("file", OURS, *PEERS.values()), rows, note)


def said(result: Result, tool: str) -> str:
    """Events in a line, or why there are none."""
    finding = result.findings.get(tool)
    if finding is None:
        return "not run"
    told = [_told(claim) for claim in finding.claims] + [text for text in (finding.error, finding.unjudged) if text]
    return ", ".join(told) or "–"


def cost_table(costs: Mapping[str, Cost]) -> Table:
    """Cost of a second of one channel."""
    columns = ("model", "MiB", "MFLOP", "features ms", "model ms", "real-time factor")
    rows = [
        [
            *(model, number(cost.bytes / 2**20, 1), number(cost.mflop, 1), number(cost.features_ms, 2)),
            *(number(cost.model_ms, 2), number((cost.features_ms + cost.model_ms) / 1e3, 4)),
        ]
        for model, cost in costs.items()
    ]
    note = (
        "Of music at 48 kHz, processor time, one thread. MFLOP: convolutions and matrix products, multiplication and "
        "addition counted apart."
    )
    return Table("Cost of a second of one channel", columns, rows, note)


def inspection_table(inspections: Mapping[str, Inspected]) -> Table:
    """Cost of an inspection as a part of the media's length."""
    columns = ("60 s of music, 48 kHz", "detector", "whole inspection", "elapsed")
    rows = [
        [name, one.error, "–", "–"]
        if one.error
        else [name, number(one.detector, 4), number(one.cpu, 4), number(one.wall, 4)]
        for name, one in inspections.items()
    ]
    note = "Processor time as a part of the media's length: the real-time factor on one core. Elapsed: on this machine."
    return Table("Real-time factor of an inspection by this detector alone", columns, rows, note)


def _balanced(seconds: Seconds, chosen: Mask) -> dict[str, Any]:
    heard = chosen & ~seconds.is_faint
    return {
        "seconds": int(heard.sum()),
        "value": seconds.balanced(heard),
        "right": rate_of(seconds, heard),
        "seconds_with_faint": int(chosen.sum()),
        "with_faint": seconds.balanced(chosen),
        "right_with_faint": rate_of(seconds, chosen),
    }


def _balanced_table(seconds: Seconds, model: str) -> Table:
    rows = []
    for name, chosen in overall(seconds).items():
        one = _balanced(seconds, chosen)
        without = (str(one["seconds"]), number(one["value"], 4), number(one["right"], 4))
        with_faint = (one["seconds_with_faint"], one["with_faint"], one["right_with_faint"])
        rows.append([name, *without, str(with_faint[0]), *(number(v, 4) for v in with_faint[1:])])
    note = (
        "Mean recall of the five classes, and part of all seconds that are right. A dash: not all classes are there. "
        "Edges of defects are left out. Faint: seconds whose defect can hardly be heard, which the first figures leave "
        "out and the last ones have in them."
    )
    columns = (
        "count",
        "balanced accuracy",
        "right",
        "count with faint ones",
        "balanced accuracy of those",
        "right of those",
    )
    return Table(f"Balanced accuracy, {model}", ("seconds", *columns), rows, note)


def rate_of(seconds: Seconds, chosen: Mask) -> float | None:
    """Part of some seconds that are taken for what they are."""
    return float((seconds.found[chosen] == seconds.label[chosen]).mean()) if chosen.any() else None


def _confusion_table(seconds: Seconds, model: str) -> Table:
    rows = []
    for name, counts in zip(CLASSES, seconds.confusion(seconds.sure), strict=True):
        total = int(counts.sum())
        right = counts[CLASSES.index(name)] / total if total else None
        rows.append([name, str(total), *(str(n) for n in counts), number(right, 3)])
    return Table(f"Confusion, {model}", ("is", "seconds", *CLASSES, "recall"), rows, "Columns: what it is taken for.")


def _group(seconds: Seconds, chosen: Mask) -> dict[str, Any]:
    heard = chosen & ~seconds.is_faint
    return {**_taken(seconds, heard), "with_faint": rate_of(seconds, chosen), "seconds_with_faint": int(chosen.sum())}


def _taken(seconds: Seconds, chosen: Mask) -> dict[str, Any]:
    parts = {name: rate((seconds.found[chosen] == n) * 1.0, 1.0) for n, name in enumerate(CLASSES)}
    return {"seconds": int(chosen.sum()), "taken_for": parts}


def _group_table(seconds: Seconds, model: str) -> Table:
    columns = ("defect", "seconds", "recall", *(f"as {name}" for name in CLASSES), "with faint ones", "recall of those")
    rows = []
    for defect, name, chosen in groups(seconds):
        one = _group(seconds, chosen)
        parts = one["taken_for"]
        rows.append(
            [
                *(f"{defect}: {name}", str(one["seconds"]), number(parts[defect], 3)),
                *("" if other == defect else number(parts[other], 3) for other in CLASSES),
                *(str(one["seconds_with_faint"]), number(one["with_faint"], 3)),
            ]
        )
    note = "Faint: what can hardly be heard, which is left out of recall and counted in the last two columns."
    return Table(f"Seconds with a defect, {model}", columns, rows, note)


def _none_table(seconds: Seconds, model: str) -> Table:
    rows = []
    for name, chosen in negatives(seconds):
        one = _taken(seconds, chosen)
        rows.append([name, str(one["seconds"]), *(number(part, 3) for part in one["taken_for"].values())])
    columns = ("comes from", "seconds", *(f"as {name}" for name in CLASSES))
    return Table(f"Seconds without a defect, {model}", columns, rows)


def _operating_table(points: Sequence[Mapping[str, Any]], model: str) -> Table:
    columns = (
        "defect",
        "goal",
        "threshold",
        "A none",
        "A false rate",
        "A recall",
        "B none",
        "B false rate",
        "B recall",
    )
    rows = []
    for point in points:
        cells = [point["defect"], point["goal"], number(point["threshold"], 4)]
        for half in (point["A"], point["B"]):
            cells += [str(half["none"]), number(half["false_rate"], 4), number(half["recall"], 3)]
        rows.append([*cells, number(point["B"]["auc"], 4)])
    note = (
        'Chosen on half A of the held-out sources for a rate of false seconds, reported on half B; "default" is the '
        "detector's threshold of probability. A dash: too few seconds in A to tell such a rate."
    )
    return Table(f"Operating points, {model}", (*columns, "B AUC"), rows, note)


def _event_row(one: Score) -> list[str]:
    counts = [str(len(one.events)), str(one.found)]
    values = [number(v, 3) for v in (one.recall, one.precision, one.f1)]
    return [*counts, *values, *(number(one.onset(q)) for q in (0.5, 0.95, 1.0))]


def _fact(name: str) -> Callable[[Result], str]:
    return lambda result: result.subject.facts[name]


def _told(claim: Claim) -> str:
    return f"{claim.defect} {claim.start_s:.1f}–{claim.end_s:.1f} ({claim.severity})"


def file_row(result: Result, half: str) -> dict[str, Any]:
    """Everything about one file; the path of the work folder is left out."""
    subject = result.subject
    return {
        "file": subject.label,
        "source": subject.source,
        "use": subject.use,
        "half": half,
        "role": subject.role.value,
        "kind": subject.kind,
        **subject.facts,
        "defects": subject.spans,
        "required": subject.required,
        "findings": {tool: asdict(finding) for tool, finding in result.findings.items()},
        "seconds": [
            {
                "coding": part.coding,
                "is_before": part.is_before,
                "labels": [[one.name, one.is_edge, one.is_faint] for one in part.labels],
                "probabilities": {
                    m: [[round(float(v), 4) for v in row] for row in p] for m, p in part.probabilities.items()
                },
            }
            for part in result.seconds
        ],
    }
