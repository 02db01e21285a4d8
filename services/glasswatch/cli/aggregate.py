"""`glasswatch aggregate`: the worker that decides."""

from __future__ import annotations

from pathlib import Path

import click

from glasswatch.cli import services
from glasswatch.cli.services import cluster_extra, needed


@click.command()
@services.options(
    services.KAFKA,
    services.REDIS,
    click.option("--profile", type=click.Path(path_type=Path), help="YAML file with rules, masks and incidents."),
    services.HEALTH_PORT,
    services.MAX_MESSAGE_BYTES,
    services.LOG_LEVEL,
    services.LOG_JSON,
)
def aggregate(
    kafka: str | None,
    redis: str | None,
    profile: Path | None,
    health_port: int,
    max_message_bytes: int,
    log_level: str,
    log_json: bool,
) -> None:
    """Turn the detections of all detectors into events, on Redis and on the topics of the defects.

    Any number of such processes share the channels. SIGTERM drains: what was done is saved and acknowledged.
    """
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    redis = needed(redis, "Redis", "--redis redis://host:port/0", "GLASSWATCH_REDIS")
    with cluster_extra():
        from glasswatch.runtime.worker.run import Surroundings, run_aggregator  # noqa: PLC0415
        from glasswatch.telemetry import logs  # noqa: PLC0415
    logs.configure(log_level, json=log_json)
    run_aggregator(Surroundings(kafka, redis, None, health_port, max_message_bytes), profile)
