"""Options that all trainings have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
MODELS = click.option("--models", default=Path("triton_models"), show_default=True, type=PATH, help="Model repository.")

VERSION = click.option(
    "--version", type=click.IntRange(min=1), help="Of the model; one more than the highest there is."
)

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


def work(training: str, holds: str) -> Option:
    """--work of a training: the folder of what it `holds`, checkpoints and curves."""
    folder, text = Path("build/training") / training, f"Folder of {holds}, checkpoints and curves."
    return click.option("--work", default=folder, show_default=True, type=PATH, help=text)


def name(training: str) -> Option:
    """--name of what comes of a run."""
    return click.option(
        "--name", default=training, show_default=True, help="Of the checkpoint, the curves and the model."
    )
