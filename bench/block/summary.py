"""The results as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from bench.accuracy.model import Role
from bench.block.cost import THREADS, Cost, Inspected
from bench.block.events import Definition, Event, Result, Score, score
from bench.block.frames import RATE
from bench.block.pictures import FALSE_RATES, Figures, Thresholds
from bench.block.plan import GRID
from bench.block.real import Strip
from bench.tables import Table, number

LENGTHS_S = (
    (0.0, 0.5, "shorter than 0.5 s"),
    (0.5, 1.0, "0.5 to 1 s"),
    (1.0, 2.0, "1 to 2 s"),
    (2.0, 1e9, "2 s and longer"),
)

Scores = Mapping[str, Score]


def event_scores(results: Sequence[Result]) -> dict[str, Score]:
    """Events of damaged files: by the three definitions, and the visible ones by codec, mode and strength."""
    damaged = [r for r in results if r.subject.role is Role.INJECTED]
    found = {name: score(damaged, name) for name in get_args(Definition)}
    for name in ("codec", "mode", "strength"):
        for value in sorted({r.subject.facts[name] for r in damaged}):
            found[f"{name} {value}"] = score([r for r in damaged if r.subject.facts[name] == value])
    return found


def alarm_scores(results: Sequence[Result]) -> dict[str, Score]:
    """False alarms in what is not damaged: media as they are, held out or not, and each hard negative."""
    clean = [r for r in results if r.subject.role is Role.CLEAN]
    negative = [r for r in results if r.subject.role is Role.NEGATIVE]
    sets: dict[str, Callable[[Result], bool]] = {
        "clean, held out": lambda r: r.subject.use == "validate",
        "clean, free for training": lambda r: r.subject.use != "validate" and not r.subject.source.startswith(GRID),
        f"clean, free for training, {GRID}": lambda r: (
            r.subject.use != "validate" and r.subject.source.startswith(GRID)
        ),
    }
    found = {name: score([r for r in clean if test(r)]) for name, test in sets.items()}
    found |= {"all clean": score(clean), "all negatives": score(negative)}
    for kind in sorted({r.subject.kind for r in negative}):
        found[f"negative: {kind}"] = score([r for r in negative if r.subject.kind == kind])
    return {name: one for name, one in found.items() if one.hours}


def by_length(events: Sequence[Event]) -> dict[str, list[Event]]:
    """Events by how long they last, and those of which a picture is looked at."""
    found = {title: [e for e in events if low <= e.length_s < high] for low, high, title in LENGTHS_S}
    return found | {
        "with a damaged picture looked at": [e for e in events if e.is_sampled],
        "without": [e for e in events if not e.is_sampled],
    }


def event_figures(scores: Scores) -> dict[str, dict[str, Any]]:
    """Numbers of the tables of events as JSON values."""
    return {
        name: {
            "events": len(one.events),
            "found": one.found,
            "right_alarms": one.right,
            "false_alarms": one.false,
            "recall": one.recall,
            "precision": one.precision,
            "f1": one.f1,
            "onset_error_s": {"median": one.onset(0.5), "p95": one.onset(0.95)},
            "hours": round(one.hours, 4),
            "false_per_hour": one.false_per_hour,
            "false_per_hour_at_most": one.most_false_per_hour,
        }
        for name, one in scores.items()
    }


def frame_table(figures: Mapping[str, Figures], model: str, line: Thresholds) -> Table:
    """Groups of damaged pictures against all clean ones."""
    columns = (
        *("damaged pictures", "count", "AUC score", "AUC area", "AUC blockdetect"),
        *(f"recall at {line.score:g}", f"area recall at {line.area:g}"),
        *(f"recall at FPR {r:g}" for r in FALSE_RATES),
        *("IoU mean", "IoU pooled", "IoU blocks"),
    )
    numbers = [f.name for f in fields(Figures)][1:]
    rows = []
    for name, one in figures.items():
        values: list[float | None] = []
        for key in numbers:
            value = getattr(one, key)
            values += list(value.values()) if isinstance(value, dict) else [value]
        rows.append([name, str(one.pictures), *(number(v, 3) for v in values)])
    note = (
        "Clean: whole pictures of the damaged files, hard negatives, untouched sources. Labelled: a block of 16x16 is "
        "off by more than 4 codes in the mean; large: by more than 10; visible: large, and seen to be "
        "damaged in the picture alone. The rows by codec, mode, strength and area are of visible ones. IoU: cells of "
        "32x32, damaged where one block is visibly so, left out where none is and one is labelled."
    )
    return Table(f"Pictures, {model}", columns, rows, note)


def clean_table(figures: Mapping[str, Mapping[str, Any]], model: str, line: Thresholds) -> Table:
    """Kinds of clean pictures."""
    columns = (
        *("clean pictures", "count", f"called damaged at {line.score:g}", f"by area at {line.area:g}"),
        *("AUC score", "AUC area", "AUC blockdetect"),
    )
    rows = []
    for name, one in figures.items():
        values = [v for key, v in one.items() if key != "pictures"]
        rows.append([name, str(one["pictures"]), *(number(v, 3) for v in values)])
    return Table(f"Clean pictures, {model}", columns, rows, "AUC: of all visible damage against these alone.")


def operating_table(points: Sequence[Mapping[str, Any]], model: str) -> Table:
    """Thresholds and what they give."""
    columns = (
        *("decision", "goal", "threshold", "A clean", "A false rate", "A recall"),
        *("B clean", "B false rate", "B recall", "B AUC"),
    )
    rows = []
    for point in points:
        a, b = point["A"], point["B"]
        rows.append(
            [
                *(point["decision"], point["goal"], number(point["threshold"], 4)),
                *(str(a["clean"]), number(a["false_rate"], 4), number(a["recall"], 3)),
                *(str(b["clean"]), number(b["false_rate"], 4), number(b["recall"], 3), number(b["auc"], 3)),
            ]
        )
    note = (
        "Chosen on half A of the held-out sources for a rate of false pictures, reported on half B; recall of visible "
        "damage. A dash: too few clean pictures in A to tell such a rate."
    )
    return Table(f"Operating points, {model}", columns, rows, note)


def event_table(scores: Scores) -> Table:
    """Recall, precision and onset of events."""
    columns = ("damaged files", "events", "found", "recall", "precision", "F1", "onset median s", "onset p95 s")
    rows = [
        [
            *(name, str(len(one.events)), str(one.found)),
            *(number(v, 3) for v in (one.recall, one.precision, one.f1)),
            *(number(one.onset(q)) for q in (0.5, 0.95)),
        ]
        for name, one in scores.items()
    ]
    note = (
        "By codec, mode, strength: visible events. An alarm is right where it meets labelled damage. Onset: absolute."
    )
    return Table("Events, held out", columns, rows, note)


def length_table(events: Sequence[Event]) -> Table:
    """What can be found at the detector's sampling rate."""
    rows = []
    for title, some in by_length(events).items():
        found = sum(e.onset_error_s is not None for e in some)
        sampled = sum(e.is_sampled for e in some)
        rows.append([title, str(len(some)), str(sampled), str(found), number(found / len(some) if some else None, 3)])
    columns = ("events", "count", "looked at", "found", "recall")
    return Table(f"Events by length, at {float(RATE):g} pictures a second", columns, rows)


