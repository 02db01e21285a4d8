"""`python -m bench.sync`: lip sync on people that were not learned from, moved and dubbed, and its cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from bench.options import JOBS, MODELS, places
from bench.parallel import examined
from bench.provenance import provenance
from bench.results import write_results
from bench.sources import read_sources
from bench.sync import cost, roc, summary
from bench.sync.cases import DETECTOR, Case, Group, Outcome, cases
from bench.sync.course import course
from bench.sync.run import Workshop, examine
from bench.sync.scores import of_zero, truths
from bench.tables import Table, terminal
from glasswatch.config.models import default_models
from glasswatch.config.profile import load_profile

SCHEMA = "glasswatch.bench.sync/2"


@click.command()
@places("sync", "Folder that keeps generated files for the next run.")
@MODELS
@JOBS
@click.option("--quick", is_flag=True, help="One shift of each clip, a third of the rest.")
@click.option("--only", help="Only sources whose name contains this, and no cost.")
def main(
    media: Path,
    out: Path,
    markdown: Path | None,
    work: Path,
    models: Path | None,
    processes: int,
    quick: bool,
    only: str | None,
) -> None:
    """Measure lip sync."""
    repository = models or default_models()
    origin = provenance("bench.sync", {str(media): "MEDIA", str(work): "WORK", str(models): "MODELS"})
    started, console = time.monotonic(), terminal()
    workshop = Workshop(work, repository)
    chosen = [s for s in read_sources(media) if only is None or only in s.name]
    # First, so that what it lacks is known before everything else has been measured.
    spent = cost.costs(media, repository, work, quick=quick) if only is None else []
    done, unmade = examined(
        partial(examine, workshop), cases(chosen, quick=quick), lambda case: case.label, processes, console
    )
    document: dict[str, Any] = {"schema": SCHEMA, **origin, "quick": quick, "not_made": unmade}
    tables = _tables(done, document)
    if spent:
        document["cost"] = [asdict(one) for one in spent]
        tables += cost.tables(spent)
    for table in tables:
        table.show(console)
    document["files"] = [summary.file_row(outcome) for outcome in done]
    document["wall_s"] = round(time.monotonic() - started, 1)
    write_results(out, document, markdown, origin, tables)
    for entry in unmade:
        console.print(f"not made: {entry['file']}: {entry['reason']}", markup=False, soft_wrap=True)
    console.print(f"{len(done)} files in {document['wall_s']} s; written to {out}", soft_wrap=True)


def _tables(done: Sequence[Outcome], document: dict[str, Any]) -> list[Table]:
    """Every table but cost; their numbers go into the document."""
    params = load_profile(only=[DETECTOR]).params[DETECTOR].model_dump()
    own = truths(done, params["confidence"])
    run = summary.Run(done, own, params["confidence"])
    limits = roc.Limits(params["early_warning_ms"], params["late_warning_ms"], params["margin_ms"])
    curves = {
        f"{by}, {against}": roc.roc(roc.samples(done, truth, limits, value))
        for against, truth in (("own offset", run.truth), ("of 0", of_zero))
        for by, value in (("score", roc.by_score), ("fragment alone", roc.alone(limits)))
    }
    courses = [course(o, own, params["confidence"]) for o in _changing(done)]
    document |= {
        "own_offset_ms": own,
        "groups": summary.figures(run),
        "roc": {name: asdict(curve) for name, curve in curves.items()},
        "courses": [asdict(one) for one in courses],
        "cpu_s_per_s": sum(o.cpu_s for o in done) / max(sum(o.media_s for o in done), 1e-9),
    }
    return [
        *summary.fragment_tables(run),
        summary.whole_table(run),
        summary.confidence_table(run),
        summary.roc_table(curves),
        summary.clip_table(run),
        summary.course_table(courses),
        summary.nobody_table(run),
    ]


def _changing(done: Sequence[Outcome]) -> list[Outcome]:
    """Files whose offset changes on the way, each clip after itself as it is."""

    def place(case: Case) -> tuple[str, bool]:
        return case.source.name, case.group is Group.COURSE

    changed = {o.case.source.name for o in done if o.case.group is Group.COURSE}
    some = [o for o in done if o.case.group in (Group.PLAIN, Group.COURSE) and o.case.source.name in changed]
    return sorted(some, key=lambda o: place(o.case))


if __name__ == "__main__":
    main()
