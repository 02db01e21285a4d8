"""Events on Redis.

The keys of a channel lie in one slot, and one script changes them all at once: they are what is true. What can be found
without the channel (an event by its id, the set of channels, the pub/sub channel) lies in other slots and follows in a
second step, which is repeated whenever the same version is put again. A writer that dies between the two has not
acknowledged its input, so that the version comes again, and nothing is lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Self, cast

from glasswatch.adapters.redis_store.connection import PREFIX, Connection
from glasswatch.core.detection import Event, EventState
from glasswatch.core.errors import StoreError, WireError
from glasswatch.ports.event_store import revision

Encode = Callable[[Event], bytes]
Decode = Callable[[bytes], Event]

RETENTION_S = 7 * 86400
"""As long as the topics of events keep theirs."""

MOST_VERSIONS = 10_000
"""Versions in the stream of a channel, about."""

# Replaces an event if what is kept is still what the writer compared with; which of two versions is the later one takes
# exact fractions, which Lua does not have. Times are those of the stream's entries, in milliseconds.
# XADD comes first: a full Redis refuses it, and so the script as a whole.
_WRITE = """
local latest, updated, open, events, state = unpack(KEYS)
local id, expected, encoded, is_open, at, retention_ms, most = unpack(ARGV, 1, 7)
if (redis.call('HGET', latest, id) or '') ~= expected then
  return false
