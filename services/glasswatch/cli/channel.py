"""`glasswatch channel`: one channel, decoded and judged in one process."""

from __future__ import annotations

from pathlib import Path

import click

from glasswatch.cli import services
from glasswatch.cli.decode import NOT_ALL_DECODED, detector_names
from glasswatch.cli.services import cluster_extra, needed
from glasswatch.config.channels import Channel


@click.command()
@click.argument("channel_id", metavar="ID")
@click.argument("location", envvar="GLASSWATCH_LOCATION")
@services.options(
    services.KAFKA,
    services.TRITON,
    services.MODELS,
    click.option("--detectors", metavar="NAME,...", help="The detectors that run. Default: all of the profile."),
    click.option(
        "--live/--file", default=None, help="Whether media comes as time passes. Default: as the input looks."
    ),
    click.option("--program", type=click.IntRange(1, 65535), help="Programme of a multiplex. Default: as inspect."),
    click.option("--profile", type=click.Path(path_type=Path), help="YAML file with parameters."),
    click.option("--once", is_flag=True, help="Open the input once, and end when it has ended."),
    services.HEALTH_PORT,
    services.LOG_LEVEL,
    services.LOG_JSON,
)
def channel(
    channel_id: str,
    location: str,
    kafka: str | None,
    triton: str | None,
    models: Path,
    detectors: str | None,
    live: bool | None,
    program: int | None,
    profile: Path | None,
    once: bool,
    health_port: int,
    log_level: str,
    log_json: bool,
) -> int:
    """Decode LOCATION, a file or URL, as channel ID and run all its detectors here.

    Frames stay in memory; detections go to Kafka, where `glasswatch aggregate` takes them. A LOCATION that holds
    credentials is better given by GLASSWATCH_LOCATION. With --once the exit status is 1 where the input was not decoded
    to its regular end.
    """
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    with cluster_extra():
        from glasswatch.runtime.channels.run_fused import FusedSettings, run_fused  # noqa: PLC0415
        from glasswatch.telemetry import logs  # noqa: PLC0415
    what = Channel(channel_id, location, detector_names(detectors), live, program)
    settings = FusedSettings(kafka, what, profile, triton, models, once, health_port)
    logs.configure(log_level, json=log_json)
    return 0 if run_fused(settings) or not once else NOT_ALL_DECODED
