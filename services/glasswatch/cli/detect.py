"""`glasswatch detect`: the worker of one detector."""

from __future__ import annotations

from pathlib import Path

import click

from glasswatch.cli import services
from glasswatch.cli.services import cluster_extra, needed


@click.command()
@click.argument("name")
@services.options(
    services.KAFKA,
    services.REDIS,
    services.TRITON,
    services.MODELS,
    click.option("--profile", type=click.Path(path_type=Path), help="YAML file with parameters."),
    click.option(
        "--shed-after",
        "shed_after_s",
        type=click.FloatRange(min=0, min_open=True),
        default=15.0,
        show_default=True,
        help="Seconds that it may fall behind a live channel before it leaves media out.",
    ),
    services.HEALTH_PORT,
    services.MAX_MESSAGE_BYTES,
    services.LOG_LEVEL,
    services.LOG_JSON,
)
def detect(
    name: str,
    kafka: str | None,
    redis: str | None,
    triton: str | None,
    models: Path,
    profile: Path | None,
    shed_after_s: float,
    health_port: int,
    max_message_bytes: int,
    log_level: str,
    log_json: bool,
) -> None:
    """Run detector NAME on the media of all channels.

    Any number of such processes share the channels. SIGTERM drains: what was done is saved and acknowledged.
    """
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    redis = needed(redis, "Redis", "--redis redis://host:port/0", "GLASSWATCH_REDIS")
    with cluster_extra():
        from glasswatch.runtime.worker.run import Surroundings, run_detector  # noqa: PLC0415
        from glasswatch.telemetry import logs  # noqa: PLC0415
    logs.configure(log_level, json=log_json)
    around = Surroundings(kafka, redis, triton, health_port, max_message_bytes)
    run_detector(name, around, profile, models, shed_after_s)
