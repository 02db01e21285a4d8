"""`glasswatch decode`: the decoder service."""

from __future__ import annotations

from pathlib import Path

import click

from glasswatch.cli import services
from glasswatch.cli.services import cluster_extra, needed
from glasswatch.core.errors import UsageError
from glasswatch.detectors.registry import registered

NOT_ALL_DECODED = 1


@click.command()
@services.options(
    services.KAFKA,
    services.REDIS,
    click.option(
        "--channels",
        type=click.Path(path_type=Path),
        help="YAML file of channels, read again when it changes; without it the control topic says which there are.",
    ),
    click.option(
        "--detectors",
        metavar="NAME,...",
        help="The detectors that are deployed. Default: those that a channel names, or else that are on by default.",
    ),
    click.option("--shard", metavar="I/N", help="Follow part I of N of the channels, I from 0."),
    click.option("--once", is_flag=True, help="Open every input once, and end when all of them have ended."),
    click.option(
        "--threads",
        type=click.IntRange(0),
        default=1,
        show_default=True,
        help="Decoder threads of a channel; 0 lets FFmpeg choose.",
    ),
    services.HEALTH_PORT,
    services.LOG_LEVEL,
    services.LOG_JSON,
)
def decode(
    kafka: str | None,
    redis: str | None,
    channels: Path | None,
    detectors: str | None,
    shard: str | None,
    once: bool,
    threads: int,
    health_port: int,
    log_level: str,
    log_json: bool,
) -> int:
    """Decode channels and publish what the detectors need of them.

    SIGTERM stops: what was published is confirmed. SIGHUP reads the channels again, and begins finished ones anew.
    With --once the exit status is 1 where an input was not decoded to its regular end.
    """
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    with cluster_extra():
        from glasswatch.runtime.channels.run import Settings, run_decoder  # noqa: PLC0415
        from glasswatch.runtime.channels.service import Shard  # noqa: PLC0415
        from glasswatch.telemetry import logs  # noqa: PLC0415
    settings = Settings(
        kafka,
        redis,
        channels,
        detector_names(detectors) or None,
        Shard.parse(shard) if shard is not None else Shard(),
        once,
        threads,
        health_port,
    )
    logs.configure(log_level, json=log_json)
    return 0 if run_decoder(settings) or not once else NOT_ALL_DECODED


def detector_names(text: str | None) -> tuple[str, ...]:
    """Names of detectors, separated by commas; UsageError where one does not exist."""
    names = tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    for name in names:
        if name not in registered():
            raise UsageError(f"no detector is called {name!r}; there are {', '.join(registered())}")
    return names
