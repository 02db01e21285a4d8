"""Reading a topic of one partition from its beginning, by every reader for itself; needs the extra `cluster`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaConsumer, TopicPartition

from glasswatch.adapters.kafka_errors import refusals
from glasswatch.core.errors import BrokerError

REACH_MS = 10_000


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One message: its place in the topic, its value, its headers."""

    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class KafkaLog:
    """A reader of one topic, without a consumer group; for one thread."""

    def __init__(self, consumer: KafkaConsumer, partition: TopicPartition) -> None:
        self._consumer = consumer
        self._partition = partition
        self._end = consumer.end_offsets([partition])[partition]

    @property
    def caught_up(self) -> bool:
        """Whether all has been read that was there when reading began."""
        return bool(self._consumer.position(self._partition) >= self._end)

    def poll(self, timeout_s: float) -> list[LogRecord]:
        """The next messages, none where no more come within `timeout_s` seconds or no broker can be reached.

        Raises:
            BrokerError: The broker refuses.
        """
        with refusals(f"read {self._partition.topic}"):
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        return [
            LogRecord(record.offset, record.value or b"", tuple(record.headers))
            for record in found.get(self._partition, ())
        ]


@contextmanager
def kafka_log(bootstrap: str, topic: str) -> Iterator[KafkaLog]:
    """A reader of `topic` that begins with its first message.

    Raises:
        BrokerError: No broker can be reached, or there is no such topic.
    """
    with refusals(f"reach Kafka at {bootstrap}"):
        consumer = KafkaConsumer(
            bootstrap_servers=bootstrap.split(","),
            client_id="glasswatch-log",
            bootstrap_timeout_ms=REACH_MS,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
        )
    try:
        partition = TopicPartition(topic, 0)
        with refusals(f"read {topic}"):
            if not consumer.partitions_for_topic(topic):
                raise BrokerError(f"there is no topic {topic}: glasswatch topics apply")
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            log = KafkaLog(consumer, partition)
        yield log
    finally:
        consumer.close()
