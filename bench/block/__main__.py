"""`python -m bench.block`: how well damaged blocks are found, in pictures and in files, and at what cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from bench.accuracy.model import Role
from bench.block import operating, summary
from bench.block.cost import costs, inspected
from bench.block.events import DETECTOR, Finding, Result
from bench.block.pictures import (
    Pictures,
    Thresholds,
    clean_figures,
    frame_figures,
    look_rows,
    operating_points,
)
from bench.block.plan import Job, clean_sources, half_of, jobs
from bench.block.real import Strip, look_over, page
from bench.block.run import Item, Workshop, examine
from bench.options import JOBS, MODELS, places
from bench.parallel import each, examined
from bench.provenance import provenance
from bench.results import write_results
from bench.sources import Source, read_sources
from bench.tables import Table, terminal
from glasswatch.config.models import default_models
from glasswatch.config.profile import load_profile
from glasswatch.simulator.blocks import DAMAGE_CODE8, LARGE_CODE8

SCHEMA = "glasswatch.bench.block/1"


@click.command()
@places("block", "Folder that keeps generated files for the next run.")
@MODELS
@click.option(
    "--model", "names", multiple=True, default=(DETECTOR,), show_default=True, help="Judges pictures; may be repeated."
)
@JOBS
@click.option("--seed", default=1, show_default=True, help="Another seed makes another test set.")
@click.option("--grid", type=click.IntRange(min=0), help="At most so many of the thousand clips of one speaker.")
@click.option("--quick", is_flag=True, help="A sixth of the files.")
def main(
    media: Path,
    out: Path,
    markdown: Path | None,
    work: Path,
    models: Path | None,
    names: tuple[str, ...],
    processes: int,
    seed: int,
    grid: int | None,
    quick: bool,
) -> None:
    """Measure block corruption on held-out sources, hard negatives, clean media and media damaged in life."""
    repository = models or default_models()
    origin = provenance("bench.block", {str(media): "MEDIA", str(work): "WORK", str(models): "MODELS"})
    started = time.monotonic()
    console = terminal()
    workshop = Workshop(work, repository, names)
    sources = read_sources(media)
    items: list[Item] = [*jobs(sources, seed, quick=quick)]
    items += [(source, Role.CLEAN) for source in clean_sources(sources, seed, quick=quick, grid=grid)]
    results, unmade = examined(partial(examine, workshop), items, _name, processes, console)
    strips = _real([s for s in sources if s.folder == "defects" and s.size is not None], workshop, processes)
    params = load_profile(only=[DETECTOR]).params[DETECTOR].model_dump()
    line = Thresholds(params["threshold"], params["area_threshold"])
    document: dict[str, Any] = {"schema": SCHEMA, **origin, "seed": seed, "quick": quick, "not_made": unmade}
    document["definitions"] = {"labelled_code8": DAMAGE_CODE8, "large_code8": LARGE_CODE8, **asdict(line)}
    tables = _tables(results, strips, workshop, media, line, document)
    for table in tables:
        table.show(console)
    document["files"] = [_file(result) for result in results]
    document["wall_s"] = round(time.monotonic() - started, 1)
    write_results(out, document, markdown, origin, tables)
    sheet = out.with_suffix(".html")
    sheet.write_text(page(strips, f"Media damaged in life, {names[0]}", line), "utf-8")
    for entry in unmade:
        console.print(f"not made: {entry['file']}: {entry['reason']}", markup=False, soft_wrap=True)
    console.print(f"{len(results)} files in {document['wall_s']} s; written to {out} and {sheet}", soft_wrap=True)


def _tables(
    results: Sequence[Result],
    strips: Sequence[Strip],
    workshop: Workshop,
    media: Path,
    line: Thresholds,
    document: dict[str, Any],
) -> list[Table]:
    """Every table; their numbers go into the document."""
    tables = []
    document["models"] = {}
    for model in workshop.models:
        pictures = Pictures([(r.subject, r.seen.looks) for r in results], model)
        figures, clean = frame_figures(pictures, line), clean_figures(pictures, line)
        points = operating_points(pictures, line)
        document["models"][model] = {
            "pictures": {name: asdict(one) for name, one in figures.items()},
            "clean": clean,
            "operating_points": points,
        }
        tables += [
            summary.frame_table(figures, model, line),
            summary.clean_table(clean, model, line),
            summary.operating_table(points, model),
        ]
    choices = operating.points(results)
    events, alarms = summary.event_scores(results), summary.alarm_scores(results)
    spent, inspection = costs(media, workshop.repository, workshop.models), inspected(media, workshop.repository)
    document |= {
        "operating_points": operating.figures(choices),
        "events": summary.event_figures(events),
        "false_alarms": summary.event_figures(alarms),
        "real": [_strip(strip) for strip in strips],
        "cost": {model: asdict(cost) for model, cost in spent.items()},
        "inspection": asdict(inspection),
    }
    return [
        *tables,
        summary.event_table(events),
        summary.length_table(events["visible"].events),
        summary.alarm_table(alarms),
        operating.table(choices),
        summary.real_table(strips, line),
        summary.cost_table(spent, inspection),
    ]


def _name(item: Item) -> str:
    return item.label if isinstance(item, Job) else item[0].name


def _real(sources: Sequence[Source], workshop: Workshop, processes: int) -> list[Strip]:
    done = dict(each(partial(look_over, workshop), sources, processes))
    return [done[n] for n in sorted(done)]


def _strip(strip: Strip) -> dict[str, Any]:
    shots = [[round(v, 4) for v in (shot.time_s, shot.score, shot.area)] for shot in strip.shots]
    return {"file": strip.name, "time_score_area": shots, "finding": _finding(strip.finding)}


def _finding(finding: Finding) -> dict[str, Any]:
    """What was said of the whole, and the measurements of each frame by its time."""
    start = finding.detections[0].span.start if finding.detections else 0
    frames = [
        [round(float(d.span.start - start), 4), *(round(v, 5) for v in d.measurements.values())]
        for d in finding.detections
    ]
    found = asdict(replace(finding, detections=()))
    return {**found, "detections": frames}


def _file(result: Result) -> dict[str, Any]:
    """Everything about one file; the path of the work folder is left out."""
    subject = result.subject
    return {
        "file": subject.label,
        "source": subject.source,
        "use": subject.use,
        "half": half_of(subject.source),
        "role": subject.role.value,
        "kind": subject.kind,
        **subject.facts,
        "labelled_events": subject.labelled.events,
        "large_events": subject.large.events,
        "visible_events": result.seen.visible.events,
        "finding": _finding(result.finding),
        "pictures": look_rows(result.seen.looks),
    }


if __name__ == "__main__":
    main()
