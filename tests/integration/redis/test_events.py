"""What other programs find on Redis: docs/redis.md as tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from redis.cluster import key_slot
from redis.exceptions import ConnectionError as RedisConnectionError

from glasswatch.adapters.redis_store import Connection, RedisEventStore
from glasswatch.core.detection import Event, EventState
from glasswatch.wire.event import decode_event, encode_event
from tests.integration.redis.events import history
from tests.redis_keys import own_prefix

pytestmark = pytest.mark.timeout(60)

RETENTION_S = 300
WRITERS = 4


@pytest.fixture
def connection(redis_address: str) -> Iterator[Connection]:
    with Connection(redis_address) as made:
        yield made


@pytest.fixture
def prefix() -> str:
    return own_prefix()


@pytest.fixture
def store(connection: Connection, prefix: str) -> RedisEventStore:
    return make_store(connection, prefix)


def make_store(connection: Connection, prefix: str, **options: int) -> RedisEventStore:
    return RedisEventStore(
        connection, encode_event, decode_event, **{"retention_s": RETENTION_S, "prefix": prefix, **options}
    )


def streamed(connection: Connection, prefix: str, channel: str = "news") -> list[Event]:
    entries = connection.client.xrange(f"{prefix}:{{{channel}}}:events")
    return [decode_event(fields[b"event"]) for _, fields in entries]


def test_an_event_can_be_read_by_its_id(store: RedisEventStore, connection: Connection, prefix: str) -> None:
    event = replace(
        history("news", 90)[3], position=Fraction(100), worst=Fraction(92), kind="still", region=(0, 8, 64, 48)
    )
    store.put(event)
    found = connection.client.hgetall(f"{prefix}:event:{event.id}")
    assert decode_event(found.pop(b"event")) == event
    assert found.pop(b"entry") == connection.client.xrevrange(f"{prefix}:{{news}}:events")[0][0]
    assert {name.decode(): value.decode() for name, value in found.items()} == {
        "id": event.id,
        "channel": "news",
        "defect": "freeze",
        "kind": "still",
        "track": "",
        "severity": "error",
        "state": "closed",
        "position_s": "100.0",
        "end_s": "107.0",
        "duration_s": "7.0",
        "worst_s": "102.0",
        "epoch": "0",
        "score": "0.75",
        "measurements": '{"motion": 0.5}',
        "region": "[0, 8, 64, 48]",
        "incident": "",
        "consequence_of": "",
        "reason": "",
        "detector": "freeze",
        "version": "1",
        "model": "",
    }


def test_measurements_that_are_no_numbers_are_kept(store: RedisEventStore, connection: Connection, prefix: str) -> None:
    event = replace(history("news")[3], measurements={"level_dbfs": float("-inf"), "ratio": float("nan")})
    store.put(event)
    store.put(event)
    found = connection.client.hget(f"{prefix}:event:{event.id}", "measurements")
    assert json.loads(found) == {"level_dbfs": None, "ratio": None}
    assert len(streamed(connection, prefix)) == 1


def test_the_state_of_a_channel_tells_what_is_open(store: RedisEventStore, connection: Connection, prefix: str) -> None:
    first, second = history("news", 0), history("news", 100)
    for event in (*first, *second[:3]):
        store.put(event)
    state = connection.client.hgetall(f"{prefix}:{{news}}:state")
    assert (state[b"open"], state[b"events"], state[b"last_event"]) == (b"1", b"2", second[0].id.encode())
    assert connection.client.smembers(f"{prefix}:{{news}}:open") == {second[0].id.encode()}
    store.put(second[3])
    assert connection.client.hget(f"{prefix}:{{news}}:state", "open") == b"0"
    assert connection.client.smembers(f"{prefix}:channels") == {b"news"}


def test_a_subscriber_hears_of_every_version_after_it_can_be_read(
    store: RedisEventStore, connection: Connection, prefix: str
) -> None:
    with connection.client.pubsub() as listener:
        listener.subscribe(f"{prefix}:events")
        assert listener.get_message(timeout=5)["type"] == "subscribe"
        for version in history("news"):
            store.put(version)
            store.put(version)
            message = json.loads(listener.get_message(timeout=5)["data"])
            shown = connection.client.hget(f"{prefix}:event:{version.id}", "entry")
            assert (message["severity"], message["state"]) == (version.severity.label, version.state.value)
            assert message["entry"] == shown.decode()
        assert listener.get_message(timeout=0.2) is None


def test_an_older_version_changes_nothing_at_all(store: RedisEventStore, connection: Connection, prefix: str) -> None:
    *older, newest = history("news")
    store.put(newest)
    before = {key: connection.client.dump(key) for key in connection.client.scan_iter(f"{prefix}:*")}
    for version in (*older, newest):
        store.put(version)
    assert {key: connection.client.dump(key) for key in connection.client.scan_iter(f"{prefix}:*")} == before


def test_the_stream_has_each_version_once_when_all_writers_put_all(
    redis_address: str, connection: Connection, prefix: str
) -> None:
    """Every writer delivers the same versions in order, some of them twice, as workers do that take over."""
    events = [history("news", 10 * number) for number in range(20)]
    start = threading.Barrier(WRITERS)

    def write(seed: int) -> None:
        random = Random(seed)
        with Connection(redis_address) as own:
            store = make_store(own, prefix)
            start.wait(10)
            for versions in events:
                for version in versions:
                    for _ in range(random.choice([1, 1, 2])):
                        store.put(version)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    assert streamed(connection, prefix) == [version for versions in events for version in versions]
    assert list(make_store(connection, prefix).events("news")) == [versions[-1] for versions in events]
    for versions in events:
        shown = connection.client.hget(f"{prefix}:event:{versions[0].id}", "event")
        assert decode_event(shown) == versions[-1]


def test_writers_that_race_with_different_versions_leave_the_newest(
    redis_address: str, connection: Connection, prefix: str
) -> None:
    versions = history("news")
    start = threading.Barrier(len(versions))

    def write(version: Event) -> None:
        with Connection(redis_address) as own:
            store = make_store(own, prefix)
            start.wait(10)
            store.put(version)

    with ThreadPoolExecutor(len(versions)) as pool:
        list(pool.map(write, versions))

    assert list(make_store(connection, prefix).events("news")) == [versions[-1]]
    seen = streamed(connection, prefix)
    assert seen == [version for version in versions if version in seen]
    assert connection.client.hget(f"{prefix}:event:{versions[0].id}", "state") == EventState.CLOSED.value.encode()


def test_a_writer_that_died_halfway_is_completed_by_the_next_delivery(
    store: RedisEventStore, connection: Connection, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = history("news")[0]
    with monkeypatch.context() as patch:
        patch.setattr(store, "_tell", lambda *_: (_ for _ in ()).throw(RedisConnectionError))
        with pytest.raises(Exception, match="store event"):
            store.put(version)
    assert not connection.client.exists(f"{prefix}:event:{version.id}")
    store.put(version)
    assert connection.client.exists(f"{prefix}:event:{version.id}")
    assert connection.client.smembers(f"{prefix}:channels") == {b"news"}
    assert streamed(connection, prefix) == [version]


def test_a_writer_that_comes_late_does_not_show_an_older_version(
    store: RedisEventStore, connection: Connection, prefix: str
) -> None:
    """Both writers have written to the channel; the first one shows its version last."""
    first, second = history("news")[:2]
    tell, late = store._tell, []
    store._tell = lambda *arguments: late.append(arguments)  # type: ignore[method-assign]
    store.put(first)
    store._tell = tell  # type: ignore[method-assign]
    store.put(second)
    tell(*late[0])
    assert connection.client.hget(f"{prefix}:event:{first.id}", "severity") == b"warning"


def test_events_are_forgotten_when_they_are_due(connection: Connection, prefix: str) -> None:
    store = make_store(connection, prefix, retention_s=1)
    old, new = history("news", 0)[0], history("news", 100)[0]
    store.put(old)
    time.sleep(0.7)
    store.put(new)
    time.sleep(0.6)
    assert list(store.events("news")) == [new]
    assert not connection.client.exists(f"{prefix}:event:{old.id}")
    store.put(history("news", 100)[1])
    assert connection.client.hget(f"{prefix}:{{news}}:state", "open") == b"1"
    time.sleep(1.1)
    assert list(store.events("news")) == []
    assert list(connection.client.scan_iter(f"{prefix}:*")) == [f"{prefix}:channels".encode()]


def test_the_stream_is_trimmed(connection: Connection, prefix: str) -> None:
    store = make_store(connection, prefix, most_versions=100)
    for number in range(100):
        for version in history("news", 10 * number):
            store.put(version)
    # Whole nodes of the stream are dropped, of 100 entries by default.
    assert 100 <= connection.client.xlen(f"{prefix}:{{news}}:events") <= 300
    assert len(store.events("news")) == 100


def test_keys_of_a_channel_share_a_slot_of_a_redis_cluster(
    store: RedisEventStore, connection: Connection, prefix: str
) -> None:
    """A script may only touch keys of one slot; a single server does not check that."""
    store.put(history("news")[0])
    keys = set(connection.client.scan_iter(f"{prefix}:*"))
    of_channel = {key for key in keys if b"{news}" in key}
    assert {key.decode().removeprefix(f"{prefix}:") for key in keys - of_channel} == {
        "channels",
        f"event:{history('news')[0].id}",
    }
    assert len({key_slot(key) for key in of_channel}) == 1
