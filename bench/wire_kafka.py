"""Who should compress media, the payload's encoder or Kafka's producer: CPU of both ends, the broker, bytes on the bus.

    python -m bench.wire_kafka CLIP --kafka HOST:PORT [--broker-pid PID] [--seconds S]

Publishes picture-270 of the clip with kafka-python and consumes it with aiokafka, Faust's client, as the services do.
Needs the extra `cluster`, and the packages lz4 and zstandard for the producer's own compression.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from aiokafka import AIOKafkaConsumer
from kafka import KafkaAdminClient, KafkaProducer
from rich.console import Console

from bench.provenance import headline, provenance
from bench.tables import Table, number
from bench.wire import FRAME_RATE, LUMA_SAMPLES, read
from glasswatch.core.media import FrameChunk
from glasswatch.core.message import MediaMessage
from glasswatch.v1 import media_pb2
from glasswatch.wire.media import decode_media, encode_media

LIMIT = 8 << 20
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Way:
    """How messages get smaller: by the payload's encoding, or by the producer."""

    name: str
    encode: Callable[[MediaMessage], bytes]
    compression: str | None = None


def raw(message: MediaMessage) -> bytes:
    """A message with the samples as they are."""
    assert isinstance(message.unit, FrameChunk)
    data = b"".join(plane.tobytes() for plane in message.unit.planes)
    wire = media_pb2.MediaMessage.FromString(encode_media(message, 0).value)
    wire.frames.payload.CopyFrom(media_pb2.Payload(encoding=media_pb2.PAYLOAD_ENCODING_RAW, data=data))
    return wire.SerializeToString()


WAYS = [
    Way("raw, no compression", raw),
    Way("raw, producer lz4", raw, "lz4"),
    Way("raw, producer zstd", raw, "zstd"),
    Way("line delta and zstd", lambda message: encode_media(message, LIMIT).value),
]


def broker_cpu(pid: int | None) -> float:
    """Processor seconds of the broker so far, 0 where its process is not known."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def produce(kafka: str, topic: str, way: Way, messages: list[MediaMessage]) -> float:
    """Publish all; processor seconds."""
    started = time.process_time()
    producer = KafkaProducer(
        bootstrap_servers=kafka,
        compression_type=way.compression,
        acks="all",
        max_request_size=LIMIT,
    )
    spent = time.process_time() - started
    prepared = [raw(message) for message in messages] if way.encode is raw else None
    started = time.process_time()
    for position, message in enumerate(messages):
        # What the bench itself needs to make a raw message is no part of the cost.
        value = prepared[position] if prepared is not None else way.encode(message)
        producer.send(topic, value, key=b"channel").get(60)
    spent += time.process_time() - started
    producer.close()
    return spent


async def consume(kafka: str, topic: str, count: int) -> float:
    """Read and decode all; processor seconds."""
    started = time.process_time()
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, auto_offset_reset="earliest", max_partition_fetch_bytes=LIMIT
    )
    await consumer.start()
    for _ in range(count):
        decode_media((await consumer.getone()).value)
    await consumer.stop()
    return time.process_time() - started


def stored_bytes(kafka: str, topic: str) -> int:
    """Size of the topic on the broker's disk."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        replicas = admin.describe_log_dirs()
    finally:
        admin.close()
    return sum(
        partition["partition_size"]
        for broker in replicas
        for folder in broker["log_dirs"]
        for described in folder["topics"]
        if described["name"] == topic
        for partition in described["partitions"]
    )


@click.command()
@click.argument("clip", type=click.Path(exists=True, path_type=Path))
@click.option("--kafka", envvar="GLASSWATCH_KAFKA", required=True, help="A broker that allows messages of 8 MiB.")
@click.option("--broker-pid", type=int, help="The broker's process, to measure its CPU.")
@click.option("--seconds", default=6.0, show_default=True)
def main(clip: Path, kafka: str, broker_pid: int | None, seconds: float) -> None:
    """Publish and consume CLIP in each way."""
    origin = headline(
        provenance("bench.wire_kafka", {str(clip): clip.name, str(broker_pid): "PID", kafka: "HOST:PORT"})
    )
    _, chunks, _ = read(clip, seconds)
    messages = [MediaMessage("channel", 0, "picture-270", position, chunk) for position, chunk in enumerate(chunks)]
    lines, columns = chunks[0].luma.shape[1:]
    media_s = sum(len(c) for c in chunks) * lines * columns / (LUMA_SAMPLES * FRAME_RATE)
    rows = []
    for way in WAYS:
        topic = f"bench.{uuid.uuid4().hex[:8]}"
        admin = KafkaAdminClient(bootstrap_servers=kafka)
        configs = {"max.message.bytes": str(LIMIT)}
        admin.create_topics(
            {topic: {"num_partitions": 1, "replication_factor": 1, "configs": configs}}, wait_for_metadata=True
        )
        before = broker_cpu(broker_pid)
        producer_s = produce(kafka, topic, way, messages)
        consumer_s = asyncio.run(consume(kafka, topic, len(messages)))
        broker_s = broker_cpu(broker_pid) - before
        size = stored_bytes(kafka, topic)
        admin.delete_topics([topic])
        admin.close()
        costs = [number(s / media_s * 1e3, 1) for s in (producer_s, consumer_s, broker_s)]
        rows.append([way.name, number(size / media_s / 1e6, 3), *costs])
    table = Table(
        f"{clip.name}: picture-270 through Kafka, one consumer",
        ("way", "MB/s", "producer ms/s", "consumer ms/s", "broker ms/s"),
        rows,
        "CPU per channel-second of 1080p25",
    )
    table.show(Console())
    print(table.markdown())
    print(origin)


if __name__ == "__main__":
    main()
