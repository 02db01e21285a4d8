"""Payloads that are too large for a message: one string each, that expires."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, cast

from glasswatch.adapters.redis_store.connection import PREFIX, Connection

RETENTION_S = 20 * 60
"""Longer than media topics keep their messages by default: Kafka deletes whole segments, minutes after they are due."""


class RedisMediaStore:
    """Implements `glasswatch.ports.media_store.MediaStore`.

    Args:
        connection: The server.
        retention_s: How long a payload is kept after it was put last.
        prefix: First part of the keys.
    """

    def __init__(self, connection: Connection, *, retention_s: int = RETENTION_S, prefix: str = PREFIX) -> None:
        self._connection = connection
        self._retention_ms = retention_s * 1000
        self._prefix = prefix

    @classmethod
    @contextmanager
    def connect(cls, address: str) -> Iterator[Self]:
        """A store with a connection of its own."""
        with Connection(address) as connection:
            yield cls(connection)

    def put(self, key: str, data: bytes) -> None:
        """Keep a payload; one that is there is not sent again, and kept for longer."""
        client = self._connection.client
        with self._connection.refusals(f"store {len(data)} bytes of media"):
            if not client.pexpire(self._key(key), self._retention_ms):
                client.set(self._key(key), data, px=self._retention_ms)

    def get(self, key: str) -> bytes | None:
        """A payload, None where it is not (or no longer) kept."""
        with self._connection.refusals("read a payload of media"):
            return cast("bytes | None", self._connection.client.get(self._key(key)))

    def _key(self, key: str) -> str:
        return f"{self._prefix}:payload:{key}"
