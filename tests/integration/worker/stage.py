"""Real servers and real worker processes, the messages that tests send them, and what must come of these."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasswatch.aggregator.channel import ChannelDecisions
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Event
from glasswatch.core.detector import DetectorContext
from glasswatch.core.media import FrameChunk
from glasswatch.core.message import DetectionBatch, EndOfStream, MediaMessage
from glasswatch.detectors.registry import registered
from glasswatch.runtime.worker.detecting import DetectorTask
from glasswatch.wire import topics
from glasswatch.wire.detection import decode_batch
from glasswatch.wire.headers import Headers, MessageType, event_headers, next_traceparent
from glasswatch.wire.media import encode_media
from tests.e2e.deployment import Seen, seen, until
from tests.servers import start_servers
from tests.support import frame_chunks

if TYPE_CHECKING:
    from glasswatch.runtime.cluster import Cluster

RENDITION = "picture-270"
MEDIA = topics.media(RENDITION)
DETECTIONS = topics.detections("black")
GROUP = topics.detector_group("black")
MOST_INLINE = (8 << 20) - (64 << 10)
WAIT_S = 40.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it lies on a topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class Stage:
    """Kafka and Redis, and a publisher."""

    cluster: Cluster
    kafka: str
    redis: str
    producer: Any

    @classmethod
    def start(cls, cluster: Cluster) -> Stage:
        from kafka import KafkaProducer  # noqa: PLC0415

        from glasswatch.runtime.cluster import Kafka, Redis, services  # noqa: PLC0415

        addresses = start_servers(cluster, [Redis(), Kafka()])
        services.apply_topics(addresses["kafka"])
        producer = KafkaProducer(bootstrap_servers=addresses["kafka"], acks="all", max_request_size=16 << 20)
        return cls(cluster, addresses["kafka"], addresses["redis"], producer)

    def close(self) -> None:
        self.producer.close()

    def send(self, value: bytes | None, channel: str, headers: Headers, topic: str = MEDIA) -> None:
        self.producer.send(topic, value, key=channel.encode(), headers=headers).get(timeout=30)

    def publish(self, messages: Iterable[MediaMessage], at: Callable[[int], datetime] | None = None) -> None:
        """Publish media; `at` says for the number of a message when it is to seem to have been published."""
        for message in messages:
            encoded = encode_media(message, MOST_INLINE)
            assert encoded.detached is None
            time_ = at(message.sequence) if at is not None else datetime.now(UTC)
            self.send(encoded.value, message.channel, media_headers(encoded.identity, time_))

    def read(self, topic: str, channel: str) -> list[Sent]:
        """All messages of a channel that lie on a topic."""
        from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415

        with closing(
            KafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False, max_partition_fetch_bytes=16 << 20)
        ) as consumer:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            ends = consumer.end_offsets(partitions)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            found = []
            while any(consumer.position(partition) < end for partition, end in ends.items()):
                for records in consumer.poll(timeout_ms=500).values():
                    found += [Sent(r.key, r.value, r.headers) for r in records if r.key == channel.encode()]
        return found

    def batches(self, channel: str) -> list[DetectionBatch]:
        """What the detector has said of a channel, each once; fails where it has said two things of one message."""
        by_position: dict[tuple[int, int], DetectionBatch] = {}
        for sent in self.read(DETECTIONS, channel):
            assert sent.value is not None
            batch = decode_batch(sent.value)
            assert by_position.setdefault((batch.session, batch.position), batch) == batch
        return [by_position[position] for position in sorted(by_position)]

    def unread(self, group: str = GROUP, topic: str = MEDIA) -> int:
        """Messages of a topic that its group has not acknowledged."""
        from kafka import KafkaConsumer, TopicPartition  # noqa: PLC0415

        with closing(KafkaConsumer(bootstrap_servers=self.kafka, group_id=group, enable_auto_commit=False)) as consumer:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            ends = consumer.end_offsets(partitions)
            return sum(end - (consumer.committed(partition) or 0) for partition, end in ends.items())

    def events(self, channel: str) -> list[Seen]:
        """The events in Redis."""
        from glasswatch.adapters.redis_store import RedisEventStore  # noqa: PLC0415
        from glasswatch.wire.event import decode_event, encode_event  # noqa: PLC0415

        with RedisEventStore.connect(self.redis, encode_event, decode_event) as store:
            return sorted(map(seen, store.events(channel)), key=repr)

    def doubled(self, channel: str) -> list[bytes]:
        """Versions of events that are more than once in the channel's stream."""
        with self.client() as client:
            entries = client.xrange(f"glasswatch:{{{channel}}}:events")
        return [version for version, n in Counter(fields[b"event"] for _, fields in entries).items() if n > 1]

    def client(self) -> Any:
        from redis import Redis as Client  # noqa: PLC0415

        return closing(Client.from_url(self.redis))


