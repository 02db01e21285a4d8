"""The tables of a run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from bench.cluster.capacity import Latencies, Step
from bench.cluster.cost import EMBEDDED, Cost
from bench.cluster.deployment import DISTRIBUTED, FUSED
from bench.cluster.measure import percentile
from bench.tables import Table, number

SERVERS = ("kafka", "redis")


def ratios(costs: Sequence[Cost]) -> dict[str, float | None]:
    """Processor time of our processes for a channel, one topology over another."""
    by = {topology: [c.ours for c in costs if c.topology == topology] for topology in (EMBEDDED, FUSED, DISTRIBUTED)}
    most = {topology: max((c.channels for c in costs if c.topology == topology), default=0) for topology in by}
    many = {t: [c.ours for c in costs if c.topology == t and c.channels == most[t]] for t in (FUSED, DISTRIBUTED)}
    one = {t: [c.ours for c in costs if c.topology == t and c.channels == 1] for t in by}
    return {
        "fused/embedded, 1 channel": _ratio(one[FUSED], one[EMBEDDED]),
        "distributed/fused, 1 channel": _ratio(one[DISTRIBUTED], one[FUSED]),
        f"distributed/fused, {most[DISTRIBUTED]} channels": _ratio(many[DISTRIBUTED], many[FUSED]),
    }


def cost_table(costs: Sequence[Cost]) -> Table:
    """One row for each run."""
    rows = [
        [
            f"{cost.topology}, {cost.channels} channel{'s' if cost.channels > 1 else ''}",
            number(cost.ours, 4),
            number(cost.of("kafka"), 4),
            number(cost.of("redis"), 4),
            number(cost.start_s / cost.channels, 2),
            number(cost.media_s / cost.wall_s, 1),
        ]
        for cost in costs
    ]
    told = "; ".join(f"{name} {number(ratio)}" for name, ratio in ratios(costs).items())
    columns = ("topology", "CPU s per s", "Kafka", "Redis", "start, CPU s", "times real time")
    note = f"Processor seconds for a second of media of one channel, starts of processes apart. Our processes: {told}."
    return Table("Cost by topology", columns, rows, note)


def process_table(costs: Sequence[Cost], idle: Mapping[str, float]) -> Table:
    """One row for each process of the distributed topology and of the fused one."""
    chosen = [cost for cost in costs if cost.topology != EMBEDDED]
    names = dict.fromkeys(name for cost in chosen for name in sorted(cost.cpu_s))
    rows = [
        [
            name,
            *(number(1000 * cost.of(name), 1) if name in cost.cpu_s else "" for cost in chosen),
            number(1000 * idle[name], 1) if name in idle else "",
        ]
        for name in names
    ]
    columns = ("process", *(f"{cost.topology} {cost.channels}" for cost in chosen), "idle, ms per s of time")
    note = "A process that runs without work to do takes its idle cost all the same, however many channels it serves."
    return Table("Processor milliseconds for a second of media of one channel, by process", columns, rows, note)


def bytes_table(costs: Sequence[Cost], reads: Mapping[str, Sequence[str]]) -> Table:
    """What goes through each topic of Kafka for a second of one channel."""
    chosen = [cost for cost in costs if cost.topology == DISTRIBUTED][-1:]
    rows = []
    for cost in chosen:
        for name, size in sorted(cost.bytes.items(), key=lambda item: -item[1]):
            readers = sum(name in some for some in reads.values())
            rows.append([name, number(size / cost.media_s / 1000, 2), str(readers)])
        total = sum(cost.bytes.values()) / cost.media_s / 1000
        rows.append(["all", number(total, 2), ""])
    return Table("Written to Kafka for a second of one channel, distributed", ("topic", "kB", "groups that read"), rows)


def capacity_table(steps: Mapping[str, Sequence[Step]]) -> Table:
    """One row for each number of live channels."""
    rows = [
        [
            f"{topology}, {step.channels}",
            "yes" if step.held else "no",
            number(step.lag_s, 1),
            number(step.shed_s, 1),
            number(sum(cpu for name, cpu in step.cpu.items() if name not in SERVERS)),
            number(sum(cpu for name, cpu in step.cpu.items() if name in SERVERS)),
        ]
        for topology, some in steps.items()
        for step in some
    ]
    columns = ("topology, live channels", "held", "lag, s", "left out, s", "cores, ours", "cores, Kafka and Redis")
    note = "Most held: " + ", ".join(f"{topology} {_most_held(some)}" for topology, some in steps.items()) + "."
    return Table("Live channels in real time", columns, rows, note)


def latency_table(latencies: Mapping[str, Latencies], channels: int) -> Table:
    """One row for each topology and defect."""
    rows = []
    for topology, found in latencies.items():
        for name, some in [("all", found.all), *found.by_defect.items()]:
            expected = sum(found.expected.values()) if name == "all" else found.expected[name]
            figures = [statistics.median(some) if some else None, percentile(some, 95), max(some, default=None)]
            rows.append([f"{topology}, {name}", f"{len(some)}/{expected}", *(number(f) for f in figures)])
    note = f"{channels} live channels; from where a defect has lasted as long as its rule asks to its event in Redis."
    return Table("Seconds until a defect is known", ("topology", "seen", "p50", "p95", "max"), rows, note)


def _most_held(steps: Sequence[Step]) -> str:
    most = max((step.channels for step in steps if step.held), default=0)
    return f"{most} or more" if steps and steps[-1].held else str(most)


def _ratio(of: Sequence[float], to: Sequence[float]) -> float | None:
    return statistics.median(of) / statistics.median(to) if of and to else None
