"""What decoders put on a real broker, as tests see it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from glasswatch.config.channels import Channel
from glasswatch.core.errors import BrokerError
from glasswatch.core.needs import AudioNeed, FactNeed
from glasswatch.detectors.registry import registered
from glasswatch.runtime.channels.service import needs_of
from glasswatch.runtime.channels.session import LiveNumbers, Opener
from glasswatch.runtime.cluster.services import apply_topics
from glasswatch.v1 import media_pb2
from glasswatch.wire import topics
from glasswatch.wire.headers import MessageType, check_headers
from glasswatch.wire.media import encode_media

DETECTORS = ("black", "silence", "stream_error")
RENDITIONS = sorted(
    {FactNeed().rendition, AudioNeed().rendition}
    | {need.rendition for name in DETECTORS for need in registered()[name].spec.needs}
)
LARGE = 1 << 30


def wait(condition: Callable[[], object], timeout_s: float = 30) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def canonical(value: bytes) -> bytes:
    """The same message in the one form that can be compared: protobuf writes maps in any order."""
    return media_pb2.MediaMessage.FromString(value).SerializeToString(deterministic=True)


def new_channel() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def channels_file(path: Path, channel: str, location: Path | str) -> Path:
    path.write_text(f"channels: {{{channel}: {{location: '{location}'}}}}\n")
    return path


def ensure_topics(address: str) -> None:
    """All topics on a broker that other tests bring in step at the same time."""
    for attempts_left in (2, 1, 0):
        try:
            apply_topics(address)
        except BrokerError:
            if not attempts_left:
                raise
            time.sleep(1)


class Bus:
    """Media that is published from now on, by channel and rendition: the values in the order of the topic."""

    def __init__(self, address: str, renditions: Iterable[str] = RENDITIONS) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=address, enable_auto_commit=False, max_partition_fetch_bytes=16 << 20
        )
        self._rendition = {topics.media(rendition): rendition for rendition in renditions}
        self._partitions = [
            TopicPartition(topic, number)
            for topic in self._rendition
            for number in self._consumer.partitions_for_topic(topic) or ()
        ]
        assert self._partitions
        self._consumer.assign(self._partitions)
        for partition, end in self._consumer.end_offsets(self._partitions).items():
            self._consumer.seek(partition, end)
        self._values: dict[str, dict[str, list[bytes]]] = {}

    def read(self, channel: str) -> dict[str, list[bytes]]:
        """All of the channel's so far, by rendition."""
        ends = self._consumer.end_offsets(self._partitions)
        until = time.monotonic() + 30
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            assert time.monotonic() < until, "the topics cannot be read to their end"
            for partition, records in self._consumer.poll(200).items():
                for record in records:
                    check_headers(record.headers, MessageType.MEDIA, record.value)
                    of_channel = self._values.setdefault(record.key.decode(), {})
                    of_channel.setdefault(self._rendition[partition.topic], []).append(canonical(record.value))
        return self._values.get(channel, {})

    def count(self, channel: str) -> int:
        return sum(map(len, self.read(channel).values()))

    def close(self) -> None:
        self._consumer.close()


def expected(channel: str, clip: Path) -> dict[str, list[bytes]]:
    """What one undisturbed decode of a file gives."""
    what = Channel(channel, str(clip))
    found: dict[str, list[bytes]] = {}
    with closing(Opener()(what, needs_of(what, DETECTORS), LiveNumbers())) as session:
        for message in session.messages():
            found.setdefault(message.rendition, []).append(canonical(encode_media(message, LARGE).value))
    return found
