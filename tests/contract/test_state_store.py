"""What every state store must do; an adapter joins with one line in STORES."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.adapters.memory_store import MemoryStateStore
from glasswatch.ports.state_store import StateStore
from tests.redis_keys import own_prefix

MakeStore = Callable[[], StateStore]


def memory_stores(_: pytest.FixtureRequest) -> MakeStore:
    return MemoryStateStore


def redis_stores(request: pytest.FixtureRequest) -> MakeStore:
    address = request.getfixturevalue("redis_address")
    from glasswatch.adapters.redis_store import Connection, RedisStateStore  # noqa: PLC0415 - extra `cluster`

    connection = Connection(address)
    request.addfinalizer(connection.client.close)
    return lambda: RedisStateStore(connection, retention_s=300, prefix=own_prefix())


STORES = [pytest.param(memory_stores, id="memory"), pytest.param(redis_stores, id="redis")]

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=STORES, scope="module")
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    make: MakeStore = request.param(request)
    return make


@pytest.fixture
def store(make_store: MakeStore) -> StateStore:
    return make_store()


def test_there_is_no_state_before_one_is_saved(store: StateStore) -> None:
    assert store.load("news", "freeze") is None


@pytest.mark.parametrize("state", [b"", b"\x00\xff\r\n", bytes(1 << 20)], ids=["empty", "binary", "large"])
def test_a_state_comes_back_as_it_was_saved(store: StateStore, state: bytes) -> None:
    assert store.save("news", "freeze", 1, state)
    assert store.load("news", "freeze") == state


def test_a_newer_state_replaces_an_older_one(store: StateStore) -> None:
    assert store.save("news", "freeze", 1, b"one")
    assert store.save("news", "freeze", 2, b"two")
    assert store.load("news", "freeze") == b"two"


def test_a_writer_that_lost_the_channel_is_told_so(store: StateStore) -> None:
    assert store.save("news", "freeze", 2, b"two")
    assert not store.save("news", "freeze", 1, b"one")
    assert store.load("news", "freeze") == b"two"


def test_saving_a_version_again_keeps_it(store: StateStore) -> None:
    assert store.save("news", "freeze", 2, b"two")
    assert store.save("news", "freeze", 2, b"two")
    assert store.load("news", "freeze") == b"two"


def test_after_a_state_is_forgotten_any_version_can_be_saved(store: StateStore) -> None:
    assert store.save("news", "freeze", 7, b"of another release")
    assert store.save("news", "black", 7, b"black")
    store.forget("news", "freeze")
    assert store.load("news", "freeze") is None
    assert store.save("news", "freeze", 1, b"afresh")
    assert store.load("news", "black") == b"black"


def test_channels_and_workers_are_separate(store: StateStore) -> None:
    store.save("news", "freeze", 9, b"news freeze")
    assert store.save("news", "black", 1, b"news black")
    assert store.save("sports", "freeze", 1, b"sports freeze")
    assert store.load("news", "freeze") == b"news freeze"
    assert store.load("news", "black") == b"news black"
    assert store.load("sports", "freeze") == b"sports freeze"


@pytest.mark.parametrize(("lower", "higher"), [(0, 1), (9, 10), (99, 1000), (2**53, 2**53 + 1), (2**64 - 1, 2**64)])
def test_versions_are_compared_as_numbers(store: StateStore, lower: int, higher: int) -> None:
    assert store.save("news", "freeze", lower, b"lower")
    assert store.save("news", "freeze", higher, b"higher")
    assert not store.save("news", "freeze", lower, b"lower")
    assert store.load("news", "freeze") == b"higher"


def test_a_negative_version_is_refused(store: StateStore) -> None:
    with pytest.raises(ValueError, match="-1"):
        store.save("news", "freeze", -1, b"")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**64), min_size=1, max_size=8))
def test_the_highest_version_stays_whatever_the_order(make_store: MakeStore, versions: list[int]) -> None:
    store = make_store()
    highest = -1
    for version in versions:
        assert store.save("news", "freeze", version, str(version).encode()) == (version >= highest)
        highest = max(highest, version)
    assert store.load("news", "freeze") == str(highest).encode()


def test_writers_in_several_threads_keep_the_highest_version(store: StateStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda version: store.save("news", "freeze", version, b"%d" % version), range(200)))
    assert store.load("news", "freeze") == b"199"
