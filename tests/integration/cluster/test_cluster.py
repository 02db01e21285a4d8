from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glasswatch.runtime.cluster import Cluster, ClusterError, State
from glasswatch.runtime.cluster import cluster as module
from glasswatch.runtime.cluster.server import free_port, is_free
from tests.integration.cluster.echo_server import ENDS_AT_ONCE, NEVER_HEALTHY, EchoServer, answer

ECHO = EchoServer()


def kill(cluster: Cluster, name: str) -> None:
    process = cluster.process(name)
    assert process is not None
    process.kill()


def test_up_starts_what_does_not_run_and_nothing_else(own_cluster: Cluster) -> None:
    first = own_cluster.up([ECHO])
    pid = answer(first["echo"])
    both = own_cluster.up([ECHO, EchoServer("other")])
    assert both["echo"] == first["echo"]
    assert answer(both["echo"]) == pid
    assert answer(both["other"]) not in (pid, None)


def test_another_cluster_of_the_same_folder_knows_what_runs(own_cluster: Cluster) -> None:
    address = own_cluster.up([ECHO])["echo"]
    again = Cluster(own_cluster.folder, given={})
    [status] = again.status([ECHO])
    assert (status.state, status.address, status.pid) == (State.HEALTHY, address, answer(address))
    assert status.resident_bytes > 1 << 20
    assert again.down() == {"echo": True}
    [status] = own_cluster.status([ECHO])
    assert (status.state, status.address, status.pid) == (State.STOPPED, address, None)


def test_many_ups_at_once_start_one_process(own_cluster: Cluster) -> None:
    heard: list[str] = []

    def up(_: int) -> int | None:
        return answer(Cluster(own_cluster.folder, given={}, tell=heard.append).up([ECHO])["echo"])

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(up, range(4)))) == 1
    assert sum("starting" in message for message in heard) == 1
    assert any("waiting for another command" in message for message in heard)


def test_one_that_was_killed_comes_back_at_its_address_with_its_data(own_cluster: Cluster) -> None:
    address = own_cluster.up([ECHO])["echo"]
    data = own_cluster.folder / "echo" / "data" / "file"
    data.touch()
    pid = answer(address)
    kill(own_cluster, "echo")
    assert own_cluster.status([ECHO])[0].state is State.STOPPED
    assert own_cluster.up([ECHO])["echo"] == address
    assert answer(address) not in (pid, None)
    assert data.exists()
    assert own_cluster.log("echo").read_text() == (own_cluster.folder / "echo" / "log.1").read_text() == "serving\n"


def test_a_port_can_be_asked_for(own_cluster: Cluster) -> None:
    port = free_port()
    assert own_cluster.up([EchoServer(port=port)]) == {"echo": f"127.0.0.1:{port}"}
    assert not is_free(port)
    with pytest.raises(ClusterError, match=f"other cannot have port {port}"):
        own_cluster.up([EchoServer("other", port=port)])


@pytest.mark.parametrize(
    "other",
    [EchoServer(port=1, settings={"models": "a"}), EchoServer(settings={"models": "b"})],
    ids=["port", "settings"],
)
def test_one_that_runs_with_other_settings_is_not_taken_for_it(own_cluster: Cluster, other: EchoServer) -> None:
    address = own_cluster.up([EchoServer(settings={"models": "a"})])["echo"]
    with pytest.raises(ClusterError, match="echo runs with other settings"):
        own_cluster.up([other])
    assert answer(address)


def test_a_given_address_is_used_and_nothing_started(own_cluster: Cluster, tmp_path: Path) -> None:
    address = own_cluster.up([ECHO])["echo"]
    user = Cluster(tmp_path / "user", given={"TEST_ECHO": address})
    assert user.up([ECHO]) == {"echo": address}
    [status] = user.status([ECHO])
    assert (status.state, status.pid, status.log) == (State.HEALTHY, None, None)
    assert user.down() == {}
    assert answer(address)


