"""What every bench is told on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)

MODELS = click.option("--models", type=PATH, help="Model repository; that of this checkout unless told.")
JOBS = click.option(
    "--jobs", "processes", default=2, show_default=True, type=click.IntRange(min=1), help="Files at a time."
)


def places(name: str, work: str) -> Callable[[F], F]:
    """Options `--media`, `--out`, `--markdown` and `--work` of the bench `name`; `work` says what its folder is for."""
    chosen = [
        click.option(
            "--media",
            required=True,
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="Evaluation media with their manifest.tsv.",
        ),
        click.option(
            "--out",
            default=Path(f"build/bench/{name}.json"),
            show_default=True,
            type=PATH,
            help="Where the results go, as JSON.",
        ),
        click.option("--markdown", type=PATH, help="Write the tables as Markdown too."),
        click.option("--work", default=Path("build/bench/work"), show_default=True, type=PATH, help=work),
    ]

    def decorate(command: F) -> F:
        for option in reversed(chosen):
            command = option(command)
        return command

    return decorate
