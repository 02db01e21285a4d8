"""What the commands that run services have in common: their options, and where their servers are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from glasswatch.config.models import VARIABLE, default_models
from glasswatch.core.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

KAFKA = click.option("--bootstrap", "kafka", envvar="GLASSWATCH_KAFKA", show_envvar=True, help="Brokers: host:port,...")
REDIS = click.option("--redis", envvar="GLASSWATCH_REDIS", show_envvar=True, help="Redis: redis://host:port/0.")
TRITON = click.option(
    "--triton",
    envvar="GLASSWATCH_TRITON",
    show_envvar=True,
    help="Triton: host:port; without it models run in this process.",
)
MODELS = click.option(
    "--models",
    type=click.Path(path_type=Path),
    default=default_models,
    show_default="triton_models here, or as installed",
    envvar=VARIABLE,
    show_envvar=True,
    help="Model repository, where models run in this process.",
)
HEALTH_PORT = click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of /healthz, /readyz and /metrics; by default a free one, which the log names.",
)
MAX_MESSAGE_BYTES = click.option(
    "--max-message-bytes",
    type=click.IntRange(1),
    default=8 << 20,
    show_default=True,
    help="As given to `glasswatch topics`.",
)
LOG_LEVEL = click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    envvar="GLASSWATCH_LOG_LEVEL",
)
LOG_JSON = click.option("--log-json", is_flag=True, envvar="GLASSWATCH_LOG_JSON", help="One JSON object a line.")


def options(*chosen: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order of the help."""

    def decorate(command: F) -> F:
        for option in reversed(chosen):
            command = option(command)
        return command

    return decorate


def needed(address: str | None, what: str, option: str, variable: str) -> str:
    """The address; UsageError where nobody said it."""
    if not address:
        raise UsageError(f"say where {what} is: {option}, or {variable}")
    return address


@contextmanager
def cluster_extra() -> Iterator[None]:
    """UsageError where the clients of the servers are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is not installed: pip install 'glasswatch[cluster]'") from error
