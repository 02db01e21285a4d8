"""Apache Kafka: one JVM that is broker and controller (KRaft), from the jars of locks/kafka.jars."""

from __future__ import annotations

import base64
import subprocess
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from glasswatch.runtime.cluster.downloads import LOCKS, jars
from glasswatch.runtime.cluster.java import java
from glasswatch.runtime.cluster.server import LOOPBACK, ClusterError, Launch, Unhealthy, check_connection, free_port

HEALTH_TOPIC = "glasswatch.cluster.health"
"""Where `check` writes and reads one message; on brokers of the local cluster only."""

MESSAGE_LIMIT_BYTES = 8 << 20
"""Largest message that the broker lets a topic allow."""

_JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    # On a few cores the second compiler takes more than it gives in a session of development or tests.
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
_FORMAT_TIMEOUT_S = 60
_CLIENT_TIMEOUT_MS = 5000

# One of each: a single broker cannot keep replicas. Nothing creates topics by itself, as in production. A broker that
# was killed may register again only when its session has run out: with Kafka's 9 s it was back after 15 s, with 3 s
# after 8 s. It shares a process with its controller, so that it is not taken for dead when the machine is busy.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
message.max.bytes={message_limit}
log.cleaner.dedupe.buffer.size=16777216
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A broker on loopback, without TLS or authentication."""

    port: int | None = None
    name = "kafka"
    variable = "GLASSWATCH_KAFKA"
    settings = MappingProxyType[str, str]({})

    def launch(self, folder: Path, port: int) -> Launch:
        """Fetch the jars, write server.properties, and format the storage of a new data folder."""
        program, classpath = java(), f"{jars(LOCKS / 'kafka.jars')}/*"
        properties, data = folder / "server.properties", folder / "data"
        properties.write_text(
            _PROPERTIES.format(
                host=LOOPBACK,
                port=port,
                controller_port=free_port(),
                data=data,
                message_limit=MESSAGE_LIMIT_BYTES,
            ),
            encoding="utf-8",
        )
        if not (data / "meta.properties").exists():
            _format(program, classpath, properties)
        return Launch((program, *_JVM, "-cp", classpath, "kafka.Kafka", str(properties)), f"{LOOPBACK}:{port}")

    def check(self, address: str, *, given: bool) -> None:
        """Read the cluster's metadata; on a broker of ours also write a message and read it back."""
        # The client reports every refused connection in its log; a broker that is still starting is no news.
        check_connection(address)
        try:
            with closing(KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=_CLIENT_TIMEOUT_MS)) as admin:
                topics = admin.list_topics()
                if not given:
                    if HEALTH_TOPIC not in topics:
                        _create_health_topic(admin)
                    _round_trip(address)
        except KafkaError as error:
            raise Unhealthy(f"{type(error).__name__}: {error}") from error


def _format(program: str, classpath: str, properties: Path) -> None:
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    # One in 64 ids begins with "-": only after "=" it is not taken for an option.
    identity = f"--cluster-id={cluster_id}"
    tool = ("kafka.tools.StorageTool", "format", "--standalone", identity, "-c", str(properties))
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            (program, *_JVM, "-cp", classpath, *tool),
            capture_output=True,
            text=True,
            check=False,
            timeout=_FORMAT_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"cannot format Kafka's storage: {error}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it gave no reason"]
        raise ClusterError(f"cannot format Kafka's storage: {lines[-1]}")


def _create_health_topic(admin: KafkaAdminClient) -> None:
    with suppress(TopicAlreadyExistsError):  # Another check was faster.
        admin.create_topics([NewTopic(HEALTH_TOPIC, 1, 1, topic_configs={"retention.ms": "60000"})])


def _round_trip(address: str) -> None:
    sent = uuid.uuid4().bytes
    limits = {"request_timeout_ms": _CLIENT_TIMEOUT_MS, "max_block_ms": _CLIENT_TIMEOUT_MS}
    with closing(KafkaProducer(bootstrap_servers=address, acks="all", **limits)) as producer:
        written = producer.send(HEALTH_TOPIC, sent).get(_CLIENT_TIMEOUT_MS / 1000)
    with closing(KafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)) as consumer:
        partition = TopicPartition(HEALTH_TOPIC, 0)
        consumer.assign([partition])
        consumer.seek(partition, written.offset)
        records = consumer.poll(_CLIENT_TIMEOUT_MS, max_records=1).get(partition, [])
    if [record.value for record in records] != [sent]:
        raise Unhealthy("a message that was written could not be read back")
