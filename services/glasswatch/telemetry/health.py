"""Answers to whoever looks after a process: is it alive, can it work, what are its numbers."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from glasswatch.core.errors import UsageError
from glasswatch.telemetry.metrics import REGISTRY

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    _App = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]

HOST_VARIABLE = "GLASSWATCH_HEALTH_HOST"
"""Environment variable: the address to listen on. The container image sets 0.0.0.0; elsewhere it is loopback."""

_LOOPBACK = "127.0.0.1"
_CLIENT_TIMEOUT_S = 10.0

_log = logging.getLogger(__name__)

Check = Callable[[], str | None]
"""None when all is well, else the reason why not. Called from another thread, so it must only look, and quickly."""


class HealthServer:
    """A small HTTP server in threads of its own, which go on answering while the service works.

    `/healthz`: 200 while the process can go on; otherwise 503 with the reason, and whoever watches should restart it.
    `/readyz`: 200 while it can do its work; otherwise 503 with the reason. `/metrics`: the text format of Prometheus.
    """

    def __init__(self, port: int, live: Check, ready: Check, host: str | None = None) -> None:
        """Begin to answer.

        Args:
            port: Port to listen on; 0 takes any free one.
            live: Behind `/healthz`.
            ready: Behind `/readyz`.
            host: Address to listen on; None takes that of `GLASSWATCH_HEALTH_HOST`, else loopback.

        Raises:
            UsageError: The address cannot be listened on, for example because the port is taken.
        """
        address = host or os.environ.get(HOST_VARIABLE) or _LOOPBACK
        try:
            self._server = _Server((address, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot answer health checks on {address}:{port}: {error}") from error
        self._server.set_app(_app(live, ready))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="health", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def close(self) -> None:
        """Stop answering and free the port; may be called more than once."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # HTTPServer would look up the machine's full name here, which can take long where there is no name server.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("a health request ended early", exc_info=True)


class _Handler(WSGIRequestHandler):
    timeout = _CLIENT_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its name in the base class)
        """Say nothing: a line every few seconds from every probe would drown the rest."""


def _app(live: Check, ready: Check) -> _App:
    checks = {"/healthz": live, "/readyz": ready}
    metrics: _App = make_wsgi_app(REGISTRY)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start_response)
        if path not in checks:
            return _answer(start_response, "404 Not Found", "not found")
        reason = _ask(checks[path])
        if reason is None:
            return _answer(start_response, "200 OK", "ok")
        return _answer(start_response, "503 Service Unavailable", reason)

    return app


def _ask(check: Check) -> str | None:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  (a check that fails must read as "not well")
        _log.exception("a health check failed")
        return f"the check itself failed: {type(error).__name__}: {error}"


def _answer(start_response: StartResponse, status: str, text: str) -> list[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")])
    return [f"{text}\n".encode()]
