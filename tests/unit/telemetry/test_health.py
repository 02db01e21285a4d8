import logging
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest

from glasswatch.core.errors import UsageError
from glasswatch.telemetry.health import HOST_VARIABLE, HealthServer
from glasswatch.telemetry.metrics import WORKER_MESSAGES


class Service:
    """A service whose state a test sets."""

    def __init__(self):
        self.broken = None
        self.busy = "starting"

    def serve(self):
        return HealthServer(0, lambda: self.broken, lambda: self.busy, host="127.0.0.1")


def get(server, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_alive_and_ready_are_told_apart():
    service = Service()
    with service.serve() as server:
        assert get(server, "/healthz") == (200, "ok\n")
        assert get(server, "/readyz") == (503, "starting\n")
        service.busy, service.broken = None, "no progress for 60 s"
        assert get(server, "/readyz") == (200, "ok\n")
        assert get(server, "/healthz") == (503, "no progress for 60 s\n")


def test_a_check_that_fails_is_not_well(caplog):
    def live():
        raise KeyError("x")

    with HealthServer(0, live, lambda: None, host="127.0.0.1") as server:
        status, text = get(server, "/healthz")
    assert status == 503
    assert "KeyError" in text
    assert "a health check failed" in caplog.text


def test_metrics_are_those_of_the_registry():
    WORKER_MESSAGES.labels("test-worker", "handled").inc(3)
    with Service().serve() as server:
        status, text = get(server, "/metrics")
    assert status == 200
    assert 'glasswatch_worker_messages_total{outcome="handled",worker="test-worker"} 3.0' in text
    assert "_created" not in text


@pytest.mark.parametrize("path", ["/", "/healthz/", "/metrics/x", "/favicon.ico"])
def test_other_paths_are_not_found(path):
    with Service().serve() as server:
        assert get(server, path)[0] == 404


def test_a_stalled_client_holds_up_nobody():
    with Service().serve() as server, socket.create_connection(("127.0.0.1", server.port)):
        started = time.monotonic()
        assert get(server, "/healthz")[0] == 200
        assert time.monotonic() - started < 3


def test_a_client_that_hangs_up_is_no_news(capfd, caplog):
    caplog.set_level(logging.INFO)
    with Service().serve() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET /metrics HTTP/1.0\r\n")
        assert get(server, "/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""


def test_close_frees_the_port_and_the_thread():
    server = Service().serve()
    server.close()
    server.close()
    assert not any(thread.name == "health" for thread in threading.enumerate())
    again = HealthServer(server.port, lambda: None, lambda: None, host="127.0.0.1")
    again.close()


def test_a_taken_port_is_told():
    with Service().serve() as server, pytest.raises(UsageError, match=f"127.0.0.1:{server.port}"):
        HealthServer(server.port, lambda: None, lambda: None, host="127.0.0.1")


def test_the_address_comes_from_the_environment_else_loopback(monkeypatch):
    monkeypatch.delenv(HOST_VARIABLE, raising=False)
    with HealthServer(0, lambda: None, lambda: None) as server:
        assert server._server.server_address[0] == "127.0.0.1"
    monkeypatch.setenv(HOST_VARIABLE, "0.0.0.0")
    with HealthServer(0, lambda: None, lambda: None) as server:
        assert server._server.server_address[0] == "0.0.0.0"
