"""A glasswatch of its own for the bench: servers, topics, and the services of one topology at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.cluster.measure import Bus, Load, metrics, processor_times
from glasswatch.adapters.kafka_topics import kafka_topics
from glasswatch.detectors.registry import registered
from glasswatch.runtime import topics as declaration
from glasswatch.runtime.cluster import Cluster, Kafka, Redis, Service
from glasswatch.runtime.cluster.services import DECODE, counts, services
from glasswatch.wire import topics

FUSED, DISTRIBUTED = "fused", "distributed"
CONSUMED_S = 120.0
KEPT_MS = 3_600_000
"""Media stay for the length of the run, so that what was written can be told from the size of the logs."""

GRACE_S = 20.0


class Deployment:
    """Kafka, Redis and the aggregator; detectors and decoders come and go.

    Attributes:
        addresses: Of the servers, by the variable that services read.
        bus: What lies on Kafka.
    """

    def __init__(self, folder: Path) -> None:
        self._cluster = Cluster(folder / "cluster", given={})
        self._channels = folder / "channels.yaml"
        self._running: dict[str, str] = {}

    def __enter__(self) -> Self:
        servers = (Redis(), Kafka())
        try:
            found = self._cluster.up(servers)
            self.addresses = {server.variable: found[server.name] for server in servers}
            kafka = self.addresses[Kafka.variable]
            wanted = declaration.declare(
                (cls.spec for cls in registered().values()), declaration.TopicOptions(media_retention_ms=KEPT_MS)
            )
            with kafka_topics(kafka) as admin:
                declaration.apply(declaration.plan(wanted, admin.topics()), admin)
            self.bus = Bus(kafka)
            self._workers = services(self.addresses, counts(None))[:-1]
            self.start(self._workers[:1])
        except BaseException:
            self._cluster.down()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bus.close()
        self._cluster.down()

    @property
    def reads(self) -> dict[str, list[str]]:
        """Which topics each consumer group that runs reads."""
        found = {topics.AGGREGATOR_GROUP: [topics.detections(name) for name in registered()]}
        for name, cls in registered().items():
            if f"detect-{name}" in self._running:
                found[topics.detector_group(name)] = sorted({topics.media(n.rendition) for n in cls.spec.needs})
        return found

    def start(self, wanted: Sequence[Service]) -> None:
        """Start services, and wait until they are ready."""
        self._running |= self._cluster.up(wanted)

    def start_detectors(self) -> None:
        """One process of every detector."""
        self.start(self._workers[1:])

    def stop(self, names: Iterable[str]) -> None:
        """Stop services."""
        for name in list(names):
            process = self._cluster.process(name)
            if process is not None:
                process.stop(GRACE_S)
            self._running.pop(name, None)

    def follow(self, topology: str, channels: Mapping[str, str]) -> None:
        """Have live channels, locations by id, watched; those that are watched already go on."""
        if topology == FUSED:
            found = [
                Service(f"channel-{n}", ("channel", n, at, "--live"), self.addresses) for n, at in channels.items()
            ]
            self.start(found)
            return
        self._channels.write_text(self.channels(channels, live=True), "utf-8")
        self.start([Service(DECODE, (DECODE, "--channels", str(self._channels)), self.addresses)])

    def unfollow(self) -> None:
        """Watch no live channel any longer, and wait until what was published is worked off."""
        self.stop(name for name in self._running if name == DECODE or name.startswith("channel-"))
        self.wait_until_consumed()

    def stop_services(self) -> None:
        """Leave the servers only."""
        self.stop(self._running)

    @staticmethod
    def channels(locations: Mapping[str, str], *, live: bool) -> str:
        """A file of channels; JSON is YAML."""
        return json.dumps({"channels": {name: {"location": at, "live": live} for name, at in locations.items()}})

    def processor_times(self) -> dict[str, float]:
        """Processor seconds so far of servers and services."""
        pids = {name: p.pid for name in ("kafka", "redis", *self._running) if (p := self._cluster.process(name))}
        return processor_times(pids)

    def load(self) -> Load:
        """How far the services are behind."""
        return Load.of(metrics(address) for address in self._running.values())

    def wait_until_consumed(self) -> None:
        """Wait until every consumer has acknowledged all.

        Raises:
            TimeoutError: They do not get there.
        """
        until = time.monotonic() + CONSUMED_S
        while unread := self.bus.unread(self.reads):
            if time.monotonic() > until:
                raise TimeoutError(f"{unread} messages are not worked off after {CONSUMED_S:.0f} s")
            time.sleep(0.5)
