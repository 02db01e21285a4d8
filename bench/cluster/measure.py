"""Processor time, metrics, bytes and events of services that run."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from glasswatch.wire import topics

EVENTS = "glasswatch:events"
TICKS = os.sysconf("SC_CLK_TCK")
_TIMEOUT_S = 10.0


def cpu_seconds(stat: str) -> float:
    """Processor seconds of a process and of the children that it waited for: fields 14 to 17 of /proc/PID/stat."""
    return sum(map(int, stat.rpartition(")")[2].split()[11:15])) / TICKS


def processor_times(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor seconds so far of processes by name."""
    return {name: cpu_seconds(Path(f"/proc/{pid}/stat").read_text("utf-8")) for name, pid in pids.items()}


def difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    """What has been added, by name."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Linear between the nearest two values; None without any."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


Metrics = dict[str, list[float]]
"""Values by the metric's name, one for each set of labels."""


def metrics(address: str) -> Metrics:
    """What a service says of itself."""
    no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with no_proxy.open(f"{address}/metrics", timeout=_TIMEOUT_S) as answer:
        return parse_metrics(answer.read().decode())


def parse_metrics(text: str) -> Metrics:
    """Values in Prometheus's text format."""
    found: Metrics = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name].append(sample.value)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Load:
    """How far a topology is behind.

    Attributes:
        lag_s: The largest lag of any decoder or worker.
        shed_s: Media left out so far, over all.
    """

    lag_s: float
    shed_s: float

    @classmethod
    def of(cls, told: Iterable[Metrics]) -> Load:
        """From what services say of themselves."""
        lag_s = shed_s = 0.0
        for values in told:
            for name in ("glasswatch_decoder_lag_seconds", "glasswatch_worker_lag_seconds"):
                lag_s = max([lag_s, *values.get(name, [])])
            shed_s += sum(values.get("glasswatch_shed_media_seconds_total", []))
        return cls(lag_s, shed_s)


def settled_lag(loads: Sequence[Load], last: int) -> float:
    """Median of the last readings: a start or a checkpoint that takes a moment is no backlog."""
    return statistics.median(load.lag_s for load in loads[-last:])


class Bus:
    """What lies on Kafka, and who has read it."""

    def __init__(self, address: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=address)

    def close(self) -> None:
        """Let go of the broker."""
        self._admin.close()

    def sizes(self) -> dict[str, float]:
        """Bytes of each topic of glasswatch."""
        found: Counter[str] = Counter()
        for broker in self._admin.describe_log_dirs():
            for folder in broker["log_dirs"]:
                for topic in folder["topics"]:
                    if topic["name"].startswith(topics.PREFIX):
                        found[topic["name"]] += sum(p["partition_size"] for p in topic["partitions"])
        return dict(found)

    def unread(self, reads: Mapping[str, Sequence[str]]) -> int:
        """How many messages consumer groups have not acknowledged; `reads` says which topics each group reads."""
        names = sorted({name for some in reads.values() for name in some})
        partitions = [
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in self._admin.describe_topics(names)
            for partition in topic["partitions"]
        ]
        ends = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        done = self._admin.list_group_offsets(list(reads))
        return sum(
            end.offset - max(done[group][partition].offset if partition in done.get(group, {}) else 0, 0)
            for group, some in reads.items()
            for partition, end in ends.items()
            if partition.topic in some
        )


class Listener:
    """Hears of events in Redis as a user does, and notes when each was first seen.

    Attributes:
        seen: By the event's id: when, by `time.monotonic`, and what was told.
    """

    def __init__(self, address: str) -> None:
        self.seen: dict[str, tuple[float, dict[str, Any]]] = {}
        self._client = Redis.from_url(address)
        self._pubsub = self._client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.subscribe(EVENTS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._pubsub.close()
        self._client.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            message = self._pubsub.get_message(timeout=0.2)
            if message is not None:
                event = json.loads(message["data"])
                self.seen.setdefault(event["id"], (time.monotonic(), event))