def test_a_given_address_that_does_not_answer_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GIVEN_TIMEOUT_S", 0.2)
    address = f"127.0.0.1:{free_port()}"
    cluster = Cluster(tmp_path, given={"TEST_ECHO": address})
    with pytest.raises(ClusterError, match=rf"echo at {address} \(TEST_ECHO\) does not answer"):
        cluster.up([ECHO])
    [status] = cluster.status([ECHO])
    assert status.state is State.UNHEALTHY
    assert status.reason is not None


def test_a_given_address_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="'somewhere' is not an address"):
        Cluster(tmp_path, given={"TEST_ECHO": "somewhere"}).up([ECHO])


def test_one_that_ends_is_one_line_with_its_status_and_last_words(own_cluster: Cluster) -> None:
    with pytest.raises(ClusterError) as error:
        own_cluster.up([EchoServer(program=ENDS_AT_ONCE)])
    log = own_cluster.log("echo")
    assert (
        str(error.value) == f"echo ended with status 3 instead of starting; the last line of {log} is: no room on disk"
    )


def test_one_that_never_gets_healthy_is_stopped_with_all_that_was_started_beside_it(
    own_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "START_TIMEOUT_S", 1.0)
    before = own_cluster.up([EchoServer("before")])["before"]
    with pytest.raises(ClusterError, match=r"echo is not healthy after 1 s: cannot connect.*is: thinking"):
        own_cluster.up([EchoServer("before"), EchoServer("beside"), EchoServer(program=NEVER_HEALTHY)])
    states = [status.state for status in own_cluster.status([EchoServer("before"), EchoServer("beside"), ECHO])]
    assert states == [State.HEALTHY, State.STOPPED, State.STOPPED]
    assert answer(before)


def test_a_program_that_is_not_there_is_one_line(own_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(ClusterError, match="cannot run /nowhere/python: No such file"):
        own_cluster.up([ECHO])


def test_down_stops_the_last_started_first(own_cluster: Cluster) -> None:
    names = ["b", "a", "c"]
    for name in names:
        own_cluster.up([EchoServer(name)])
    assert list(own_cluster.down()) == names[::-1]
    assert own_cluster.down() == {}


def test_a_process_that_took_over_the_id_survives_down(own_cluster: Cluster) -> None:
    address = own_cluster.up([ECHO])["echo"]
    process = own_cluster.process("echo")
    assert process is not None
    record = own_cluster.folder / "echo" / "process.json"
    ours = record.read_text()
    record.write_text(ours.replace(f'"started": {process.started}', f'"started": {process.started - 1}'))
    assert own_cluster.status([ECHO])[0].state is State.STOPPED
    assert own_cluster.down() == {}
    assert answer(address) == process.pid
    record.write_text(ours)


def test_shared_memory_that_a_killed_server_left_is_removed(own_cluster: Cluster) -> None:
    prefix = f"glasswatch_test_{os.getpid()}_"
    mine, other = Path(f"/dev/shm/{prefix}1"), Path(f"/dev/shm/glasswatch_test-{os.getpid()}_1")
    server = EchoServer(shared_memory=prefix)
    try:
        for again in (own_cluster.down, lambda: own_cluster.up([server])):
            own_cluster.up([server])
            mine.touch()
            other.touch()
            kill(own_cluster, "echo")
            again()
            assert not mine.exists()
            assert other.exists()
    finally:
        mine.unlink(missing_ok=True)
        other.unlink(missing_ok=True)


def test_a_damaged_record_is_one_line(own_cluster: Cluster) -> None:
    own_cluster.up([ECHO])
    record = own_cluster.folder / "echo" / "process.json"
    ours = record.read_text()
    record.write_text(ours[:-10])
    with pytest.raises(ClusterError, match="is damaged"):
        own_cluster.status([ECHO])
    record.write_text(ours)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClusterError, match="cannot write"):
        Cluster(tmp_path / "file" / "cluster", given={}).up([ECHO])
