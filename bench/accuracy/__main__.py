"""`python -m bench.accuracy`: how well the detectors find defects, and how often they call for nothing."""

from __future__ import annotations

import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from bench.accuracy.model import OURS, Result, Role
from bench.accuracy.plan import Job, clean_sources, jobs
from bench.accuracy.reviewed import defective, entries
from bench.accuracy.run import Item, Workshop, run
from bench.accuracy.summary import (
    SETS,
    alarm_table,
    by_source,
    detection_table,
    faults,
    figures,
    file_row,
    held_out,
    meter_table,
    real_table,
    scores_of,
)
from bench.options import places
from bench.provenance import provenance
from bench.results import write_results
from bench.sources import read_sources
from bench.tables import Table, terminal

SCHEMA = "glasswatch.bench.accuracy/1"
SHOWN_FAULTS = 60


@click.command()
@places("accuracy", "Folder that keeps generated files for the next run.")
@click.option("--jobs", "processes", default=2, show_default=True, type=click.IntRange(min=1), help="Files at a time.")
@click.option("--essentia", metavar="PYTHON", help="A Python that has Essentia, to run its detectors too.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes another test set.")
@click.option(
    "--only", metavar="DEFECT", help="Only files made for this defect, or that resemble one (an injector's name)."
)
@click.option("--quick", is_flag=True, help="Every fifth file of the set.")
def main(
    media: Path,
    out: Path,
    markdown: Path | None,
    work: Path,
    processes: int,
    essentia: str | None,
    seed: int,
    only: str | None,
    quick: bool,
) -> None:
    """Measure recall, precision, edges and false alarms, beside open tools on the same files."""
    hidden = {str(media): "MEDIA", str(work): "WORK"} | ({essentia: "PYTHON"} if essentia else {})
    origin = provenance("bench.accuracy", hidden)
    started = time.monotonic()
    console = terminal()
    sources = read_sources(media)
    items: list[Item] = [*jobs(sources, seed, defective(), quick=quick)]
    if only is not None:
        items = [job for job in items if isinstance(job, Job) and job.case.injector == only]
    else:
        items += [(source, Role.CLEAN) for source in clean_sources(sources, seed, quick=quick)]
        items += [(source, Role.REAL) for source in sources if source.folder == "defects"]
    results, unmade = _examine(items, Workshop(work, essentia), processes, console)
    tables = _tables(results)
    for table in tables:
        table.show(console)
    scores = scores_of(results)
    wrong = faults(scores[OURS])
    _show_faults(wrong, console)
    document = {
        "schema": SCHEMA,
        **origin,
        "wall_s": round(time.monotonic() - started, 1),
        "seed": seed,
        "quick": quick,
        "sets": SETS,
        "essentia": "run" if essentia else "not run: no --essentia PYTHON was given",
        "figures": {name: figures(scores_of(some)) for name, some in _sets(results).items()},
        "faults": {tool: faults(by_defect) for tool, by_defect in scores.items()},
        "really_defective": [entry.model_dump() for entry in entries()],
        "not_made": unmade,
        "by_source": by_source(results),
        "files": [file_row(result) for result in results],
    }
    write_results(out, document, markdown, origin, tables)
    console.print(f"{len(results)} files in {document['wall_s']} s; written to {out}", soft_wrap=True)


def _examine(
    items: list[Item], workshop: Workshop, processes: int, console: Console
) -> tuple[list[Result], list[dict[str, str]]]:
    done: dict[int, Result] = {}
    unmade = []
    order = {id(item): n for n, item in enumerate(items)}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("files", total=len(items))
        for item, result in run(items, workshop, processes):
            bar.advance(task)
            if isinstance(result, Result):
                done[order[id(item)]] = result
            else:
                label = item.label if isinstance(item, Job) else item[0].name
                unmade.append({"file": label, "reason": result})
    return [done[n] for n in sorted(done)], unmade


def _sets(results: list[Result]) -> dict[str, list[Result]]:
    first, second = held_out(results)
    return {"held out": first, "other": second, "all": results}


def _tables(results: list[Result]) -> list[Table]:
    tables = []
    for name, some in _sets(results).items():
        if name == "all" or not some:
            continue
        scores = scores_of([r for r in some if r.subject.role is not Role.REAL])
        tables.append(detection_table(scores, f"Detection, {name}: {SETS[name]}"))
        tables.append(alarm_table(scores, f"False alarms per hour, {name}"))
    tables.append(meter_table(results))
    real = [r for r in results if r.subject.role is Role.REAL]
    if real:
        tables.append(real_table(real))
    return tables


def _show_faults(wrong: dict[str, list[dict[str, object]]], console: Console) -> None:
    for name, rows in wrong.items():
        if name not in ("misses", "false_alarms") or not rows:
            continue
        console.print(f"[bold]{name.replace('_', ' ')}[/] ({len(rows)})")
        for row in rows[:SHOWN_FAULTS]:
            console.print(
                f"  {row['defect']} {row['kind'] or ''} {row['start_s']}-{row['end_s']} s: {row['role']} {row['file']}",
                highlight=False,
                markup=False,
            )


if __name__ == "__main__":
    main()
