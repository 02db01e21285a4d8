"""A broker that goes away holds the decoder up, and costs nothing else."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from glasswatch.adapters.kafka_producer import KafkaPublisher
from glasswatch.adapters.kafka_topics import kafka_topics
from glasswatch.config.channels import Channel
from glasswatch.core.errors import BrokerError
from glasswatch.detectors.registry import registered
from glasswatch.ports.topics import Topic
from glasswatch.runtime.channels.media_publisher import MediaPublisher
from glasswatch.runtime.channels.service import DecoderService
from glasswatch.runtime.cluster import Cluster, Kafka
from glasswatch.runtime.topics import TopicOptions, apply, declare, plan
from tests.integration.decoder_service.bus import LARGE, RENDITIONS, Bus, channels_file, expected, new_channel, wait
from tests.integration.decoder_service.programs import decoding, ended
from tests.integration.decoder_service.test_media import DETECTORS, Given
from tests.servers import start_servers

UNCONFIRMED = 300_000


class Broker:
    """A broker of one's own with the topics of a few detectors."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.address = start_servers(cluster, [Kafka()])["kafka"]
        wanted = declare([registered()[name].spec for name in DETECTORS], TopicOptions(partitions=2))
        with kafka_topics(self.address) as admin:
            apply(plan(wanted, admin.topics()), admin)

    def stop(self) -> None:
        process = self.cluster.process("kafka")
        assert process is not None
        process.kill()

    def start(self) -> None:
        """Again, with its data, where it was."""
        assert start_servers(self.cluster, [Kafka()])["kafka"] == self.address


@pytest.fixture
def broker(own_cluster: Cluster) -> Iterator[Broker]:
    yield Broker(own_cluster)
    gc.collect()


@pytest.fixture
def media_bus(broker: Broker) -> Iterator[Bus]:
    bus = Bus(broker.address)
    yield bus
    bus.close()


def test_an_outage_holds_the_decoder_up_and_loses_nothing(broker: Broker, media_bus: Bus, long_clip: Path) -> None:
    channel = new_channel()
    published = 0
    most_waiting = 0
    with KafkaPublisher(broker.address, most_bytes=UNCONFIRMED) as publisher:
        publish = MediaPublisher(publisher, dict.fromkeys(RENDITIONS, LARGE))

        def sink(message: object) -> None:
            nonlocal published, most_waiting
            publish(message)  # type: ignore[arg-type]
            published += 1
            most_waiting = max(most_waiting, publisher.unconfirmed_bytes)

        given = Given(Channel(channel, str(long_clip)))
        service = DecoderService(given, sink, lambda _: None, detectors=DETECTORS, once=True)
        thread = threading.Thread(target=service.run)
        thread.start()
        wait(lambda: published > 30)
        broker.stop()
        wait(lambda: publisher.stalled_s > 1)
        held_at = published
        time.sleep(3)
        assert published == held_at
        assert 0 < publisher.unconfirmed_bytes <= UNCONFIRMED
        assert thread.is_alive()
        broker.start()
        thread.join(90)
        assert not thread.is_alive()
        publisher.flush(30)
        assert publisher.unconfirmed_bytes == 0
        assert publisher.stalled_s == 0
    assert most_waiting <= UNCONFIRMED
    # Not even twice: the producer is idempotent.
    assert media_bus.read(channel) == expected(channel, long_clip)


def test_sigterm_ends_a_decoder_whose_broker_is_away(broker: Broker, long_clip: Path, tmp_path: Path) -> None:
    channel = new_channel()
    file = channels_file(tmp_path / "c.yaml", channel, long_clip)
    bus = Bus(broker.address)
    with decoding(broker.address, "--channels", file, "--detectors", ",".join(DETECTORS)) as process:
        wait(lambda: bus.count(channel) > 5)
        bus.close()
        broker.stop()
        time.sleep(1)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        # What was not confirmed is not lost, for the file is decoded again; but somebody must hear of it.
        assert ended(process, 15) != 0
        assert time.monotonic() - began < 10


def test_a_failed_delivery_is_raised_and_stays(broker: Broker) -> None:
    topic = f"small.{new_channel()}"
    with kafka_topics(broker.address) as admin:
        admin.create([Topic(topic, 1, 1, {"max.message.bytes": "1000"})])
    with KafkaPublisher(broker.address) as publisher:
        publisher.publish(topic, b"k", b"small")
        publisher.flush(10)
        publisher.publish(topic, b"k", b"x" * 5000)
        with pytest.raises(BrokerError, match="was not delivered"):
            publisher.flush(10)
        with pytest.raises(BrokerError, match="was not delivered"):
            publisher.publish(topic, b"k", b"small")
        assert publisher.unconfirmed_bytes == 0


def test_many_threads_keep_their_order_within_the_bounds(broker: Broker) -> None:
    topic = f"threads.{new_channel()}"
    with kafka_topics(broker.address) as admin:
        admin.create([Topic(topic, 1, 1)])
    most = 0
    with KafkaPublisher(broker.address, most_messages=20, most_bytes=5_000) as publisher:

        def publish(name: int) -> None:
            nonlocal most
            for number in range(200):
                publisher.publish(topic, b"%d" % name, b"%d" % number + b" " * 500)
                most = max(most, publisher.unconfirmed_bytes)

        threads = [threading.Thread(target=publish, args=(name,)) for name in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        publisher.flush(10)
    assert 0 < most <= 5_000
    consumer = KafkaConsumer(bootstrap_servers=broker.address, enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    found: dict[bytes, list[int]] = {}
    while sum(map(len, found.values())) < 1000:
        for records in consumer.poll(1000).values():
            for record in records:
                found.setdefault(record.key, []).append(int(record.value))
    consumer.close()
    assert all(numbers == list(range(200)) for numbers in found.values())
