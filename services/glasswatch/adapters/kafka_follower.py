"""Following topics without a consumer group, by every reader for itself; needs the extra `cluster`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from glasswatch.adapters.kafka_errors import refusals
from glasswatch.core.errors import BrokerError

REACH_MS = 10_000
REQUEST_MS = 5_000
DISCOVER_S = 5.0
"""How often it looks for new topics and partitions, and whether the brokers still answer."""

_RECONNECT_MS = 2_000
"""Longest pause before a broker is tried again."""

_POLL_MS = 500
_CLOSE_MS = 2_000


@dataclass(frozen=True, slots=True)
class Followed:
    """One message: its place, its value, its headers."""

    topic: str
    partition: int
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class KafkaFollower:
    """A reader of all partitions of some topics; for one thread.

    A topic or partition that appears later is read from its beginning, so that nothing is missed.
    """

    def __init__(
        self, consumer: KafkaConsumer, admin: KafkaAdminClient, topics: Collection[str], since_ms: int | None
    ) -> None:
        self._consumer = consumer
        self._admin = admin
        self._topics = frozenset(topics)
        partitions = self._partitions()
        if not partitions:
            raise BrokerError(f"there is no topic {min(self._topics)}: create it with `glasswatch topics apply`")
        self._follow(partitions, since_ms)

    def messages(self, tell: Callable[[str], None]) -> Iterator[Followed]:
        """Messages as they come, without end; those of one partition in order.

        Args:
            tell: Hears that the brokers do not answer, and that they answer again.
        """
        answers = True
        due = time.monotonic() + DISCOVER_S
        while True:
            with refusals("read from Kafka"):
                found = self._consumer.poll(timeout_ms=_POLL_MS)
            for partition, records in found.items():
                for record in records:
                    yield Followed(
                        partition.topic, partition.partition, record.offset, record.value or b"", tuple(record.headers)
                    )
            if time.monotonic() < due:
                continue
            # A consumer whose brokers have gone looks like one to which nothing happens.
            try:
                self._discover()
            except KafkaError as error:
                if answers:
                    tell(f"Kafka does not answer, waiting for it: {error or type(error).__name__}")
                answers = False
            else:
                if not answers:
                    tell("Kafka answers again")
                answers = True
            due = time.monotonic() + DISCOVER_S

    def _discover(self) -> None:
        new = self._partitions() - self._consumer.assignment()
        if new:
            self._follow(new, since_ms=0)

    def _partitions(self) -> set[TopicPartition]:
        return {
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in self._admin.describe_topics()
            if topic["name"] in self._topics
            for partition in topic["partitions"]
        }

    def _follow(self, new: set[TopicPartition], since_ms: int | None) -> None:
        """Read these as well, from the first message that is not older (milliseconds), or from what comes next."""
        # Where they end is asked at once: seek_to_end would find out at the first poll, and miss what comes before it.
        starts = self._consumer.end_offsets(list(new), timeout_ms=REQUEST_MS)
        if since_ms is not None:
            first = self._consumer.offsets_for_times(dict.fromkeys(new, since_ms), timeout_ms=REQUEST_MS)
            starts |= {partition: found.offset for partition, found in first.items() if found is not None}
        self._consumer.assign([*self._consumer.assignment(), *new])
        for partition, offset in starts.items():
            self._consumer.seek(partition, offset)


@contextmanager
def kafka_follower(bootstrap: str, topics: Collection[str], since_ms: int | None) -> Iterator[KafkaFollower]:
    """A reader of those of `topics` that there are, and of the others as soon as there are.

    Args:
        bootstrap: Comma-separated list of host:port.
        topics: Names of the topics.
        since_ms: Time of the oldest messages to read, in milliseconds since 1970; None reads only what comes from now
            on.

    Raises:
        BrokerError: No broker can be reached, or there is none of the topics.
    """
    common = {
        "bootstrap_servers": bootstrap.split(","),
        "bootstrap_timeout_ms": REACH_MS,
        "reconnect_backoff_max_ms": _RECONNECT_MS,
    }
    with refusals(f"reach Kafka at {bootstrap}"):
        admin = KafkaAdminClient(**common, client_id="glasswatch-follower", request_timeout_ms=REQUEST_MS)
    try:
        with refusals(f"reach Kafka at {bootstrap}"):
            consumer = KafkaConsumer(
                **common,
                client_id="glasswatch-follower",
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                allow_auto_create_topics=False,
            )
        try:
            with refusals("find the topics"):
                follower = KafkaFollower(consumer, admin, topics, since_ms)
            yield follower
        finally:
            consumer.close(autocommit=False, timeout_ms=_CLOSE_MS)
    finally:
        admin.close()
