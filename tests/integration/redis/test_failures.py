"""Redis that is full, killed, slow or not there."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from glasswatch.adapters.redis_store import Connection, RedisEventStore, RedisMediaStore, RedisStateStore, connection
from glasswatch.core.errors import StoreError, UsageError
from glasswatch.runtime.cluster import Cluster, Redis
from glasswatch.runtime.cluster.process import Process
from glasswatch.wire.event import decode_event, encode_event
from tests.integration.redis.events import history
from tests.servers import start_servers

pytestmark = pytest.mark.timeout(120)

FULL = "Redis at .* is full: raise its maxmemory, or shorten retention"


@pytest.fixture
def address(own_cluster: Cluster) -> str:
    return start_servers(own_cluster, [Redis()])["redis"]


@pytest.fixture
def redis(address: str) -> Iterator[Connection]:
    with Connection(address) as made:
        yield made


def event_store(redis: Connection) -> RedisEventStore:
    return RedisEventStore(redis, encode_event, decode_event)


def test_a_full_redis_is_told_and_works_again_once_there_is_room(redis: Connection) -> None:
    events, states, media = event_store(redis), RedisStateStore(redis), RedisMediaStore(redis)
    first, second = history("news")[:2]
    events.put(first)
    assert states.save("news", "freeze", 1, b"one")
    media.put("small", b"frames")
    fill(redis)

    with pytest.raises(StoreError, match=FULL):
        events.put(second)
    with pytest.raises(StoreError, match=FULL):
        states.save("news", "freeze", 2, b"two")
    with pytest.raises(StoreError, match=FULL):
        media.put("large", bytes(1 << 16))

    assert list(events.events("news")) == [first], "what is kept can still be read"
    assert states.load("news", "freeze") == b"one"
    assert media.get("small") == b"frames"
    assert redis.client.xlen("glasswatch:{news}:events") == 1, "nothing is half done"

    redis.client.config_set("maxmemory", "0")
    events.put(second)
    assert states.save("news", "freeze", 2, b"two")
    media.put("large", bytes(1 << 16))
    assert list(events.events("news")) == [second]
    assert states.load("news", "freeze") == b"two"
    assert media.get("large") == bytes(1 << 16)


def fill(redis: Connection) -> None:
    """Hold more than is allowed; buffers come and go, so that just as much would not be enough."""
    redis.client.set("filler", bytes(4 << 20))
    redis.client.config_set("maxmemory-policy", "noeviction")
    redis.client.config_set("maxmemory", redis.client.info("memory")["used_memory"] - (2 << 20))


def wait_for_end(process: Process) -> None:
    deadline = time.monotonic() + 10
    while process.alive and time.monotonic() < deadline:
        time.sleep(0.02)


def test_what_was_acknowledged_survives_kill_9(own_cluster: Cluster, redis: Connection) -> None:
    events, states, media = event_store(redis), RedisStateStore(redis), RedisMediaStore(redis)
    kept = [history("news", 10 * number) for number in range(50)]
    for number, versions in enumerate(kept):
        for version in versions:
            events.put(version)
        assert states.save("news", "freeze", number, b"%d" % number)
        media.put(str(number), b"%d" % number)

    process = own_cluster.process("redis")
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    wait_for_end(process)
    with pytest.raises(StoreError, match="cannot load the state of freeze on channel news: Redis at"):
        states.load("news", "freeze")

    start_servers(own_cluster, [Redis()])
    assert list(events.events("news")) == [versions[-1] for versions in kept]
    assert redis.client.xlen("glasswatch:{news}:events") == sum(map(len, kept))
    assert states.load("news", "freeze") == b"49"
    assert [media.get(str(number)) for number in range(50)] == [b"%d" % number for number in range(50)]
    events.put(history("news", 1000)[0])  # Its scripts have gone with the server's memory.


def test_a_password_is_never_shown(redis: Connection, address: str) -> None:
    redis.client.config_set("requirepass", "hidden-password")
    wrong = address.replace("redis://", "redis://:wrong-password@")
    with (
        RedisStateStore.connect(wrong) as states,
        pytest.raises(StoreError, match="refuses user or password") as caught,
    ):
        states.load("news", "freeze")
    assert "wrong-password" not in str(caught.value)
    right = address.replace("redis://", "redis://:hidden-password@")
    with RedisStateStore.connect(right) as states:
        assert states.load("news", "freeze") is None


def test_a_server_that_does_not_answer_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "COMMAND_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with RedisMediaStore.connect(f"redis://user:secret@127.0.0.1:{port}/0") as media:
            started = time.monotonic()
            with pytest.raises(StoreError, match="cannot read a payload of media: Redis at") as caught:
                media.get("key")
            assert time.monotonic() - started < 5
    assert "secret" not in str(caught.value)


def test_nobody_at_the_address_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with (
        RedisEventStore.connect(f"redis://127.0.0.1:{port}/0", encode_event, decode_event) as events,
        pytest.raises(StoreError, match=rf"Redis at redis://127.0.0.1:{port}/0: .*refused") as caught,
    ):
        events.put(history("news")[0])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["localhost:6379", "", "redis://host:port/0", "http://user:secret@host/"])
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(UsageError, match="redis://host:port/0") as caught:
        Connection(address)
    assert "secret" not in str(caught.value)
