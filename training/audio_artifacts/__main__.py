"""`python -m training.audio_artifacts`: from clean sound to a model of the repository, in three steps."""

from __future__ import annotations

from pathlib import Path

import click

from training import options
from training.options import MODELS, PATH, VERSION

WORK, NAME = options.work("audio_artifacts", "samples"), options.name("audio_artifacts")


@click.group()
def main() -> None:
    """Train the audio artifact network."""


@main.command()
@WORK
@click.option("--media", required=True, type=PATH, help="Folder with manifest.tsv.")
@click.option("--clips", default=3600, show_default=True, help="Clips to learn from, of up to eight seconds each.")
@click.option("--aside", default=400, show_default=True, help="Clips of other sources, to watch the learning.")
@click.option("--seed", default=1, show_default=True)
@click.option("--processes", default=2, show_default=True)
def prepare(work: Path, media: Path, clips: int, aside: int, seed: int, processes: int) -> None:
    """Make the samples; goes on where it stopped."""
    from training.audio_artifacts.programmes import GROUPS  # noqa: PLC0415 - needs no torch, the others do
    from training.audio_artifacts.samples import make  # noqa: PLC0415
    from training.prepare import Series  # noqa: PLC0415
    from training.prepare import prepare as run  # noqa: PLC0415

    run(media, work, GROUPS, [Series(make)], clips, aside, seed, processes)


@main.command()
@WORK
@NAME
@MODELS
@click.option("--layers", default=6, show_default=True, help="Of YAMNet, which `glasswatch models build yamnet` makes.")
@click.option("--width", default=48, show_default=True, help="Channels of the other branches.")
@click.option("--steps", default=1500, show_default=True)
@click.option("--rate", default=0.003, show_default=True, help="Highest learning rate.")
@click.option("--seed", default=1, show_default=True)
def fit(work: Path, name: str, models: Path, layers: int, width: int, steps: int, rate: float, seed: int) -> None:
    """Learn from the samples."""
    from training.audio_artifacts.fit import Plan, load_seconds, pretrained  # noqa: PLC0415 - needs torch
    from training.audio_artifacts.fit import fit as run  # noqa: PLC0415
    from training.prepare import SETS  # noqa: PLC0415

    yamnet = pretrained(models / "yamnet" / "1" / "model.onnx", layers)
    learned, aside = (load_seconds(work / folder, yamnet) for folder in SETS)
    run(Plan(layers, width, steps, rate, seed), learned, aside, yamnet, work, name)


@main.command()
@WORK
@NAME
@MODELS
@VERSION
def export(work: Path, name: str, models: Path, version: int | None) -> None:
    """Write the averaged network of a checkpoint as a model of the repository."""
    from training.audio_artifacts.export import export as run  # noqa: PLC0415
    from training.audio_artifacts.fit import load  # noqa: PLC0415

    click.echo(run(load(work / f"{name}.pt"), models / name, version))


if __name__ == "__main__":
    main()
