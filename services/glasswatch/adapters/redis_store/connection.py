"""One server, and what becomes of its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, OutOfMemoryError, RedisError
from redis.retry import Retry

from glasswatch.core.errors import StoreError, UsageError
from glasswatch.core.redact import redact
from glasswatch.telemetry import metrics

PREFIX = "glasswatch"
"""First part of every key."""

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 5.0

_CHECK_IDLE_S = 30
"""A connection that was idle for longer is tried before it is used: a firewall may have forgotten it."""


class Connection:
    """A pool of connections to the server at a URL, redis://[[user]:password@]host:port/database (or rediss://).

    Nothing is sent before the first command. A command that fails is sent once more on a new connection, so that a
    server that was started again is found again; everything that the stores send may come twice.

    Raises:
        UsageError: The URL cannot be read.
    """

    def __init__(self, address: str) -> None:
        self._shown = redact(address)
        try:
            self.client = Redis.from_url(
                address,
                client_name="glasswatch",
                socket_connect_timeout=CONNECT_TIMEOUT_S,
                socket_timeout=COMMAND_TIMEOUT_S,
                health_check_interval=_CHECK_IDLE_S,
                retry=Retry(NoBackoff(), retries=1),
            )
        except ValueError as error:
            raise UsageError(f"{self._shown!r} is no address of a Redis: give redis://host:port/0") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.client.close()

    @contextmanager
    def refusals(self, what: str) -> Iterator[None]:
        """Raise StoreError, which says that one cannot do `what`, for whatever Redis refuses inside."""
        try:
            yield
        except OutOfMemoryError as error:
            _count("full")
            raise StoreError(
                f"cannot {what}: Redis at {self._shown} is full: raise its maxmemory, or shorten retention"
            ) from error
        except AuthenticationError as error:
            _count("refused")
            raise StoreError(f"cannot {what}: Redis at {self._shown} refuses user or password: {error}") from error
        except RedisError as error:
            lost = isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError)
            _count("unreachable" if lost else "refused")
            reason = " ".join(str(error).split()) or type(error).__name__
            raise StoreError(f"cannot {what}: Redis at {self._shown}: {reason}") from error


def _count(reason: str) -> None:
    metrics.STORE_FAILURES.labels(store="redis", reason=reason).inc()
