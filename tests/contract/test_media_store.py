"""What every media store must do; an adapter joins with one line in STORES."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from glasswatch.adapters.memory_store import MemoryMediaStore
from glasswatch.ports.media_store import MediaStore
from tests.redis_keys import own_prefix

MakeStore = Callable[[], MediaStore]


def memory_stores(_: pytest.FixtureRequest) -> MakeStore:
    return MemoryMediaStore


def redis_stores(request: pytest.FixtureRequest) -> MakeStore:
    address = request.getfixturevalue("redis_address")
    from glasswatch.adapters.redis_store import Connection, RedisMediaStore  # noqa: PLC0415 - extra `cluster`

    connection = Connection(address)
    request.addfinalizer(connection.client.close)
    return lambda: RedisMediaStore(connection, retention_s=60, prefix=own_prefix())


STORES = [pytest.param(memory_stores, id="memory"), pytest.param(redis_stores, id="redis")]

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=STORES, scope="module")
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    make: MakeStore = request.param(request)
    return make


@pytest.fixture
def store(make_store: MakeStore) -> MediaStore:
    return make_store()


def key(data: bytes) -> str:
    return sha256(data).hexdigest()


def test_an_unknown_key_has_no_payload(store: MediaStore) -> None:
    assert store.get(key(b"unknown")) is None


@pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n", bytes(16 << 20)], ids=["empty", "binary", "large"])
def test_a_payload_comes_back_as_it_was_put(store: MediaStore, data: bytes) -> None:
    store.put(key(data), data)
    assert store.get(key(data)) == data


def test_putting_a_payload_again_changes_nothing(store: MediaStore) -> None:
    store.put(key(b"frames"), b"frames")
    store.put(key(b"frames"), b"frames")
    assert store.get(key(b"frames")) == b"frames"


def test_payloads_are_separate(store: MediaStore) -> None:
    store.put(key(b"one"), b"one")
    store.put(key(b"two"), b"two")
    assert store.get(key(b"one")) == b"one"
    assert store.get(key(b"two")) == b"two"


def test_writers_in_several_threads_lose_nothing(store: MediaStore) -> None:
    payloads = [b"%d" % number for number in range(100)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda data: store.put(key(data), data), payloads))
    assert [store.get(key(data)) for data in payloads] == payloads
