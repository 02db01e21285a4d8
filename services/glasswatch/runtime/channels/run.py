"""The decoder process: put together, run until SIGTERM, with its health told all the while."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType

from glasswatch.adapters.kafka_log import kafka_log
from glasswatch.adapters.kafka_producer import KafkaPublisher
from glasswatch.adapters.kafka_topics import kafka_topics
from glasswatch.core.errors import BrokerError
from glasswatch.core.needs import FactNeed
from glasswatch.detectors.registry import registered
from glasswatch.ports.media_store import MediaStore
from glasswatch.runtime.channels.media_publisher import MediaPublisher, publish_control
from glasswatch.runtime.channels.service import DecoderService, Shard
from glasswatch.runtime.channels.session import DECODER_THREADS, Opener
from glasswatch.runtime.channels.wanted import Wanted, WantedByFile, WantedByTopic
from glasswatch.telemetry.health import HealthServer
from glasswatch.wire import topics
from glasswatch.wire.media import OVERHEAD_BYTES

log = logging.getLogger(__name__)

FLUSH_S = 3.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Settings:
    """What a decoder process is told.

    Attributes:
        kafka: Brokers, `host:port,host:port`.
        redis: URL of the Redis server for payloads that are too large for a message, None for none.
        channels: File of channels; None follows the control topic.
        detectors: Detectors that are deployed; None for all.
        shard: Which part of the channels to follow.
        once: End when all inputs have ended.
        threads: Decoder threads of each channel.
        health_port: Where /healthz, /readyz and /metrics are; 0 is any free port.
    """

    kafka: str
    redis: str | None = None
    channels: Path | None = None
    detectors: Collection[str] | None = None
    shard: Shard = field(default_factory=Shard)
    once: bool = False
    threads: int = DECODER_THREADS
    health_port: int = 0


def run_decoder(settings: Settings) -> bool:
    """Run until SIGTERM or SIGINT, or with `once` until all inputs have ended; what was published is confirmed then.

    Returns:
        Whether every channel that has ended had come to its regular end.

    Raises:
        GlasswatchError: It cannot begin, or not go on; started again, it goes on where it stopped.
    """
    names = list(registered()) if settings.detectors is None else settings.detectors
    with ExitStack() as stack:
        # A file that is not valid is told without a cluster.
        wanted = stack.enter_context(_wanted(settings))
        sizes = media_topic_sizes(settings.kafka, names)
        store = stack.enter_context(_media_store(settings.redis)) if settings.redis else None
        publisher = stack.enter_context(KafkaPublisher(settings.kafka, max_request_bytes=max(sizes.values())))
        most_inline = {rendition: max(0, size - OVERHEAD_BYTES) for rendition, size in sizes.items()}
        service = DecoderService(
            wanted,
            MediaPublisher(publisher, most_inline, store),
            partial(publish_control, publisher),
            detectors=names,
            shard=settings.shard,
            once=settings.once,
            open_session=Opener(threads=settings.threads),
        )
        stack.enter_context(_signals(service))
        health = stack.enter_context(HealthServer(settings.health_port, service.live, publisher.trouble))
        log.info("the decoder runs; health on port %d", health.port)
        regular = service.run()
        while publisher.unconfirmed_bytes and not service.stopping:
            time.sleep(POLL_S)
        publisher.flush(FLUSH_S)
    log.info("the decoder has stopped")
    return regular


def media_topic_sizes(kafka: str, detectors: Collection[str]) -> dict[str, int]:
    """max.message.bytes of the topic of every rendition that these detectors need.

    Raises:
        BrokerError: One of the topics does not exist.
    """
    renditions = {need.rendition for name in detectors for need in registered()[name].spec.needs}
    with kafka_topics(kafka) as admin:
        existing = {topic.name: topic for topic in admin.topics()}
    sizes = {}
    for rendition in sorted(renditions | {FactNeed().rendition}):
        name = topics.media(rendition)
        if name not in existing:
            raise BrokerError(f"there is no topic {name}: glasswatch topics apply")
        sizes[rendition] = int(existing[name].config["max.message.bytes"])
    return sizes


@contextmanager
def _wanted(settings: Settings) -> Iterator[Wanted]:
    if settings.channels is not None:
        yield WantedByFile(settings.channels)
        return
    with kafka_log(settings.kafka, topics.CONTROL) as records:
        yield WantedByTopic(records)


@contextmanager
def _media_store(redis: str) -> Iterator[MediaStore]:
    from glasswatch.adapters.redis_store import RedisMediaStore  # noqa: PLC0415  (who has no Redis needs no client)

    with RedisMediaStore.connect(redis) as store:
        yield store


@contextmanager
def _signals(service: DecoderService) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        service.stop()

    def reload(_signal: int, _frame: FrameType | None) -> None:
        service.reload()

    chosen = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
    former = {number: signal.signal(number, handler) for number, handler in chosen.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
