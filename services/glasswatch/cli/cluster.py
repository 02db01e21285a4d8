"""`glasswatch cluster`: the servers that the services need, on one machine without Docker."""

from __future__ import annotations

import contextlib
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from glasswatch.cli.messages import say
from glasswatch.core.errors import UsageError

NOT_HEALTHY = 1

_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Data, logs and what runs; default: $XDG_STATE_HOME/glasswatch/cluster.",
)
_PORT = click.IntRange(1, 65535)


@click.group()
def cluster() -> None:
    """Run Kafka, Redis and Triton on this machine.

    A server whose address is in GLASSWATCH_KAFKA, GLASSWATCH_REDIS or GLASSWATCH_TRITON is used, not started.
    """
    # A client that cannot connect also writes that to its log; here it is the reason that is printed.
    logging.getLogger("kafka").addHandler(logging.NullHandler())


@cluster.command()
@_folder
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    default=Path("triton_models"),
    show_default=True,
    help="Model repository that Triton serves.",
)
@click.option("--kafka-port", type=_PORT, help="Default: a free one, and the same one again later.")
@click.option("--redis-port", type=_PORT, help="Likewise.")
@click.option("--triton-port", type=_PORT, help="Likewise.")
@click.option("--export", is_flag=True, help='Print shell lines: eval "$(glasswatch cluster up --export)".')
def up(
    folder: Path | None,
    models: Path,
    kafka_port: int | None,
    redis_port: int | None,
    triton_port: int | None,
    export: bool,
) -> None:
    """Start what does not run, wait until all of it works, print the addresses."""
    with _needs_extra():
        from glasswatch.runtime.cluster import Cluster, Kafka, Redis, Triton  # noqa: PLC0415
    servers = (Redis(redis_port), Kafka(kafka_port), Triton(models, triton_port))
    addresses = Cluster(folder or _default_folder(), tell=say).up(servers)
    for server in servers:
        address = addresses[server.name]
        click.echo(f"export {server.variable}={shlex.quote(address)}" if export else f"{server.name:<8}{address}")


@cluster.command()
@_folder
def status(folder: Path | None) -> int:
    """Tell of each server whether it works, its address, process and log; exit with 1 unless all of them work."""
    with _needs_extra():
        from glasswatch.runtime.cluster import Cluster, Kafka, Redis, State, Triton  # noqa: PLC0415
    found = Cluster(folder or _default_folder()).status((Redis(), Kafka(), Triton()))
    for server in found:
        parts = [f"{server.name:<8}{server.state.value:<11}{server.address or '-'}"]
        if server.pid is not None:
            parts.append(f"pid {server.pid}, {server.resident_bytes / 2**20:.0f} MiB, log {server.log}")
        if server.reason is not None:
            parts.append(" ".join(server.reason.split()))
        click.echo("  ".join(parts))
    return 0 if all(server.state is State.HEALTHY for server in found) else NOT_HEALTHY


@cluster.command()
@_folder
def down(folder: Path | None) -> None:
    """Stop what `up` started; data and logs stay."""
    with _needs_extra():
        from glasswatch.runtime.cluster import Cluster  # noqa: PLC0415
    for name, clean in Cluster(folder or _default_folder(), tell=say).down().items():
        click.echo(f"{name:<8}{'stopped' if clean else 'did not stop, and was killed'}")


def _default_folder() -> Path:
    from glasswatch.runtime.cluster.downloads import state_folder  # noqa: PLC0415

    return state_folder() / "cluster"


@contextlib.contextmanager
def _needs_extra() -> Iterator[None]:
    """The clients of Kafka, Redis and Triton come with an extra, and take a moment to import."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: pip install 'glasswatch[cluster]'") from error
