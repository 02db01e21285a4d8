"""`glasswatch channels`: which channels are watched, by the control topic."""

from __future__ import annotations

import time

import click

from glasswatch.cli import services
from glasswatch.cli.decode import detector_names
from glasswatch.cli.services import cluster_extra, needed
from glasswatch.cli.table import show
from glasswatch.config.channels import Channel
from glasswatch.core.control import ChannelConfig, ChannelRemoved, ChannelStarted, ChannelStopped, ControlMessage
from glasswatch.core.errors import BrokerError

ANSWER_S = 10.0
SOURCE = "/glasswatch/cli"


@click.group()
def channels() -> None:
    """Add, remove and list the channels that decoders follow by the control topic."""


@channels.command()
@click.argument("channel")
@click.argument("location")
@click.option("--detectors", metavar="NAME,...", help="Run only these on it.")
@click.option(
    "--program", type=click.IntRange(1, 65535), metavar="N",
    help="Watch this programme of a multiplex; by default the first one that has picture.",
)  # fmt: skip
@services.KAFKA
def add(channel: str, location: str, detectors: str | None, program: int | None, kafka: str | None) -> None:
    """Watch CHANNEL, whose input is the file or URL LOCATION as the decoders see it.

    What is there under this id is replaced. A file that was decoded is decoded again.
    """
    added = Channel(channel, location, detector_names(detectors), program=program)
    _publish(kafka, ChannelConfig(added.id, added.location, added.detectors, added.program))


@channels.command()
@click.argument("channel")
@services.KAFKA
def remove(channel: str, kafka: str | None) -> None:
    """Watch CHANNEL no longer."""
    _publish(kafka, ChannelRemoved(channel))


@channels.command(name="list")
@services.KAFKA
def list_channels(kafka: str | None) -> None:
    """Show channels, without passwords, and what decoders last said of each."""
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    with cluster_extra():
        from glasswatch.adapters.kafka_log import kafka_log  # noqa: PLC0415
        from glasswatch.runtime.channels.wanted import ControlState  # noqa: PLC0415
        from glasswatch.wire import topics  # noqa: PLC0415
    state = ControlState()
    until = time.monotonic() + ANSWER_S
    with kafka_log(kafka, topics.CONTROL) as records:
        while not records.caught_up:
            for record in records.poll(0.2):
                state.read(record)
            if time.monotonic() > until:
                raise BrokerError(f"Kafka at {kafka} does not deliver {topics.CONTROL}")
    rows = []
    for name in sorted({*state.channels, *state.running}):
        channel = state.channels.get(name)
        where = channel.shown if channel else "(of a file of channels)"
        detectors = (", ".join(channel.detectors) or "all") if channel else ""
        rows.append((name, where, detectors, _state(state.states.get(name))))
    show(("channel", "location", "detectors", "state"), rows)


def _state(last: ChannelStarted | ChannelStopped | None) -> str:
    match last:
        case ChannelStarted():
            return "runs"
        case ChannelStopped(reason=None):
            return "decoded to its end"
        case ChannelStopped(reason=reason):
            return f"stopped: {reason}"
        case _:
            return "no decoder has begun it"


def _publish(kafka: str | None, message: ControlMessage) -> None:
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    with cluster_extra():
        from glasswatch.adapters.kafka_producer import KafkaPublisher  # noqa: PLC0415
        from glasswatch.runtime.channels.media_publisher import publish_control  # noqa: PLC0415
    with KafkaPublisher(kafka) as publisher:
        publish_control(publisher, message, SOURCE)
        publisher.flush(ANSWER_S)
