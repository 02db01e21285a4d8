"""Processes die in the middle of a title; afterwards every event is there, once, as if nothing had happened.

`GLASSWATCH_FAULT_RUNS` is how many of the runs are made, each with another process and signal; all of them take about
ten minutes.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.e2e.deployment import Deployment, renamed, until

pytestmark = [pytest.mark.xdist_group("deployment"), pytest.mark.timeout(300)]

KILL, TERM = signal.SIGKILL, signal.SIGTERM
RUNS = [
    ("detect-black", KILL),
    ("aggregate", KILL),
    ("decode", KILL),
    ("kafka", KILL),
    ("redis", KILL),
    ("triton", KILL),
    ("detect-freeze", TERM),
    ("aggregate", TERM),
    ("decode", TERM),
    ("kafka", TERM),
    ("redis", TERM),
    ("triton", TERM),
    ("detect-silence", KILL),
    ("detect-dropout", KILL),
    ("detect-stream_error", TERM),
    ("aggregate", KILL),
    ("decode", KILL),
    ("kafka", KILL),
    ("redis", KILL),
    ("detect-loudness", KILL),
]
CHOSEN = RUNS[: int(os.environ.get("GLASSWATCH_FAULT_RUNS", "6"))]
WAIT_S = 120


@pytest.fixture(scope="session")
def long_title(title: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The damaged title six times over, without another encoding: long enough to be in the middle of."""
    target = tmp_path_factory.mktemp("long") / "long.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "5", "-i", title, "-c", "copy", target]
    subprocess.run(command, check=True)
    return target


@pytest.mark.parametrize(("victim", "number"), CHOSEN, ids=[f"{i}-{v}-{s.name}" for i, (v, s) in enumerate(CHOSEN)])
def test_every_event_is_there_once(
    deployment: Deployment, long_title: Path, victim: str, number: signal.Signals
) -> None:
    channel = deployment.follow(long_title)
    assert until(lambda: bool(deployment.events(channel)), WAIT_S), "nothing came of the title"
    deployment.strike(victim, number)
    before = deployment.events(channel) if victim != "redis" else []
    deployment.heal()
    expected = renamed(long_title, channel)
    assert before != expected, "the title was over before the process died"
    until(lambda: deployment.events(channel) == expected, WAIT_S)
    assert deployment.events(channel) == expected
    versions = deployment.versions(channel)
    doubled = [version for version, count in Counter(versions).items() if count > 1]
    assert not doubled
    deployment.forget(channel)
