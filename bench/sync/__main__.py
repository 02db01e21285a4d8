"""`python -m bench.sync`: lip sync on people that were not learned from, as filmed, moved and dubbed."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.progress import track

from bench.options import PATH, places
from bench.provenance import headline, provenance
from bench.sources import read_sources
from bench.sync.cases import DETECTOR, FRAME_MS, Case, Outcome, cases, judge
from bench.sync.scores import CONFIDENCES, LONG_S, Score, expected, score, truths, whole, whole_clips
from bench.tables import Table, number, terminal
from glasswatch.config.profile import load_profile

SCHEMA = "glasswatch.bench.sync/1"
COLUMNS = (
    "",
    "files",
    "fragments",
    "talking",
    "decided",
    "of talking",
    "right",
    "of known",
    "called a defect",
    "events",
)


@click.command()
@places("sync", "Where moved and dubbed files are kept for the next run.")
@click.option("--models", type=PATH, help="Model repository.")
@click.option("--quick", is_flag=True, help="Two shifts of each clip.")
@click.option("--only", help="Only sources whose name contains this.")
def main(
    media: Path, out: Path, markdown: Path | None, work: Path, models: Path | None, quick: bool, only: str | None
) -> None:
    """Measure lip sync."""
    origin = provenance("bench.sync", {str(media): "MEDIA", str(work): "WORK", str(models): "MODELS"})
    started, console = time.monotonic(), terminal()
    confidence = load_profile(only=[DETECTOR]).params[DETECTOR].model_dump()["confidence"]
    chosen = [s for s in read_sources(media) if only is None or only in s.name]
    done: list[Outcome] = []
    unmade: list[str] = []
    for case in track(cases(chosen, quick=quick), "files", console=console, transient=True):
        found = judge(case, work, models)
        if isinstance(found, Outcome):
            done.append(found)
        else:
            unmade.append(f"{_label(case)}: {found}")
    tables, document = _figures(done, confidence)
    for table in tables:
        table.show(console)
    document |= {"schema": SCHEMA, **origin, "quick": quick, "not_made": unmade, "files": [_file(o) for o in done]}
    document["wall_s"] = round(time.monotonic() - started, 1)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if markdown is not None:
        text = "\n".join(table.markdown() for table in tables)
        markdown.write_text(f"{headline(origin)}\n\n{text}", "utf-8")
    for line in unmade:
        console.print(f"not made: {line}", markup=False, soft_wrap=True)
    console.print(f"{len(done)} files in {document['wall_s']} s; written to {out}", soft_wrap=True)


def _figures(done: list[Outcome], confidence: float) -> tuple[list[Table], dict[str, Any]]:
    own = truths(done, confidence)
    groups = {
        "as it is": [o for o in done if not o.case.shift and o.case.voice is None],
        "moved": [o for o in done if o.case.shift],
        "another voice": [o for o in done if o.case.voice is not None],
    }
    related = [*groups["as it is"], *groups["moved"]]

    def truth(case: Case) -> float | None:
        return expected(case, own)

    def of_zero(case: Case) -> float | None:
        return FRAME_MS * case.shift if case.voice is None else None

    scores = {name: score(some, truth, confidence) for name, some in groups.items()}
    zero = score(related, of_zero, confidence)
    points = {
        c: (score(related, truth, confidence, at=c), score(groups["another voice"], truth, confidence, at=c))
        for c in CONFIDENCES
    }
    clips = whole_clips(related, truth, confidence)
    media_s, cpu_s = sum(o.media_s for o in done), sum(o.cpu_s for o in done)
    rows = [_row(name, groups[name], one) for name, one in scores.items()]
    by_clip = [_clip(o, own, confidence) for o in groups["as it is"]]
    tables = [
        Table(
            "Fragments, av_sync",
            COLUMNS,
            rows,
            "Right: within a frame of 40 ms of the source's own offset, which is that of the whole file as it is. "
            f"Of 0, {zero.right} of {zero.known} are. Files of {LONG_S:g} s and more as a whole: {clips[0]}, "
            f"decided {clips[1]}, right {clips[2]}. "
            f"The detector takes {cpu_s / max(media_s, 1e-9):.2f} of a core for each second.",
        ),
        Table(
            "Confidence of single fragments, av_sync",
            ("at least", "decided of talking", "right of known", "decided with another voice"),
            [
                (f"{c:g}", _share(a.decided, a.talking), _share(a.right, a.known), _share(b.decided, b.talking))
                for c, (a, b) in points.items()
            ],
        ),
        Table(
            "Clips as they are, av_sync",
            ("clip", "offset, ms", "fragments", "decided", "defects", "events", "not judged"),
            by_clip,
            "Positive where the sound is early.",
        ),
    ]
    document = {
        "scores": {name: asdict(one) for name, one in scores.items()},
        "of_zero": asdict(zero),
        "whole_clips": clips,
        "confidence": {str(c): [asdict(a), asdict(b)] for c, (a, b) in points.items()},
        "own_offset_ms": own,
        "cpu_s_per_s": cpu_s / max(media_s, 1e-9),
    }
    return tables, document


def _row(name: str, some: list[Outcome], one: Score) -> tuple[str, ...]:
    events = sum(o.events for o in some)
    return (
        name,
        str(len(some)),
        str(one.fragments),
        str(one.talking),
        str(one.decided),
        _share(one.decided, one.talking),
        str(one.right),
        _share(one.right, one.known),
        str(one.alarms),
        str(events),
    )


def _clip(outcome: Outcome, own: dict[str, float], confidence: float) -> tuple[str, ...]:
    one = score([outcome], lambda case: expected(case, own), confidence)
    reasons = Counter(f.reason for f in outcome.fragments if f.reason)
    why = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return (
        outcome.case.source.name,
        number(whole(outcome, confidence), 0),
        str(one.fragments),
        str(one.decided),
        str(one.alarms),
        str(outcome.events),
        why,
    )


def _share(part: int, of: int) -> str:
    return number(part / of if of else None, 3)


def _label(case: Case) -> str:
    voice = f" with the voice of {case.voice.name}" if case.voice is not None else ""
    return f"{case.source.name} by {case.shift:+d} frames{voice}"


def _file(outcome: Outcome) -> dict[str, Any]:
    return {
        "file": _label(outcome.case),
        "media_s": outcome.media_s,
        "cpu_s": outcome.cpu_s,
        "events": outcome.events,
        "fragments": [
            {
                "start_s": float(f.span.start),
                "end_s": float(f.span.end),
                "verdict": f.verdict.value,
                "reason": f.reason,
                **{name: round(value, 4) for name, value in f.measurements.items()},
            }
            for f in outcome.fragments
        ],
    }


if __name__ == "__main__":
    main()
