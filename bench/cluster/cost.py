"""What a second of media costs in each topology, on files that are worked off as fast as it goes."""

from __future__ import annotations

import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.cluster.deployment import DISTRIBUTED, FUSED, Deployment
from bench.cluster.measure import difference
from bench.speed.measure import run

EMBEDDED = "embedded"
FOUND_OR_NOT = (0, 1)
GLASSWATCH = (sys.executable, "-m", "glasswatch")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took.

    Attributes:
        topology: Which.
        channels: How many at once.
        media_s: Length of the media, over all channels.
        wall_s: Until all had been consumed.
        start_s: Processor seconds that the processes of the run took to start; not in `cpu_s`.
        cpu_s: Processor seconds by process.
        bytes: Written to each topic of Kafka.
    """

    topology: str
    channels: int
    media_s: float
    wall_s: float
    start_s: float
    cpu_s: dict[str, float]
    bytes: dict[str, float]

    @property
    def ours(self) -> float:
        """Processor seconds of our own processes for a second of media."""
        return sum(s for name, s in self.cpu_s.items() if name not in ("kafka", "redis")) / self.media_s

    def of(self, name: str) -> float:
        """Processor seconds of one process for a second of media."""
        return self.cpu_s.get(name, 0.0) / self.media_s


def inspect(title: Path, start: Path, media_s: float) -> Cost:
    """One inspection in one process; `start` is media so short that it costs nothing but the start."""
    command = [*GLASSWATCH, "inspect", "--quiet", "--threads", "1"]
    start_s = run([*command, str(start)], FOUND_OR_NOT).cpu_s
    found = run([*command, str(title)], FOUND_OR_NOT)
    return Cost(EMBEDDED, 1, media_s, found.wall_s, start_s, {"inspect": found.cpu_s - start_s}, {})


def channels(
    deployment: Deployment, topology: str, number: int, title: Path, start: Path, media_s: float, work: Path
) -> Cost:
    """So many channels at once; what services do in the meantime counts, idling included."""
    begin_s = _decoded(deployment, topology, number, start, work)
    deployment.wait_until_consumed()
    before, sizes, began = deployment.processor_times(), deployment.bus.sizes(), time.perf_counter()
    decoded_s = _decoded(deployment, topology, number, title, work)
    deployment.wait_until_consumed()
    wall_s = time.perf_counter() - began
    cpu_s = difference(deployment.processor_times(), before)
    cpu_s["decode" if topology == DISTRIBUTED else "channel"] = decoded_s - begin_s
    written = {name: size for name, size in difference(deployment.bus.sizes(), sizes).items() if size}
    return Cost(topology, number, number * media_s, wall_s, begin_s, cpu_s, written)


def idle(deployment: Deployment, seconds: float) -> dict[str, float]:
    """Share of a processor that each process takes while there is nothing to do."""
    before, began = deployment.processor_times(), time.perf_counter()
    time.sleep(seconds)
    elapsed = time.perf_counter() - began
    return {name: s / elapsed for name, s in difference(deployment.processor_times(), before).items()}


def _decoded(deployment: Deployment, topology: str, number: int, title: Path, work: Path) -> float:
    """Have a file decoded as so many new channels; the processor seconds of the processes that decode."""
    servers = ("--bootstrap", deployment.addresses["GLASSWATCH_KAFKA"])
    ids = [f"cost-{uuid.uuid4().hex[:10]}" for _ in range(number)]
    if topology == FUSED:
        commands = [[*GLASSWATCH, "channel", name, str(title), "--once", *servers] for name in ids]
    else:
        file = work / "cost.yaml"
        file.write_text(deployment.channels(dict.fromkeys(ids, str(title)), live=False), "utf-8")
        redis = ("--redis", deployment.addresses["GLASSWATCH_REDIS"])
        commands = [[*GLASSWATCH, "decode", "--channels", str(file), "--once", *servers, *redis]]
    with ThreadPoolExecutor(len(commands)) as pool:
        return sum(cost.cpu_s for cost in pool.map(run, commands))
