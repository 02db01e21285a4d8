"""Checkpoints of workers: one hash a channel, so that whoever takes it over finds everything at one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self, cast

from glasswatch.adapters.redis_store.connection import PREFIX, Connection

RETENTION_S = 7 * 86400
"""As long as detections are kept: a worker that was away for longer finds nothing to go on with."""

# Versions are compared as decimal strings, since Lua's numbers are exact up to 2^53 only.
_SAVE = """
local field, version, state, retention_ms = unpack(ARGV)
local kept = redis.call('HGET', KEYS[1], field .. ':version')
if kept and (#kept > #version or (#kept == #version and kept > version)) then
  return 0
end
redis.call('HSET', KEYS[1], field .. ':version', version, field .. ':state', state)
redis.call('PEXPIRE', KEYS[1], retention_ms)
return 1
"""


class RedisStateStore:
    """Implements `glasswatch.ports.state_store.StateStore`.

    Args:
        connection: The server.
        retention_s: How long a channel's states are kept after the last one was saved.
        prefix: First part of the keys.
    """

    def __init__(self, connection: Connection, *, retention_s: int = RETENTION_S, prefix: str = PREFIX) -> None:
        self._connection = connection
        self._retention_ms = retention_s * 1000
        self._prefix = prefix
        self._save = connection.client.register_script(_SAVE)

    @classmethod
    @contextmanager
    def connect(cls, address: str) -> Iterator[Self]:
        """A store with a connection of its own."""
        with Connection(address) as connection:
            yield cls(connection)

    def load(self, channel: str, worker: str) -> bytes | None:
        """The state that was saved last, None where there is none (any more)."""
        with self._connection.refusals(f"load the state of {worker} on channel {channel}"):
            return cast("bytes | None", self._connection.client.hget(self._key(channel), f"{worker}:state"))

    def save(self, channel: str, worker: str, version: int, state: bytes) -> bool:
        """Keep the state, unless one of a higher version is kept; whether it is kept.

        Raises:
            ValueError: The version is negative.
        """
        if version < 0:
            raise ValueError(f"version {version} is negative")
        with self._connection.refusals(f"save the state of {worker} on channel {channel}"):
            return bool(self._save([self._key(channel)], [worker, version, state, self._retention_ms]))

    def forget(self, channel: str, worker: str) -> None:
        """Drop the state, so that one of any version can be saved."""
        with self._connection.refusals(f"drop the state of {worker} on channel {channel}"):
            self._connection.client.hdel(self._key(channel), f"{worker}:state", f"{worker}:version")

    def _key(self, channel: str) -> str:
        return f"{self._prefix}:{{{channel}}}:checkpoints"
