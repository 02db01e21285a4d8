"""Topics of a Kafka cluster, through kafka-python's admin client; needs the extra `cluster`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from glasswatch.adapters.kafka_errors import refusals
from glasswatch.ports.topics import Topic

REACH_MS = 10_000
TIMEOUT_MS = 30_000


class KafkaTopics:
    """Implements `glasswatch.ports.topics.TopicAdmin`; every method raises BrokerError where the broker refuses."""

    def __init__(self, client: KafkaAdminClient) -> None:
        self._client = client

    def topics(self) -> list[Topic]:
        """Every topic but Kafka's internal ones, with all its settings."""
        with refusals("list topics"):
            found = {t["name"]: t["partitions"] for t in self._client.describe_topics() if not t["is_internal"]}
            resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
            answer = self._client.describe_configs(resources, config_filter="all") if resources else {}
        settings = answer.get("topic", {})
        return [
            Topic(
                name,
                len(partitions),
                min(len(partition["replica_nodes"]) for partition in partitions),
                {key: entry["value"] for key, entry in settings.get(name, {}).items()},
            )
            for name, partitions in found.items()
        ]

    def create(self, wanted: Sequence[Topic]) -> None:
        """Make topics, and wait until every partition has a leader."""
        new = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replication,
                "configs": dict(topic.config),
            }
            for topic in wanted
        }
        with refusals("create topics"):
            self._client.create_topics(new, timeout_ms=TIMEOUT_MS, wait_for_metadata=True)

    def raise_partitions(self, counts: Mapping[str, int]) -> None:
        """Give topics so many partitions."""
        with refusals("add partitions"):
            self._client.create_partitions(dict(counts), timeout_ms=TIMEOUT_MS)

    def configure(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Change settings, and leave others as they are."""
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, dict(s)) for name, s in settings.items()]
        with refusals("change topics"):
            self._client.alter_configs(resources)


@contextmanager
def kafka_topics(bootstrap: str) -> Iterator[KafkaTopics]:
    """The topics of the cluster that is found by `bootstrap`, a comma-separated list of host:port.

    Raises:
        BrokerError: No broker can be reached there.
    """
    with refusals(f"reach Kafka at {bootstrap}"):
        client = KafkaAdminClient(
            bootstrap_servers=bootstrap.split(","), client_id="glasswatch-topics", bootstrap_timeout_ms=REACH_MS
        )
    try:
        yield KafkaTopics(client)
    finally:
        client.close()