end
local entry = redis.call('XADD', events, 'MAXLEN', '~', most, '*', unpack(ARGV, 8))
local now = string.match(entry, '^%d+')
redis.call('HSET', latest, id, entry .. ' ' .. encoded)
redis.call('ZADD', updated, now, id)
redis.call(is_open == '1' and 'SADD' or 'SREM', open, id)
local due = string.format('%.0f', now - retention_ms)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', updated, '-inf', '(' .. due)) do
  redis.call('HDEL', latest, old)
  redis.call('SREM', open, old)
end
redis.call('ZREMRANGEBYSCORE', updated, '-inf', '(' .. due)
redis.call('XTRIM', events, 'MINID', '~', due)
redis.call('HSET', state, 'open', redis.call('SCARD', open), 'events', redis.call('HLEN', latest),
  'last_event', id, 'last_entry', entry, 'updated_at', at)
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, retention_ms)
end
return entry
"""

_READ = """
local latest, updated = unpack(KEYS)
local time = redis.call('TIME')
local due = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1])
local expired = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', updated, '-inf', '(' .. due)) do
  expired[id] = true
end
local found = {}
local all = redis.call('HGETALL', latest)
for i = 1, #all, 2 do
  if not expired[all[i]] then
    found[#found + 1] = all[i + 1]
  end
end
return found
"""

# Shows a version, unless the same or a later one is shown: writers may come here in another order than to the stream.
_SHOW = """
local entry, expires_ms, channel, message = unpack(ARGV, 1, 4)
local kept = redis.call('HGET', KEYS[1], 'entry')
if kept then
  local kept_ms, kept_number = string.match(kept, '^(%d+)-(%d+)$')
  local ms, number = string.match(entry, '^(%d+)-(%d+)$')
  kept_ms, kept_number, ms, number = tonumber(kept_ms), tonumber(kept_number), tonumber(ms), tonumber(number)
  if kept_ms > ms or (kept_ms == ms and kept_number >= number) then
    return 0
  end
end
redis.call('HSET', KEYS[1], 'entry', entry, unpack(ARGV, 5))
redis.call('PEXPIREAT', KEYS[1], expires_ms)
redis.call('PUBLISH', channel, message)
return 1
"""


class RedisEventStore:
    """Implements `glasswatch.ports.event_store.EventStore`, for any number of writers on any number of machines.

    Args:
        connection: The server.
        encode: An event as bytes, the same for equal events.
        decode: The inverse of `encode`; WireError for what it cannot read.
        retention_s: How long an event is kept after its last change.
        most_versions: How many versions the stream of a channel keeps, about.
        prefix: First part of the keys, and of the pub/sub channel.
    """

    def __init__(
        self,
        connection: Connection,
        encode: Encode,
        decode: Decode,
        *,
        retention_s: int = RETENTION_S,
        most_versions: int = MOST_VERSIONS,
        prefix: str = PREFIX,
    ) -> None:
        self._connection = connection
        self._encode = encode
        self._decode = decode
        self._retention_ms = retention_s * 1000
        self._most_versions = most_versions
        self._prefix = prefix
        self._write = connection.client.register_script(_WRITE)
        self._read = connection.client.register_script(_READ)
        self._show = connection.client.register_script(_SHOW)

    @classmethod
    @contextmanager
    def connect(cls, address: str, encode: Encode, decode: Decode) -> Iterator[Self]:
        """A store with a connection of its own."""
        with Connection(address) as connection:
            yield cls(connection, encode, decode)

    def put(self, event: Event) -> None:
        """Keep the event, unless a later version of it is kept.

        Raises:
            StoreError: Redis cannot be reached, is full, or holds something else in the event's place.
        """
        encoded = self._encode(event)
        readable = [part for name, value in _readable(event).items() for part in (name, _text(value))]
        fields: list[str | bytes] = [*readable, "event", encoded]
        with self._connection.refusals(f"store event {event.id} of channel {event.channel}"):
            entry = self._keep(event, encoded, fields)
            if entry is not None:
                self._tell(event, entry, fields)

    def events(self, channel: str) -> Sequence[Event]:
        """All events of a channel, by epoch and onset; empty for a channel that has none."""
        keys = [self._key(channel, name) for name in ("latest", "updated")]
        with self._connection.refusals(f"read the events of channel {channel}"):
            found = self._read(keys, [self._retention_ms])
        events = [self._decoded(channel, value.partition(b" ")[2]) for value in found]
        return sorted(events, key=lambda event: (event.span, event.id))

    def _keep(self, event: Event, encoded: bytes, fields: Sequence[str | bytes]) -> str | None:
        """The stream's entry that this version has, None where a later one is kept."""
        keys = [self._key(event.channel, name) for name in ("latest", "updated", "open", "events", "state")]
        is_open = int(event.state is EventState.OPEN)
        while True:
            kept = cast("bytes | None", self._connection.client.hget(keys[0], event.id))
            if kept is not None:
                entry, _, encoded_kept = kept.partition(b" ")
                if encoded_kept == encoded:
                    return entry.decode()
                if revision(event) < revision(self._decoded(event.channel, encoded_kept)):
                    return None
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            limits = [self._retention_ms, self._most_versions]
            written = self._write(keys, [event.id, kept or b"", encoded, is_open, at, *limits, *fields])
            if written is not None:
                return cast(bytes, written).decode()

    def _tell(self, event: Event, entry: str, fields: Sequence[str | bytes]) -> None:
        """Bring what lies outside of the channel's slot up to this version."""
        expires_ms = int(entry.partition("-")[0]) + self._retention_ms
        message = json.dumps({"entry": entry, **_readable(event)}, ensure_ascii=False, allow_nan=False)
        self._connection.client.sadd(f"{self._prefix}:channels", event.channel)
        self._show(
            [f"{self._prefix}:event:{event.id}"], [entry, expires_ms, f"{self._prefix}:events", message, *fields]
        )

    def _decoded(self, channel: str, encoded: bytes) -> Event:
        try:
            return self._decode(encoded)
        except WireError as error:
            key = self._key(channel, "latest")
            raise StoreError(f"{key} holds what is no event: delete that key, or use one release: {error}") from error

    def _key(self, channel: str, name: str) -> str:
        return f"{self._prefix}:{{{channel}}}:{name}"


def _readable(event: Event) -> dict[str, Any]:
    """What a person wants to know of an event, as JSON values; times are positions in the input."""

    def position_s(seconds: Fraction) -> float:
        return round(float(event.position + seconds - event.span.start), 6)

    return {
        "id": event.id,
        "channel": event.channel,
        "defect": event.defect,
        "kind": event.kind,
        "track": event.track,
        "severity": event.severity.label,
        "state": event.state.value,
        "position_s": position_s(event.span.start),
        "end_s": position_s(event.span.end),
        "duration_s": round(float(event.span.duration), 6),
        "worst_s": None if event.worst is None else position_s(event.worst),
        "epoch": event.span.epoch,
        "score": _finite(event.score),
        "measurements": {name: _finite(value) for name, value in event.measurements.items()},
        "region": None if event.region is None else list(event.region),
        "incident": event.incident,
        "consequence_of": event.consequence_of,
        "reason": event.reason,
        "detector": event.detector,
        "version": event.version,
        "model": event.model,
    }


def _finite(value: float) -> float | None:
    """A number that JSON can say."""
    return round(float(value), 6) if math.isfinite(value) else None


def _text(value: object) -> str:
    """A field of a hash; empty for what is not there, so that every version has the same fields."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, allow_nan=False)
