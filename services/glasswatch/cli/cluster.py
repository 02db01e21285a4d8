"""`glasswatch cluster`: the services and the servers that they need, on one machine without Docker."""

from __future__ import annotations

import logging
import os
import shlex
from pathlib import Path

import click

from glasswatch.cli.messages import say
from glasswatch.cli.services import cluster_extra
from glasswatch.cli.table import show
from glasswatch.config.folders import state_folder
from glasswatch.config.models import VARIABLE, default_models
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
    """Run Kafka, Redis, Triton and the services on this machine.

    A server whose address is in GLASSWATCH_KAFKA, GLASSWATCH_REDIS or GLASSWATCH_TRITON is used, not started.
    """
    # A client that cannot connect also writes that to its log; here it is the reason that is printed.
    logging.getLogger("kafka").addHandler(logging.NullHandler())


@cluster.command()
@_folder
@click.option(
    "--models",
    type=click.Path(path_type=Path),
    default=default_models,
    show_default="triton_models here, or as installed",
    envvar=VARIABLE,
    show_envvar=True,
    help="Model repository that Triton serves.",
)
@click.option("--kafka-port", type=_PORT, help="Default: a free one, and the same one again later.")
@click.option("--redis-port", type=_PORT, help="Likewise.")
@click.option("--triton-port", type=_PORT, help="Likewise.")
@click.option("--servers-only", is_flag=True, help="Start no services, and leave the topics alone.")
@click.option(
    "--detectors",
    metavar="NAME[=N],...",
    help="Only these detectors; N processes share the channels of one. Default: one process for each detector.",
)
@click.option(
    "--channels",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of channels for `glasswatch decode`.",
)
@click.option("--export", is_flag=True, help='Print shell lines: eval "$(glasswatch cluster up --export)".')
def up(
    folder: Path | None,
    models: Path,
    kafka_port: int | None,
    redis_port: int | None,
    triton_port: int | None,
    servers_only: bool,
    detectors: str | None,
    channels: Path | None,
    export: bool,
) -> None:
    """Start what does not run, wait until all of it works, print the addresses.

    Servers come first, then the topics (on a Kafka that was started here), then the services.
    """
    if servers_only and (detectors or channels):
        raise UsageError("--servers-only starts no services: leave out --detectors and --channels")
    with cluster_extra():
        from glasswatch.runtime.cluster import Cluster, Kafka, Redis, Triton, services  # noqa: PLC0415
    counts = services.counts(detectors)
    servers = (Redis(redis_port), Kafka(kafka_port), Triton(models, triton_port))
    here = Cluster(folder or _default_folder(), tell=say)
    addresses = here.up(servers)
    variables = {server.variable: addresses[server.name] for server in servers}
    if not servers_only:
        if not os.environ.get(Kafka.variable):  # Topics of a Kafka elsewhere are for whoever runs it.
            for warning in services.apply_topics(addresses["kafka"]):
                say(warning)
        addresses |= here.up(services.services(variables, counts, channels))
    if export:
        for variable, address in variables.items():
            click.echo(f"export {variable}={shlex.quote(address)}")
    else:
        show((), list(addresses.items()))


@cluster.command()
@_folder
def status(folder: Path | None) -> int:
    """Tell of each server and service whether it works, its address, process and log.

    Exit with 1 unless all of them work.
    """
    with cluster_extra():
        from glasswatch.runtime.cluster import Cluster, Kafka, Redis, Service, State, Triton  # noqa: PLC0415
    here = Cluster(folder or _default_folder())
    # To look at a service, its name is enough.
    found = here.status((Redis(), Kafka(), Triton(), *(Service(name, (), {}) for name in here.services())))
    rows = []
    for each in found:
        parts = [each.address or "-"]
        if each.pid is not None:
            parts.append(f"pid {each.pid}, {each.resident_bytes / 2**20:.0f} MiB, log {each.log}")
        if each.reason is not None:
            parts.append(" ".join(each.reason.split()))
        rows.append((each.name, each.state.value, "  ".join(parts)))
    show((), rows)
    return 0 if all(each.state is State.HEALTHY for each in found) else NOT_HEALTHY


@cluster.command()
@_folder
def down(folder: Path | None) -> None:
    """Stop what `up` started; data and logs stay."""
    with cluster_extra():
        from glasswatch.runtime.cluster import Cluster  # noqa: PLC0415
    ends = Cluster(folder or _default_folder(), tell=say).down()
    show((), [(name, "stopped" if clean else "did not stop, and was killed") for name, clean in ends.items()])


def _default_folder() -> Path:
    return state_folder() / "cluster"
