"""`glasswatch subscribe` on a real broker."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from glasswatch.core.detection import Event, EventState, Severity, event_id
from glasswatch.core.errors import BrokerError
from glasswatch.core.time import Span
from glasswatch.detectors.registry import registered
from glasswatch.ports.topics import Topic
from glasswatch.runtime.topics import TopicOptions, declare
from glasswatch.wire import topics
from glasswatch.wire.event import encode_event
from glasswatch.wire.headers import MessageType, event_headers
from tests.servers import start_servers

if TYPE_CHECKING:
    from kafka import KafkaProducer

    from glasswatch.runtime.cluster import Cluster

pytestmark = pytest.mark.timeout(120)

SOON_S = 30.0


@pytest.fixture(scope="module")
def broker(kafka_address: str) -> str:
    """A broker that has the topics of all defects, with as many partitions as whoever made them first wanted."""
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415 - the extra `cluster` is there by now

    wanted = declare((cls.spec for cls in registered().values()), TopicOptions(partitions=3))
    with kafka_topics(kafka_address) as admin:
        there = {topic.name for topic in admin.topics()}
        missing = [
            topic for topic in wanted if topic.name.startswith("glasswatch.defects.") and topic.name not in there
        ]
        try:
            if missing:
                admin.create(missing)
        except BrokerError as error:  # Another run was faster.
            if "Exists" not in str(error):
                raise
    return kafka_address


@pytest.fixture
def channel() -> str:
    return f"channel-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def producer(broker: str) -> Iterator[KafkaProducer]:
    made = make_producer(broker)
    yield made
    made.close()


def make_producer(broker: str) -> KafkaProducer:
    from kafka import KafkaProducer  # noqa: PLC0415

    return KafkaProducer(bootstrap_servers=broker, acks="all")


def history(channel: str, onset: int = 0, defect: str = "black") -> list[Event]:
    """The versions of one event, oldest first: opened, raised, closed."""
    start = Fraction(onset)
    opened = Event(
        id=event_id(channel, defect, None, None, 0, start),
        channel=channel,
        defect=defect,
        detector=defect,
        version="1",
        severity=Severity.WARNING,
        span=Span(0, start, start + 1),
        score=0.75,
        state=EventState.OPEN,
        position=start,
    )
    raised = replace(opened, severity=Severity.ERROR, span=Span(0, start, start + 5))
    return [opened, raised, replace(raised, state=EventState.CLOSED)]


def publish(producer: KafkaProducer, *events: Event, topic: str | None = None, at_ms: int | None = None) -> None:
    for event in events:
        name = topic or topics.defects(event.defect)
        value = encode_event(event)
        headers = event_headers(MessageType.EVENT, name, value, "/test", datetime.now(UTC))
        producer.send(name, value, topics.message_key(event.channel), headers, timestamp_ms=at_ms)
    producer.flush()


class Subscriber:
    """A running `glasswatch subscribe`."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "glasswatch", "subscribe", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def lines(self, count: int) -> list[str]:
        return [self._lines.get(timeout=SOON_S) for _ in range(count)]

    def waiting(self) -> bool:
        return not self._lines.empty()

    def end(self, number: int = signal.SIGINT) -> tuple[int, list[str], str]:
        """Status, the lines that nobody has read, stderr."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, list[str], str]:
        status = self.process.wait(SOON_S)
        self._reader.join()
        assert self.process.stderr is not None
        return status, self.lines(self._lines.qsize()), self.process.stderr.read()

    def close(self) -> None:
        self.process.kill()
        self._reader.join()
        with self.process:
            pass  # Closes the pipes.


@contextmanager
def subscribed(broker: str, *arguments: str) -> Iterator[Subscriber]:
    with closing(Subscriber(*arguments, "--bootstrap", broker)) as subscriber:
        yield subscriber


def until(done: Callable[[], bool], step: Callable[[], None] = lambda: None) -> None:
    deadline = time.monotonic() + SOON_S
    while not done():
        assert time.monotonic() < deadline
        step()
        time.sleep(0.2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_person_reads_the_course_of_an_event(
    broker: str, producer: KafkaProducer, channel: str, number: signal.Signals
) -> None:
    opened, raised, closed = history(channel, 3723)
    publish(producer, opened, opened, raised, closed, opened, closed)
    with subscribed(broker, "black", "--since", "beginning", "--channel", channel) as subscriber:
        assert subscriber.lines(3) == [
            f"{channel}  1:02:03.000  warning  opened   black  1.00 s\n",
            f"{channel}  1:02:03.000  error    raised   black  5.00 s\n",
            f"{channel}  1:02:03.000  error    closed   black  5.00 s\n",
        ]
        assert subscriber.end(number) == (0, [], "")


def test_a_program_reads_all_defects_of_some_channels_and_severities(
    broker: str, producer: KafkaProducer, channel: str
) -> None:
    black, freeze = history(channel), history(f"{channel}-2", defect="freeze")
    publish(producer, *black, *freeze, *history(f"{channel}-3"))
    options = ["--since", "600", "--channel", channel, "--channel", f"{channel}-2", "--severity", "error", "--json"]
    with subscribed(broker, "all", *options) as subscriber:
        found = [json.loads(line) for line in subscriber.lines(4)]
        assert sorted((event["channel"], event["defect"], event["severity"], event["state"]) for event in found) == [
            (channel, "black", "error", "closed"),
            (channel, "black", "error", "open"),
            (f"{channel}-2", "freeze", "error", "closed"),
            (f"{channel}-2", "freeze", "error", "open"),
        ]
        assert subscriber.end() == (0, [], "")


def test_without_since_it_begins_with_what_comes_next(broker: str, producer: KafkaProducer, channel: str) -> None:
    publish(producer, *history(channel, 1))
    with subscribed(broker, "black", "--channel", channel, "--json") as subscriber:
        onsets = iter(range(100, 1000))
        until(subscriber.waiting, lambda: publish(producer, history(channel, next(onsets))[0]))
        status, lines, _ = subscriber.end()
    assert status == 0
    assert all(json.loads(line)["start_s"] >= 100 for line in lines)


def test_a_reader_that_goes_away_ends_it_without_a_traceback(
    broker: str, producer: KafkaProducer, channel: str
) -> None:
    publish(producer, history(channel)[0])
    command = [sys.executable, "-m", "glasswatch", "subscribe", "black", "--bootstrap", broker]
    with subprocess.Popen(
        [*command, "--since", "beginning", "--channel", channel], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            assert channel.encode() in process.stdout.readline()
            process.stdout.close()
            onsets = iter(range(100, 1000))
            until(lambda: process.poll() is not None, lambda: publish(producer, history(channel, next(onsets))[0]))
            assert process.stderr.read() == b""
        finally:
            process.kill()


def test_no_broker_is_one_line() -> None:
    with subscribed("127.0.0.1:1", "black") as subscriber:
        status, lines, errors = subscriber.ended()
    assert (status, lines) == (2, [])
    assert errors.count("\n") == 1
    assert errors.startswith("glasswatch: cannot reach Kafka at 127.0.0.1:1: ")


class Following:
    """A KafkaFollower that reads in a thread."""

    def __init__(self, broker: str, *names: str, since_ms: int | None = 0) -> None:
        self.values: queue.Queue[bytes] = queue.Queue()
        self.told: queue.Queue[str] = queue.Queue()
        self._ready = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(broker, names, since_ms))
        self._thread.start()
        assert self._ready.wait(SOON_S)

    def _run(self, broker: str, names: tuple[str, ...], since_ms: int | None) -> None:
        from glasswatch.adapters.kafka_follower import kafka_follower  # noqa: PLC0415

        with kafka_follower(broker, names, since_ms) as follower:
            self._ready.set()
            for message in follower.messages(self.told.put):
                if message.value == b"stop":
                    return
                self.values.put(message.value)

    def ended(self) -> bool:
        self._thread.join(SOON_S)
        return not self._thread.is_alive()


@pytest.fixture
def topic() -> str:
    return f"t{uuid.uuid4().hex}"


@pytest.fixture
def quick_discovery(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from glasswatch.adapters import kafka_follower  # noqa: PLC0415

    monkeypatch.setattr(kafka_follower, "DISCOVER_S", 0.5)


@pytest.mark.usefixtures("quick_discovery")
def test_partitions_and_topics_that_come_later_are_read_from_their_beginning(
    broker: str, producer: KafkaProducer, topic: str
) -> None:
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415

    later = f"{topic}-later"
    with kafka_topics(broker) as admin:
        admin.create([Topic(topic, 1, 1)])
        producer.send(topic, b"before").get(SOON_S)
        following = Following(broker, topic, later, since_ms=None)
        producer.send(topic, b"first").get(SOON_S)
        assert following.values.get(timeout=SOON_S) == b"first"
        admin.raise_partitions({topic: 2})
        own = make_producer(broker)  # One that knows of the new partition.
        own.send(topic, b"second", partition=1).get(SOON_S)
        own.send(topic, b"third", partition=0).get(SOON_S)
        assert {following.values.get(timeout=SOON_S) for _ in range(2)} == {b"second", b"third"}
        admin.create([Topic(later, 1, 1)])
        own.send(later, b"fourth").get(SOON_S)
        assert following.values.get(timeout=SOON_S) == b"fourth"
        own.send(later, b"stop").get(SOON_S)
        own.close()
    assert following.ended()
    assert following.values.empty()
    assert following.told.empty()


def test_seconds_back_are_times_of_messages(broker: str, producer: KafkaProducer, topic: str) -> None:
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415

    now_ms = int(time.time() * 1000)
    with kafka_topics(broker) as admin:
        admin.create([Topic(topic, 2, 1)])
    for age_s, value in [(7200, b"old"), (3600, b"hour"), (10, b"new"), (0, b"stop")]:
        producer.send(topic, value, partition=0, timestamp_ms=now_ms - 1000 * age_s).get(SOON_S)
    following = Following(broker, topic, since_ms=now_ms - 3_600_000)
    assert following.ended()
    assert [following.values.get() for _ in range(following.values.qsize())] == [b"hour", b"new"]


def test_a_topic_that_is_not_there_is_one_line_and_is_not_created(broker: str, topic: str) -> None:
    from glasswatch.adapters.kafka_follower import kafka_follower  # noqa: PLC0415
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415

    with (
        pytest.raises(BrokerError, match=rf"^there is no topic {topic}: .*glasswatch topics apply"),
        kafka_follower(broker, [topic], None),
    ):
        pass
    with kafka_topics(broker) as admin:
        assert topic not in {found.name for found in admin.topics()}


def test_a_broker_that_goes_and_comes_is_told_and_followed(own_cluster: Cluster, channel: str) -> None:
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415
    from glasswatch.runtime.cluster import Kafka  # noqa: PLC0415

    broker = start_servers(own_cluster, [Kafka()])["kafka"]
    with kafka_topics(broker) as admin:
        admin.create([Topic(topics.defects("black"), 1, 1)])
    before, after, _ = history(channel)
    with closing(make_producer(broker)) as producer:
        publish(producer, before)
    with subscribed(broker, "black", "--since", "beginning") as subscriber:
        assert "opened" in subscriber.lines(1)[0]
        process = own_cluster.process("kafka")
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        assert subscriber.process.stderr is not None
        told = subscriber.process.stderr.readline()
        assert told.startswith("glasswatch: Kafka does not answer, waiting for it: ")
        assert start_servers(own_cluster, [Kafka()])["kafka"] == broker
        with closing(make_producer(broker)) as producer:
            publish(producer, after)
        assert "raised" in subscriber.lines(1)[0]
        assert subscriber.process.stderr.readline() == "glasswatch: Kafka answers again\n"
        assert subscriber.end() == (0, [], "")
