"""What every event store must do; an adapter joins with one line in STORES."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.adapters.memory_store import MemoryEventStore
from glasswatch.core.detection import Event, EventState, Severity, event_id
from glasswatch.core.time import Span
from glasswatch.ports.event_store import EventStore
from glasswatch.wire.event import decode_event, encode_event
from tests.redis_keys import own_prefix

MakeStore = Callable[[], EventStore]


def memory_stores(_: pytest.FixtureRequest) -> MakeStore:
    return MemoryEventStore


def redis_stores(request: pytest.FixtureRequest) -> MakeStore:
    address = request.getfixturevalue("redis_address")
    from glasswatch.adapters.redis_store import Connection, RedisEventStore  # noqa: PLC0415 - extra `cluster`

    connection = Connection(address)
    request.addfinalizer(connection.client.close)
    return lambda: RedisEventStore(connection, encode_event, decode_event, retention_s=300, prefix=own_prefix())


STORES = [pytest.param(memory_stores, id="memory"), pytest.param(redis_stores, id="redis")]

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=STORES, scope="module")
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    make: MakeStore = request.param(request)
    return make


@pytest.fixture
def store(make_store: MakeStore) -> EventStore:
    return make_store()


def event(
    onset: Fraction = Fraction(1001, 30000),
    end: Fraction = Fraction(2),
    *,
    channel: str = "news",
    defect: str = "freeze",
    epoch: int = 0,
    severity: Severity = Severity.WARNING,
    state: EventState = EventState.CLOSED,
) -> Event:
    return Event(
        id=event_id(channel, defect, None, None, epoch, onset),
        channel=channel,
        defect=defect,
        detector=defect,
        version="1",
        severity=severity,
        span=Span(epoch, onset, end),
        score=0.75,
        state=state,
    )


def history(onset: Fraction = Fraction(1001, 30000)) -> list[Event]:
    """The versions of one event, oldest first: opened, raised in severity, closed."""
    return [
        event(onset, onset + 1, severity=Severity.INFO, state=EventState.OPEN),
        event(onset, onset + 2, severity=Severity.ERROR, state=EventState.OPEN),
        event(onset, onset + 2, severity=Severity.ERROR, state=EventState.CLOSED),
    ]


def test_an_event_comes_back_as_it_was_put(store: EventStore) -> None:
    full = replace(
        event(),
        measurements={"level_dbfs": -60.5},
        model="3",
        kind="bars",
        track="audio-1",
        region=(0, 8, 1920, 1064),
        incident="source-lost-1",
        worst=Fraction(1, 3),
        reason="no picture",
    )
    store.put(full)
    assert list(store.events("news")) == [full]


def test_a_channel_without_events_has_none(store: EventStore) -> None:
    store.put(event(channel="news"))
    assert list(store.events("sports")) == []


def test_events_are_ordered_by_epoch_and_onset(store: EventStore) -> None:
    ordered = [
        event(Fraction(5), Fraction(6)),
        event(Fraction(5) + Fraction(1, 90000), Fraction(6)),
        event(Fraction(40), Fraction(41)),
        event(Fraction(0), Fraction(1), epoch=1),
    ]
    for item in reversed(ordered):
        store.put(item)
    assert list(store.events("news")) == ordered


def test_writing_the_same_version_again_changes_nothing(store: EventStore) -> None:
    for version in (*history(), history()[-1]):
        store.put(version)
    assert list(store.events("news")) == [history()[-1]]


def test_a_closed_event_is_not_opened_by_an_older_version(store: EventStore) -> None:
    opened, _, closed = history()
    store.put(closed)
    store.put(opened)
    assert list(store.events("news")) == [closed]


def test_an_open_event_is_not_replaced_by_an_older_version(store: EventStore) -> None:
    opened, raised, _ = history()
    store.put(raised)
    store.put(opened)
    assert list(store.events("news")) == [raised]


def test_a_closed_event_can_still_be_given_its_incident(store: EventStore) -> None:
    closed = history()[-1]
    store.put(closed)
    grouped = replace(closed, incident="source-lost-1")
    store.put(grouped)
    assert list(store.events("news")) == [grouped]


def test_ends_are_compared_exactly(store: EventStore) -> None:
    """Two of these are one float, and some have more digits than a double can hold."""
    onset = -Fraction(2**62 + 1, 3)
    ends = [
        onset,
        -Fraction(2**62, 3),
        Fraction(-1, 2**62),
        Fraction(0),
        Fraction(10**18, 10**18 + 1),
        Fraction(1),
        Fraction(2**62 + 1, 1),
    ]
    versions = [event(onset, end, state=EventState.OPEN) for end in ends]
    for kept, version in enumerate(versions):
        store.put(version)
        for older in versions[:kept]:
            store.put(older)
        assert list(store.events("news")) == [version]


def test_a_version_of_the_same_age_replaces(store: EventStore) -> None:
    """Where nothing tells which is the later one, it is the one that came last."""
    first, second = event(), replace(event(), score=1.0)
    store.put(first)
    store.put(second)
    assert list(store.events("news")) == [second]


@settings(max_examples=50, deadline=None)
@given(st.permutations([*history(Fraction(0)), *history(Fraction(10)), *history(Fraction(0)), *history(Fraction(10))]))
def test_any_order_of_delivery_keeps_the_latest_versions(make_store: MakeStore, deliveries: list[Event]) -> None:
    store = make_store()
    for version in deliveries:
        store.put(version)
    assert list(store.events("news")) == [history(Fraction(0))[-1], history(Fraction(10))[-1]]


def test_writers_in_several_threads_lose_nothing(store: EventStore) -> None:
    versions = [version for second in range(50) for version in history(Fraction(second))]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(store.put, versions))
    assert list(store.events("news")) == versions[2::3]