@dataclass(slots=True)
class Service:
    """A worker process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    labels: dict[str, str] = field(default_factory=dict)

    @classmethod
    def start(
        cls, stage: Stage, log: Path, command: Sequence[str], changed: Mapping[str, str], module: str = "glasswatch"
    ) -> Service:
        from glasswatch.runtime.cluster.server import free_port  # noqa: PLC0415

        port = free_port()
        env = {"GLASSWATCH_KAFKA": stage.kafka, "GLASSWATCH_REDIS": stage.redis, "TMPDIR": str(log.parent), **changed}
        arguments = [sys.executable, "-m", module, *command, f"--health-port={port}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                arguments, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **env}, start_new_session=True
            )
        return cls(process, port, log, {"worker": "aggregator" if command[0] == "aggregate" else command[1]})

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of a health page; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        return self.ask("/readyz")[0] == 200

    def await_ready(self) -> Service:
        assert until(lambda: self.is_ready() or self.process.poll() is not None, WAIT_S), self.told()
        assert self.process.poll() is None, self.told()
        return self

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples that have these labels."""
        from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

        status, text = self.ask("/metrics")
        assert status == 200, self.told()
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples if s.name == name]
        return sum(s.value for s in samples if labels.items() <= s.labels.items())

    def messages(self, outcome: str) -> float:
        """How many messages had this outcome."""
        return self.metric("glasswatch_worker_messages_total", outcome=outcome, **self.labels)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self) -> tuple[int, float]:
        """Have it drain; its exit status, and how many seconds it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        status = self.process.wait(30)
        return status, time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def end(self) -> None:
        """Let it drain if it still runs, for the tests that follow."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def told(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace")


def own_channel() -> str:
    return f"channel-{uuid.uuid4().hex[:12]}"


def media_headers(identity: bytes, at: datetime | None = None) -> Headers:
    return event_headers(MessageType.MEDIA, MEDIA, identity, "/test", at or datetime.now(UTC), next_traceparent())


def pictures(seconds: int, black: Sequence[tuple[int, int]], *, chunk: int = 10, seed: int = 5) -> list[FrameChunk]:
    """Noise at 25 frames a second, with spans of black (first and last second)."""
    rng = np.random.default_rng(seed)
    luma = rng.integers(60, 200, (seconds * 25, 18, 32)).astype(np.uint8)
    for start, end in black:
        luma[start * 25 : end * 25] = 16
    chroma = np.full((len(luma), 9, 16), 128, np.uint8)
    return frame_chunks(luma, (chroma, chroma), chunk=chunk)


def title(channel: str, chunks: Sequence[FrameChunk], *, session: int = 1, live: bool = False) -> list[MediaMessage]:
    """The messages of one session, its end included."""
    units = [*chunks, EndOfStream(chunks[-1].end)]
    return [MediaMessage(channel, session, RENDITION, i, unit, Fraction(0), live) for i, unit in enumerate(units)]


def undisturbed(messages: Sequence[MediaMessage]) -> list[DetectionBatch]:
    """What the detector says in one process."""
    channel = messages[0].channel
    params, detector = load_profile(only=["black"]).params["black"], registered()["black"]
    task = DetectorTask(detector.spec, lambda track: detector(params, DetectorContext(channel, track)), channel)
    return [batch for message in messages for batch in task.handle(message).batches]


def decided(batches: Sequence[DetectionBatch]) -> list[Seen]:
    """The events that come of one channel's batches in one process."""
    profile = load_profile()
    decisions = ChannelDecisions(batches[0].channel, profile.rules, profile.masks, profile.incidents)
    latest: dict[str, Event] = {}
    for batch in batches:
        latest.update((event.id, event) for event in decisions.handle(batch)[1])
    return sorted(map(seen, latest.values()), key=repr)
