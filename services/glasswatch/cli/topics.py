"""`glasswatch topics`: every topic from one declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from glasswatch.cli.services import cluster_extra, needed
from glasswatch.cli.table import line, show
from glasswatch.detectors.registry import registered
from glasswatch.ports.topics import TopicAdmin
from glasswatch.runtime import topics as runtime
from glasswatch.runtime.topics import Action, Step, TopicOptions

OUT_OF_STEP = 1

_STYLE = {Action.CREATE: "green", Action.CHANGE: "yellow", Action.REFUSE: "bold red", Action.IGNORE: "dim"}
_DEFAULTS = TopicOptions()

F = TypeVar("F", bound=Callable[..., Any])


def _declaration(command: F) -> F:
    """The options that both commands take."""
    at_least_one = click.IntRange(1)
    options = [
        click.option("--bootstrap", envvar="GLASSWATCH_KAFKA", show_envvar=True, help="Brokers: host:port,host:port."),
        click.option("--partitions", type=at_least_one, default=_DEFAULTS.partitions, show_default=True),
        click.option("--replication", type=at_least_one, default=_DEFAULTS.replication, show_default=True),
        click.option("--max-message-bytes", type=at_least_one, default=_DEFAULTS.max_message_bytes, show_default=True),
        click.option(
            "--media-retention",
            "media_minutes",
            type=at_least_one,
            default=_DEFAULTS.media_retention_ms // runtime.MINUTE_MS,
            show_default=True,
            help="Minutes for which media is kept.",
        ),
        click.option(
            "--results-retention",
            "results_days",
            type=at_least_one,
            default=_DEFAULTS.results_retention_ms // runtime.DAY_MS,
            show_default=True,
            help="Days for which detections, events and dead letters are kept.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def topics() -> None:
    """Create and change the topics on Kafka; nothing is ever deleted."""


@topics.command()
@_declaration
def plan(bootstrap: str | None, **chosen: int) -> int:
    """Show what `apply` would do; exit status 1 where that is anything."""
    with _connected(bootstrap) as admin:
        steps = _steps(admin, chosen)
    _show(steps)
    return 0 if runtime.in_step(steps) else OUT_OF_STEP


@topics.command()
@_declaration
def apply(bootstrap: str | None, **chosen: int) -> int:
    """Create what is missing, raise partitions, change settings; exit status 1 where something remains."""
    with _connected(bootstrap) as admin:
        steps = _steps(admin, chosen)
        _show(steps)
        runtime.apply(steps, admin)
        return 0 if not any(step.action is Action.REFUSE for step in steps) else OUT_OF_STEP


def _steps(admin: TopicAdmin, chosen: dict[str, int]) -> list[Step]:
    options = TopicOptions(
        partitions=chosen["partitions"],
        replication=chosen["replication"],
        max_message_bytes=chosen["max_message_bytes"],
        media_retention_ms=chosen["media_minutes"] * runtime.MINUTE_MS,
        results_retention_ms=chosen["results_days"] * runtime.DAY_MS,
    )
    wanted = runtime.declare((cls.spec for cls in registered().values()), options)
    return runtime.plan(wanted, admin.topics())


@contextmanager
def _connected(bootstrap: str | None) -> Iterator[TopicAdmin]:
    """The cluster's topics; UsageError where nobody said which cluster, or the client is not installed."""
    address = needed(bootstrap, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    with cluster_extra():
        from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415
    with kafka_topics(address) as admin:
        yield admin


def _show(steps: Sequence[Step]) -> None:
    rows = [
        (
            (str(step.action), _STYLE.get(step.action, "")),
            step.topic.name,
            str(step.topic.partitions),
            str(step.topic.replication),
            "; ".join(step.reasons),
        )
        for step in steps
    ]
    show(("step", "topic", "partitions", "replicas", "because"), rows)
    counts = Counter(step.action for step in steps)
    line(", ".join(f"{counts[action]} to {action}" for action in Action if counts[action]))
