from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from glasswatch.runtime.cluster.process import Process, start

SLEEPS = "print('here', flush=True); import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"

Run = Callable[[str], Process]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start Python programs, and wait for their first output."""
    processes = []

    def starting(program: str) -> Process:
        log = tmp_path / "log"
        process = start([sys.executable, "-c", program], os.environ, log)
        processes.append(process)
        deadline = time.monotonic() + 20
        while not log.read_text() and process.alive and time.monotonic() < deadline:
            time.sleep(0.01)
        return process

    yield starting
    for process in processes:
        process.stop(0)


def test_it_has_a_session_of_its_own_and_its_output_goes_to_the_log(run: Run, tmp_path: Path) -> None:
    process = run(SLEEPS)
    assert os.getsid(process.pid) == process.pid
    assert (tmp_path / "log").read_text() == "here\n"


def test_sigterm_stops_it(run: Run) -> None:
    process = run(SLEEPS)
    assert process.alive
    assert process.stop(20)
    assert not process.alive


def test_one_that_ignores_sigterm_is_killed(run: Run) -> None:
    process = run(DEAF)
    assert not process.stop(0.2)
    assert not process.alive


def test_stopping_one_that_ended_is_no_error(run: Run) -> None:
    process = run(SLEEPS)
    process.stop(20)
    assert process.stop(20)


@pytest.mark.parametrize("other", [{"started": 1}, {"boot": "another"}], ids=["started earlier", "other boot"])
def test_a_process_that_has_the_id_of_another_is_never_touched(run: Run, other: dict[str, object]) -> None:
    process = run(SLEEPS)
    gone = replace(process, **other)
    assert not gone.alive
    assert not gone.signal(signal.SIGKILL)
    assert gone.stop(0)
    assert gone.resident_bytes == 0
    assert process.alive


def test_one_that_ended_and_was_not_waited_for_is_not_alive(run: Run) -> None:
    process = run(SLEEPS)
    process.signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # It has ended, and is a zombie from here on.
    assert not process.alive
    assert process.exit_status() == -signal.SIGKILL


def test_the_exit_status_of_one_that_runs_is_not_known(run: Run) -> None:
    assert run(SLEEPS).exit_status() is None


def test_resident_memory_counts_children(run: Run) -> None:
    fat = "b = bytearray(50 << 20); import time; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {fat!r}]); {SLEEPS}"
    process = run(parent)
    deadline = time.monotonic() + 20
    while process.resident_bytes < 50 << 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.resident_bytes > 50 << 20
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        Process.of(int(child)).stop(0)


def test_there_is_no_process_to_know_by_an_id_that_nobody_has() -> None:
    with pytest.raises(ProcessLookupError):
        Process.of(2**22 + 1)  # Above the largest that Linux gives.
