"""`python -m bench.audio`: how well hum, hiss, distortion and clicks are found, and at what cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from bench.accuracy.model import Role
from bench.accuracy.reviewed import defective
from bench.audio import summary
from bench.audio.build import DEFINITIONS
from bench.audio.cost import costs, inspections
from bench.audio.events import DETECTOR, OURS, Result
from bench.audio.plan import DEFECTS, Job, clean_sources, is_held_out, jobs
from bench.audio.run import Item, Workshop, examine
from bench.audio.seconds import Table as Seconds
from bench.audio.seconds import operating_points
from bench.block.plan import half_of
from bench.options import JOBS, MODELS, places
from bench.parallel import examined
from bench.provenance import provenance
from bench.results import write_results
from bench.sources import Source, read_sources
from bench.tables import Table, terminal
from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.config.models import default_models
from glasswatch.config.profile import load_profile
from glasswatch.core.errors import GlasswatchError

SCHEMA = "glasswatch.bench.audio/1"


@click.command()
@places("audio", "Folder that keeps generated files for the next run.")
@MODELS
@click.option(
    "--model", "names", multiple=True, default=(DETECTOR,), show_default=True, help="Judges seconds; may be repeated."
)
@JOBS
@click.option("--essentia", metavar="PYTHON", help="A Python that has Essentia, to run its detectors too.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes another test set.")
@click.option("--quick", is_flag=True, help="A twelfth of the files, a fifth of the clean media.")
def main(
    media: Path,
    out: Path,
    markdown: Path | None,
    work: Path,
    models: Path | None,
    names: tuple[str, ...],
    processes: int,
    essentia: str | None,
    seed: int,
    quick: bool,
) -> None:
    """Measure audio artifacts on held-out sound, hard negatives, clean media and media damaged in life."""
    repository = models or default_models()
    hidden = {str(media): "MEDIA", str(work): "WORK", str(models): "MODELS", str(essentia): "PYTHON"}
    origin = provenance("bench.audio", hidden)
    started = time.monotonic()
    console = terminal()
    work.mkdir(parents=True, exist_ok=True)
    workshop = Workshop(work, repository, names, essentia)
    for name in {*names, DETECTOR}:
        try:
            ModelRepository(repository).find(name)
        except GlasswatchError as error:
            raise click.ClickException(str(error)) from error
    sources = read_sources(media)
    results, unmade = examined(
        partial(examine, workshop), _items(sources, seed, quick=quick), _name, processes, console
    )
    document: dict[str, Any] = {"schema": SCHEMA, **origin, "seed": seed, "quick": quick, "not_made": unmade}
    document["essentia"] = "run" if essentia else "not run: no --essentia PYTHON was given"
    document["definitions"] = DEFINITIONS
    held_out = frozenset(source.name for source in sources if is_held_out(source))
    tables = _tables(results, held_out, workshop, media, document)
    for table in tables:
        table.show(console)
    document["files"] = [summary.file_row(result, half_of(result.subject.source)) for result in results]
    document["wall_s"] = round(time.monotonic() - started, 1)
    write_results(out, document, markdown, origin, tables, indent=None)
    for entry in unmade:
        console.print(f"not made: {entry['file']}: {entry['reason']}", markup=False, soft_wrap=True)
    for result in results:
        if reason := result.findings[OURS].error or result.findings[OURS].unjudged:
            console.print(f"not judged: {result.subject.label}: {reason}", markup=False, soft_wrap=True)
    if not essentia:
        console.print(f"Essentia: {document['essentia']}", soft_wrap=True)
    console.print(f"{len(results)} files in {document['wall_s']} s; written to {out}", soft_wrap=True)


def _items(sources: Sequence[Source], seed: int, *, quick: bool) -> list[Item]:
    natural = defective()
    silent = {source.name for source in sources if ("silence", None) in natural.get(source.name, ())}
    items: list[Item] = [*jobs(sources, seed, silent, quick=quick)]
    items += [(source, Role.CLEAN) for source in clean_sources(sources, seed, quick=quick)]
    items += [(source, Role.REAL) for source in sources if source.folder == "defects" and source.channels]
    return items


def _name(item: Item) -> str:
    return item.label if isinstance(item, Job) else item[0].name


def _tables(
    results: Sequence[Result], held_out: frozenset[str], workshop: Workshop, media: Path, document: dict[str, Any]
) -> list[Table]:
    """Every table; their numbers go into the document."""
    params = load_profile(only=[DETECTOR]).params[DETECTOR]
    thresholds = {defect: float(getattr(params, defect).threshold) for defect in DEFECTS}
    tables = []
    document["models"] = {}
    for model in workshop.models:
        seconds = Seconds([(r.subject, r.seconds) for r in results], model)
        points = operating_points(seconds, thresholds)
        document["models"][model] = summary.second_figures(seconds, points)
        tables += summary.second_tables(seconds, model, points)
    events, peers = summary.event_scores(results), summary.peer_scores(results)
    alarms = summary.alarm_scores(results, lambda r: r.subject.source in held_out)
    spent = costs(media, workshop.repository, workshop.models)
    inspected = inspections(media, workshop.repository, workshop.folder)
    document |= {
        "events": summary.figures(events),
        "beside_essentia": summary.figures(peers),
        "false_alarms": summary.figures(alarms),
        "cost": {model: asdict(cost) for model, cost in spent.items()},
        "inspections": {name: asdict(one) for name, one in inspected.items()},
    }
    real = [r for r in results if r.subject.role is Role.REAL]
    called = [r for r in results if r.subject.role is Role.CLEAN and r.findings[OURS].claims]
    return [
        *tables,
        summary.event_table(events),
        *([summary.peer_table(peers)] if workshop.essentia else []),
        summary.alarm_table(alarms),
        summary.said_table(
            "Clean media with events",
            called,
            f"{len(called)} files, those with the most events first. Media as they are may have a defect.",
            most=summary.SHOWN_ALARMS,
        ),
        summary.said_table(
            "Media damaged in life", real, "All files of defects/ with sound; most are damaged in the picture."
        ),
        summary.cost_table(spent),
        summary.inspection_table(inspected),
    ]


if __name__ == "__main__":
    main()
