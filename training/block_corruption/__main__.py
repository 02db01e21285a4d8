"""`python -m training.block_corruption`: from clean media to a model of the repository, in three steps."""

from __future__ import annotations

from pathlib import Path

import click

from training import options
from training.options import MODELS, PATH, VERSION

WORK, NAME = options.work("block_corruption", "samples"), options.name("block_corruption")


@click.group()
def main() -> None:
    """Train the block corruption network; every step goes on where it stopped."""


@main.command()
@WORK
@click.option("--media", required=True, type=PATH, help="Folder with manifest.tsv.")
@click.option("--clips", default=2600, show_default=True, help="Clips to learn from, of about six samples each.")
@click.option("--aside", default=180, show_default=True, help="Clips of other scenes, to watch the learning.")
@click.option("--seed", default=1, show_default=True)
@click.option("--processes", default=2, show_default=True)
def prepare(work: Path, media: Path, clips: int, aside: int, seed: int, processes: int) -> None:
    """Make the samples."""
    from training.block_corruption.clips import GROUPS  # noqa: PLC0415 - needs no torch, the others do
    from training.block_corruption.samples import SERIES  # noqa: PLC0415
    from training.prepare import prepare as run  # noqa: PLC0415

    run(media, work, GROUPS, SERIES, clips, aside, seed, processes)


@main.command()
@WORK
@NAME
@click.option("--form", default="edges", show_default=True, help="edges or resnet18.")
@click.option("--width", default=32, show_default=True, help="Channels of its first stage; ResNet18 has 64.")
@click.option("--steps", default=9000, show_default=True)
@click.option("--rate", default=0.004, show_default=True, help="Highest learning rate.")
@click.option("--seed", default=1, show_default=True)
@click.option("--bfloat16", is_flag=True, help="Compute in 16 bits; for processors with AMX.")
def fit(work: Path, name: str, form: str, width: int, steps: int, rate: float, seed: int, bfloat16: bool) -> None:
    """Learn from the samples."""
    from training.block_corruption.fit import Plan  # noqa: PLC0415 - the command above needs no torch
    from training.block_corruption.fit import fit as run  # noqa: PLC0415

    run(Plan(form, width, steps, rate, seed, bfloat16), work, name)


@main.command()
@WORK
@NAME
@MODELS
@VERSION
def export(work: Path, name: str, models: Path, version: int | None) -> None:
    """Write the averaged network of a checkpoint as a model of the repository."""
    from training.block_corruption.export import export as run  # noqa: PLC0415
    from training.block_corruption.fit import load  # noqa: PLC0415

    click.echo(run(load(work / f"{name}.pt"), models / name, version))


@main.command()
@WORK
@NAME
def curves(work: Path, name: str) -> None:
    """Draw how the learning went."""
    from training.block_corruption.curves import draw  # noqa: PLC0415

    click.echo(draw(work / f"{name}.csv"))


if __name__ == "__main__":
    main()