def alarm_table(scores: Scores) -> Table:
    """False alarms per hour."""
    columns = ("media", "hours", "false alarms", "per hour", "at most, 95 %")
    rows = [
        [name, number(s.hours, 3), str(s.false), number(s.false_per_hour), number(s.most_false_per_hour)]
        for name, s in scores.items()
    ]
    return Table(
        "False alarms", columns, rows, "At most: upper limit of the Poisson rate, which short media leave wide."
    )


def real_table(strips: Sequence[Strip], line: Thresholds) -> Table:
    """Files that were damaged in life."""
    rows = []
    for strip in strips:
        spans = ", ".join(f"{c.start_s:.1f}–{c.end_s:.1f}" for c in strip.finding.claims) or "–"
        flagged = (number(v, 2) for v in strip.flagged(line))
        rows.append([strip.name, str(len(strip.shots)), *flagged, strip.finding.error or spans])
    columns = ("file", "pictures", f"score ≥ {line.score:g}", f"area ≥ {line.area:g}", "events, s")
    return Table("Media damaged in life", columns, rows, "Not all of them hold damaged blocks: see the contact sheet.")


def cost_table(costs: Mapping[str, Cost], one: Inspected) -> Table:
    """Cost of a 1080p picture."""
    columns = (
        *("model", "MiB", "GFLOP"),
        *(f"ms, {n} thread{'s' if n > 1 else ''}" for n in THREADS),
        *(f"most pictures/s, {n}" for n in THREADS),
    )
    rows = [
        [
            *(model, number(cost.bytes / 2**20), number(cost.gflop, 1)),
            *(number(cost.ms[n], 0) for n in THREADS),
            *(number(cost.most_hz(n), 1) for n in THREADS),
        ]
        for model, cost in costs.items()
    ]
    spent = "not judged: " + one.error if one.error else f"{one.wall_s:.1f} s for {one.media_s:.1f} s"
    note = (
        "GFLOP: convolutions, multiplication and addition counted apart. Most pictures/s: where inference alone takes "
        f"as long as the media. Inspection of the 1080p30 clip by this detector at {one.hz:g} pictures/s, one decoder "
        f"thread: {spent}."
    )
    return Table("Cost of a 1080p picture", columns, rows, note)
