"""Services as processes: a small program stands for `glasswatch`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from glasswatch.config.profile import enabled_by_default
from glasswatch.core.errors import UsageError
from glasswatch.runtime.cluster import Cluster, ClusterError, Service, State
from glasswatch.runtime.cluster.services import counts, services
from glasswatch.telemetry.health import HOST_VARIABLE
from tests.integration.cluster.echo_server import EchoServer

PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from glasswatch.telemetry.health import HealthServer

*arguments, option, port = sys.argv[1:]
assert option == "--health-port"
trouble = Path(os.environ["TEST_TROUBLE"])
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(float(os.environ.get("TEST_SLOW", 0))), sys.exit(0)))
with HealthServer(int(port), lambda: None, lambda: trouble.read_text() if trouble.exists() else None):
    print(*arguments, os.environ["GLASSWATCH_HEALTH_HOST"], flush=True)
    while True:
        signal.pause()
"""


def service(folder: Path, name: str = "detect-black", **environment: str) -> Service:
    servers = {"TEST_TROUBLE": str(folder / f"{name}.trouble"), **environment}
    return Service(name, ("detect", "black"), servers, program=(sys.executable, "-c", PROGRAM))


def test_a_service_is_started_with_its_arguments_and_answers_on_loopback(
    own_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HOST_VARIABLE, "192.0.2.1")
    black = service(tmp_path)
    address = own_cluster.up([black])["detect-black"]
    assert address.startswith("http://127.0.0.1:")
    assert own_cluster.log("detect-black").read_text() == "detect black 127.0.0.1\n"
    assert own_cluster.status([black])[0].state is State.HEALTHY


def test_up_waits_until_it_is_ready_and_status_gives_its_own_reason(own_cluster: Cluster, tmp_path: Path) -> None:
    black = service(tmp_path)
    own_cluster.up([black])
    (tmp_path / "detect-black.trouble").write_text("Redis does not answer")
    [status] = own_cluster.status([Service("detect-black", (), {})])
    assert (status.state, status.reason) == (State.UNHEALTHY, "Redis does not answer")


def test_one_that_was_killed_is_seen_and_comes_back(own_cluster: Cluster, tmp_path: Path) -> None:
    black = service(tmp_path)
    address = own_cluster.up([black])
    process = own_cluster.process("detect-black")
    assert process is not None
    process.kill()
    assert own_cluster.services() == ["detect-black"]
    assert own_cluster.status([black])[0].state is State.STOPPED
    assert own_cluster.up([black]) == address


def test_it_must_work_on_the_same_servers(own_cluster: Cluster, tmp_path: Path) -> None:
    own_cluster.up([service(tmp_path, GLASSWATCH_KAFKA="a:1")])
    with pytest.raises(ClusterError, match="detect-black runs with other settings"):
        own_cluster.up([service(tmp_path, GLASSWATCH_KAFKA="b:1")])


def test_down_stops_services_at_once_before_servers_and_forgets_them(own_cluster: Cluster, tmp_path: Path) -> None:
    names = ["detect-a", "detect-b", "detect-c"]
    own_cluster.up([EchoServer()])
    own_cluster.up([service(tmp_path, name, TEST_SLOW="1") for name in names])
    assert own_cluster.services() == names
    started = time.monotonic()
    ends = own_cluster.down()
    assert time.monotonic() - started < 2.5
    assert list(ends)[-1] == "echo"
    assert ends == dict.fromkeys([*names, "echo"], True)
    assert own_cluster.services() == []


def test_one_that_ends_is_one_line_and_the_others_are_stopped(own_cluster: Cluster, tmp_path: Path) -> None:
    bad = replace(service(tmp_path, "bad"), program=(sys.executable, "-c", "print('no such channel'); exit(2)"))
    good = service(tmp_path, "good")
    with pytest.raises(ClusterError, match=r"^bad ended with status 2 .* is: no such channel$"):
        own_cluster.up([good, bad])
    assert own_cluster.status([good])[0].state is State.STOPPED


def test_there_is_a_service_for_every_detector_that_is_on_by_default() -> None:
    servers = {"GLASSWATCH_KAFKA": "k:1"}
    found = services(servers, counts(None))
    assert [each.name for each in found] == [
        "aggregate",
        *(f"detect-{name}" for name in enabled_by_default()),
        "decode",
    ]
    assert all(each.settings["GLASSWATCH_KAFKA"] == "k:1" for each in found)


def test_detectors_and_processes_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = services({}, counts("freeze, black=2"), Path("channels.yaml"))
    assert [(each.name, *each.arguments) for each in found] == [
        ("aggregate", "aggregate"),
        ("detect-freeze", "detect", "freeze"),
        ("detect-black", "detect", "black"),
        ("detect-black-2", "detect", "black"),
        ("decode", "decode", "--channels", str(tmp_path / "channels.yaml"), "--detectors", "freeze,black"),
    ]


@pytest.mark.parametrize("chosen", ["", "no", "black,", "black=", "black=x", "black=-1", "black=13"])
def test_choices_that_are_none_are_errors(chosen: str) -> None:
    with pytest.raises(UsageError):
        counts(chosen)
