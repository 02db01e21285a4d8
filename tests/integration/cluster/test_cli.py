from __future__ import annotations

import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from glasswatch.cli.cluster import cluster
from glasswatch.core.errors import GlasswatchError, UsageError
from glasswatch.runtime.cluster import Cluster
from tests.servers import Addresses


@pytest.fixture
def with_own_redis(servers: Addresses, monkeypatch: pytest.MonkeyPatch) -> Addresses:
    """Kafka and Triton are given; Redis, which starts in no time, is the command's own."""
    monkeypatch.setenv("GLASSWATCH_KAFKA", servers.kafka)
    monkeypatch.setenv("GLASSWATCH_TRITON", servers.triton)
    monkeypatch.delenv("GLASSWATCH_REDIS", raising=False)
    return servers


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cluster, [str(argument) for argument in arguments], standalone_mode=False)


def test_up_status_down(with_own_redis: Addresses, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    try:
        up = run("up", "--servers-only", "--dir", folder)
        assert up.exception is None
        lines = dict(line.split() for line in up.stdout.splitlines())
        assert lines == {
            "redis": lines["redis"],
            "kafka": with_own_redis.kafka,
            "triton": with_own_redis.triton,
        }
        assert "redis: starting" in up.stderr

        export = run("up", "--servers-only", "--dir", folder, "--export")
        assert export.stdout.splitlines() == [
            f"export GLASSWATCH_REDIS={lines['redis']}",
            f"export GLASSWATCH_KAFKA={with_own_redis.kafka}",
            f"export GLASSWATCH_TRITON={with_own_redis.triton}",
        ]

        status = run("status", "--dir", folder)
        assert status.return_value == 0
        assert [line.split()[:3] for line in status.stdout.splitlines()] == [
            ["redis", "healthy", lines["redis"]],
            ["kafka", "healthy", with_own_redis.kafka],
            ["triton", "healthy", with_own_redis.triton],
        ]
        assert f"log {folder / 'redis' / 'log'}" in status.stdout
    finally:
        down = run("down", "--dir", folder)
    assert down.stdout.split() == ["redis", "stopped"]

    status = run("status", "--dir", folder)
    assert status.return_value == 1
    assert status.stdout.splitlines()[0].split() == ["redis", "stopped", lines["redis"]]


def test_services_come_up_on_topics_that_up_creates_and_go_down_first(
    triton_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka is the command's own, for on one that is given it would create no topics."""
    monkeypatch.setenv("GLASSWATCH_TRITON", triton_address)
    monkeypatch.delenv("GLASSWATCH_REDIS", raising=False)
    monkeypatch.delenv("GLASSWATCH_KAFKA", raising=False)
    folder = tmp_path / "cluster"
    services = ["aggregate", "decode", "detect-black", "detect-black-2"]
    try:
        up = run("up", "--dir", folder, "--detectors", "black=2")
        assert up.exception is None, up.stderr
        lines = dict(line.split() for line in up.stdout.splitlines())
        assert set(lines) == {"redis", "kafka", "triton", *services}

        status = run("status", "--dir", folder)
        assert status.return_value == 0, status.stdout
        assert [line.split()[0] for line in status.stdout.splitlines()] == ["redis", "kafka", "triton", *services]
        with urllib.request.urlopen(f"{lines['detect-black']}/metrics", timeout=5) as reply:
            assert b"glasswatch_worker_channels" in reply.read()

        process = Cluster(folder).process("detect-black")
        assert process is not None
        process.kill()
        assert run("status", "--dir", folder).return_value == 1
        again = run("up", "--dir", folder, "--detectors", "black=2")
        assert again.stdout == up.stdout
    finally:
        down = run("down", "--dir", folder)
    ends = dict(line.split() for line in down.stdout.splitlines())
    assert ends == dict.fromkeys([*services, "kafka", "redis"], "stopped")
    assert list(ends)[-2:] == ["kafka", "redis"]
    assert len(run("status", "--dir", folder).stdout.splitlines()) == 3


def test_down_without_up_is_no_error(tmp_path: Path) -> None:
    down = run("down", "--dir", tmp_path / "cluster")
    assert down.exception is None
    assert down.stdout == ""


def test_errors_are_the_users_to_mend(
    tmp_path: Path, with_own_redis: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLASSWATCH_TRITON")
    up = run("up", "--dir", tmp_path / "cluster", "--models", tmp_path / "nowhere")
    assert isinstance(up.exception, GlasswatchError)
    assert "--models" in str(up.exception)
    assert run("status", "--dir", tmp_path / "cluster").stdout.split()[:2] == ["redis", "stopped"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--detectors", "blakc"], "no detector 'blakc'.*black"),
        (["--detectors", "black=0"], "1 to 12 processes"),
        (["--servers-only", "--detectors", "black"], "starts no services"),
    ],
)
def test_what_makes_no_sense_starts_nothing(tmp_path: Path, arguments: list[str], reason: str) -> None:
    up = run("up", "--dir", tmp_path / "cluster", *arguments)
    assert isinstance(up.exception, UsageError)
    assert re.search(reason, str(up.exception))
    assert not (tmp_path / "cluster").exists()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours: list[Any] = [name for name in sys.modules if name.startswith("glasswatch.runtime.cluster")]
    for name in ours:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kafka", None)
    status = run("status", "--dir", tmp_path)
    assert isinstance(status.exception, UsageError)
    assert "glasswatch[cluster]" in str(status.exception)
