"""Live channels: how many are held in real time, and how long it takes until an operator sees a defect."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.cluster.deployment import Deployment
from bench.cluster.live import Feed, LiveSource
from bench.cluster.measure import Listener, settled_lag
from bench.cluster.title import PERIOD_S, Known

HELD_LAG_S = 2.0
READ_EVERY_S = 2.0
SETTLED_READINGS = 3
NEAR_S = 0.5
"""An event this close to a known defect is of it: positions count from the first unit, which may be sound."""


@dataclass(frozen=True, slots=True)
class Step:
    """So many channels for a while.

    Attributes:
        channels: How many.
        lag_s: How far the slowest of all was behind in the end.
        shed_s: Media that was left out.
        cpu: Processors taken, by process.
    """

    channels: int
    lag_s: float
    shed_s: float
    cpu: dict[str, float]

    @property
    def held(self) -> bool:
        """Whether all of it was worked on in real time."""
        return self.lag_s <= HELD_LAG_S and not self.shed_s


@dataclass(frozen=True, slots=True)
class Latencies:
    """From where defects qualified to their events in Redis.

    Attributes:
        by_defect: Seconds, by defect.
        expected: How many there were to be seen, by defect.
    """

    by_defect: dict[str, list[float]]
    expected: dict[str, int]

    @property
    def all(self) -> list[float]:
        """Of all defects."""
        return [seconds for some in self.by_defect.values() for seconds in some]


def hold(
    deployment: Deployment,
    topology: str,
    source: LiveSource,
    known: Sequence[Known],
    steps: Sequence[int],
    *,
    first_s: float,
    step_s: float,
) -> tuple[list[Step], Latencies]:
    """Watch more and more channels until they are not held; latencies are those of the first number.

    Args:
        deployment: Where.
        topology: How.
        source: Gives the channels.
        known: The defects in them.
        steps: Numbers of channels, rising.
        first_s: How long the first number is watched.
        step_s: How long each other number is watched.
    """
    feeds: dict[str, Feed] = {}
    found: list[Step] = []
    latencies = Latencies({}, {})
    with Listener(deployment.addresses["GLASSWATCH_REDIS"]) as listener:
        for number in steps:
            while len(feeds) < number:
                feeds[f"{topology}-{len(feeds) + 1}"] = source.feed()
            deployment.follow(topology, {name: feed.address for name, feed in feeds.items()})
            found.append(_watch(deployment, number, step_s if found else first_s))
            if len(found) == 1:
                told = [(at, event) for at, event in list(listener.seen.values()) if event["channel"] in feeds]
                latencies = measure_latencies(told, feeds, known, time.monotonic())
            if not found[-1].held:
                break
    deployment.unfollow()
    return found, latencies


def _watch(deployment: Deployment, number: int, seconds: float) -> Step:
    shed_s = deployment.load().shed_s
    before, began = deployment.processor_times(), time.monotonic()
    loads = []
    while time.monotonic() - began < seconds:
        time.sleep(READ_EVERY_S)
        loads.append(deployment.load())
    elapsed = time.monotonic() - began
    cpu = {name: (s - before.get(name, 0.0)) / elapsed for name, s in deployment.processor_times().items()}
    return Step(number, settled_lag(loads, SETTLED_READINGS), loads[-1].shed_s - shed_s, cpu)


def measure_latencies(
    told: Iterable[tuple[float, Mapping[str, object]]],
    feeds: Mapping[str, Feed],
    known: Sequence[Known],
    now: float,
    *,
    settle_s: float = 5.0,
) -> Latencies:
    """Match events to known defects.

    Args:
        told: When each event was first seen, and what it says.
        feeds: The channels by id.
        known: The defects of each period.
        now: Until when was listened.
        settle_s: Defects that qualified less than this before `now` are not expected yet.
    """
    told = list(told)
    found = Latencies({k.defect: [] for k in known}, dict.fromkeys((k.defect for k in known), 0))
    period_s = float(PERIOD_S)
    for name, feed in feeds.items():
        if feed.began is None:
            continue
        events = [
            (at, e["defect"], feed.join_s + float(str(e["position_s"]))) for at, e in told if e["channel"] == name
        ]
        for defect in known:
            turn = int(feed.join_s // period_s)
            while (due := feed.wall(defect.qualified_s + turn * period_s)) < now - settle_s:
                start_s = defect.start_s + turn * period_s
                turn += 1
                # One at the very beginning may have been cut into.
                if start_s < feed.join_s + NEAR_S:
                    continue
                found.expected[defect.defect] += 1
                seen = [at for at, d, where in events if d == defect.defect and abs(where - start_s) <= NEAR_S]
                if seen:
                    found.by_defect[defect.defect].append(min(seen) - due)
    return found
