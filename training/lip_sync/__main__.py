"""`python -m training.lip_sync`: from people talking to a model of the repository, in three steps."""

from __future__ import annotations

from pathlib import Path

import click

from training import options
from training.options import MODELS, PATH, VERSION

WORK, NAME = options.work("lip_sync", "landmarks"), options.name("lip_sync")


@click.group()
def main() -> None:
    """Train the lip sync network."""


@main.command()
@WORK
@MODELS
@click.option("--media", required=True, type=PATH, help="Folder with manifest.tsv.")
def prepare(work: Path, models: Path, media: Path) -> None:
    """Find the landmarks; goes on where it stopped. Needs `glasswatch models build face_detection face_landmarks`."""
    from training.lip_sync.material import prepare as run  # noqa: PLC0415 - the others need torch

    run(media, work, models)


@main.command()
@WORK
@NAME
@click.option("--width", default=96, show_default=True, help="Channels of the layers.")
@click.option("--size", default=64, show_default=True, help="Of the embedding.")
@click.option("--dropout", default=0.35, show_default=True)
@click.option("--steps", default=750, show_default=True)
@click.option("--rate", default=0.003, show_default=True, help="Highest learning rate.")
@click.option("--networks", default=4, show_default=True, help="Of the seeds 1, 2, ...: they are used together.")
@click.option("--bfloat16", is_flag=True, help="Convolve in half precision, which is faster on some processors.")
def fit(
    work: Path, name: str, width: int, size: int, dropout: float, steps: int, rate: float, networks: int, bfloat16: bool
) -> None:
    """Learn from what was prepared."""
    from training.lip_sync.fit import Plan, aside_batches, kept_aside, learned_from  # noqa: PLC0415 - needs torch
    from training.lip_sync.fit import fit as run  # noqa: PLC0415

    learned, aside = learned_from(work), aside_batches(kept_aside(work))
    # All networks of a name are used together: those of an earlier run must not be among them.
    for old in (*work.glob(f"{name}-*.pt"), *work.glob(f"{name}-*.csv")):
        old.unlink()
    for seed in range(1, networks + 1):
        run(Plan(width, size, dropout, steps, rate, seed, bfloat16), learned, aside, work, name)


@main.command()
@WORK
@NAME
def calibrate(work: Path, name: str) -> None:
    """Say how much the networks' similarities are to be believed, by who was kept aside."""
    from training.lip_sync.calibrate import calibrated  # noqa: PLC0415 - needs torch
    from training.lip_sync.fit import kept_aside, load  # noqa: PLC0415

    click.echo(calibrated(load(work, name), kept_aside(work)))


@main.command()
@WORK
@NAME
@MODELS
@VERSION
def export(work: Path, name: str, models: Path, version: int | None) -> None:
    """Write the averaged network of a checkpoint as a model of the repository."""
    from training.lip_sync.export import export as run  # noqa: PLC0415 - needs torch
    from training.lip_sync.fit import load  # noqa: PLC0415

    click.echo(run(load(work, name), models / name, version))


if __name__ == "__main__":
    main()
