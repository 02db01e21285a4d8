"""Measuring child processes: processor time, elapsed time, peak memory.

Linux counts the memory of the process that starts a child as the child's own until the child's program is loaded. So
what runs this must be small: no PyAV and no NumPy here.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, with the children that it waited for."""

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int


def run(command: Sequence[str], accept: Collection[int] = (0,)) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: It ended with a status that is not in `accept`; the text holds what it wrote last.
    """
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in accept:
        last = (said.strip().splitlines() or ["nothing"])[-1]
        raise RuntimeError(f"{command[0]} ended with {child.returncode}: {last}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def interleaved(
    commands: Mapping[str, Sequence[str]], rounds: int, accept: Collection[int] = (0,)
) -> dict[str, list[Cost]]:
    """A B C A B C ...: whatever else the machine does falls on all of them alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command, accept))
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(
        statistics.median(c.wall_s for c in costs),
        statistics.median(c.cpu_s for c in costs),
        int(statistics.median(c.peak_rss_bytes for c in costs)),
    )
