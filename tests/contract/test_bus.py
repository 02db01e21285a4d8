"""What every bus must do; an adapter joins with one line in BUSES."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.adapters.memory_bus import MemoryBus
from glasswatch.ports.bus import Bus, BusClosedError

MakeBus = Callable[[int], Bus]

BUSES = [pytest.param(MemoryBus, id="memory")]

SOON_S = 10.0
"""A call that takes longer hangs."""

A_WHILE_S = 0.05
"""A call that has not returned by now is taken to wait."""

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=BUSES, scope="module")
def make_bus(request: pytest.FixtureRequest) -> MakeBus:
    make: MakeBus = request.param
    return make


@pytest.fixture
def bus(make_bus: MakeBus) -> Iterator[Bus]:
    """A bus with room for two messages; its waiting threads are let go at the end."""
    made = make_bus(2)
    yield made
    made.abort()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(8)
    yield pool
    pool.shutdown(wait=False)


def is_waiting(call: Future[Any]) -> bool:
    return not wait([call], timeout=A_WHILE_S).done


def publish_all(bus: Bus, messages: Iterable[object]) -> None:
    for message in messages:
        bus.publish("media", message)


def test_every_subscriber_gets_every_message_in_order(bus: Bus) -> None:
    first, second = bus.subscribe("media"), bus.subscribe("media")
    bus.publish("media", "a")
    bus.publish("media", "b")
    bus.close("media")
    assert list(first) == ["a", "b"]
    assert list(second) == ["a", "b"]


def test_messages_are_those_published_after_subscribing(bus: Bus) -> None:
    bus.publish("media", "before")
    subscription = bus.subscribe("media")
    bus.publish("media", "after")
    bus.close("media")
    assert list(subscription) == ["after"]


def test_topics_are_separate(bus: Bus) -> None:
    video, audio = bus.subscribe("video"), bus.subscribe("audio")
    bus.publish("video", "frame")
    bus.close("video")
    bus.publish("audio", "pcm")
    bus.close("audio")
    assert list(video) == ["frame"]
    assert list(audio) == ["pcm"]


def test_none_is_a_message_like_any_other(bus: Bus) -> None:
    subscription = bus.subscribe("media")
    bus.publish("media", None)
    bus.close("media")
    assert list(subscription) == [None]


def test_a_topic_without_subscribers_takes_any_number_of_messages(bus: Bus) -> None:
    for number in range(100):
        bus.publish("media", number)


def test_publishing_waits_for_the_slowest_subscriber(bus: Bus, threads: ThreadPoolExecutor) -> None:
    slow, fast = bus.subscribe("media"), bus.subscribe("media")
    bus.publish("media", 0)
    bus.publish("media", 1)
    assert list(islice(fast, 2)) == [0, 1]
    third = threads.submit(bus.publish, "media", 2)
    assert is_waiting(third)
    assert next(iter(slow)) == 0
    third.result(SOON_S)
    assert next(iter(fast)) == 2


def test_reading_waits_for_a_message(bus: Bus, threads: ThreadPoolExecutor) -> None:
    subscription = bus.subscribe("media")
    reading = threads.submit(next, iter(subscription))
    assert is_waiting(reading)
    bus.publish("media", "late")
    assert reading.result(SOON_S) == "late"


def test_a_subscriber_that_leaves_lets_the_publisher_go_on(bus: Bus, threads: ThreadPoolExecutor) -> None:
    failed, healthy = bus.subscribe("media"), bus.subscribe("media")
    publishing = threads.submit(publish_all, bus, range(20))
    received = threads.submit(lambda: list(islice(healthy, 20)))
    assert is_waiting(publishing)
    failed.close()
    publishing.result(SOON_S)
    assert received.result(SOON_S) == list(range(20))
    assert list(failed) == []


def test_leaving_ends_an_iteration_that_waits_and_may_be_repeated(bus: Bus, threads: ThreadPoolExecutor) -> None:
    subscription = bus.subscribe("media")
    reading = threads.submit(list, subscription)
    assert is_waiting(reading)
    subscription.close()
    subscription.close()
    assert reading.result(SOON_S) == []


def test_closing_a_topic_ends_an_iteration_that_waits(bus: Bus, threads: ThreadPoolExecutor) -> None:
    subscription = bus.subscribe("media")
    reading = threads.submit(list, subscription)
    assert is_waiting(reading)
    bus.close("media")
    bus.close("media")
    assert reading.result(SOON_S) == []
    assert list(bus.subscribe("media")) == []


def test_a_closed_topic_refuses_messages(bus: Bus) -> None:
    bus.close("media")
    with pytest.raises(BusClosedError, match="media"):
        bus.publish("media", "late")


def test_closing_a_topic_refuses_a_publisher_that_waits(bus: Bus, threads: ThreadPoolExecutor) -> None:
    subscription = bus.subscribe("media")
    bus.publish("media", 0)
    bus.publish("media", 1)
    third = threads.submit(bus.publish, "media", 2)
    assert is_waiting(third)
    bus.close("media")
    with pytest.raises(BusClosedError, match="media"):
        third.result(SOON_S)
    assert list(subscription) == [0, 1]


def test_abort_wakes_every_publisher_and_reader(bus: Bus, threads: ThreadPoolExecutor) -> None:
    bus.subscribe("full")
    bus.publish("full", 0)
    bus.publish("full", 1)
    empty = [bus.subscribe("empty"), bus.subscribe("empty")]
    waiting: list[Future[Any]] = [threads.submit(bus.publish, "full", n) for n in range(2, 5)]
    waiting += [threads.submit(next, iter(subscription)) for subscription in empty]
    assert all(is_waiting(call) for call in waiting)
    bus.abort()
    bus.abort()
    for call in waiting:
        with pytest.raises(BusClosedError):
            call.result(SOON_S)


def test_an_aborted_bus_hands_over_nothing_more(bus: Bus) -> None:
    subscription = bus.subscribe("media")
    bus.publish("media", "queued")
    bus.abort()
    with pytest.raises(BusClosedError):
        next(iter(subscription))
    for topic in ("media", "new"):
        with pytest.raises(BusClosedError):
            bus.publish(topic, "late")
        with pytest.raises(BusClosedError):
            next(iter(bus.subscribe(topic)))


def test_cleaning_up_after_an_abort_raises_nothing(bus: Bus) -> None:
    subscription = bus.subscribe("media")
    bus.abort()
    subscription.close()
    bus.close("media")
    bus.close("new")


@settings(max_examples=40, deadline=None)
@given(
    capacity=st.integers(1, 4),
    publishers=st.integers(1, 3),
    each=st.integers(0, 30),
    leave_after=st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=4),
)
def test_no_interleaving_loses_reorders_or_hangs(
    make_bus: MakeBus, capacity: int, publishers: int, each: int, leave_after: list[int | None]
) -> None:
    """Subscribers stay (None) or leave after so many messages; those that stay see one common order."""
    bus = make_bus(capacity)
    subscriptions = [bus.subscribe("media") for _ in leave_after]

    def read(index: int) -> list[Any]:
        messages = list(islice(subscriptions[index], leave_after[index]))
        subscriptions[index].close()
        return messages

    with ThreadPoolExecutor(8) as pool:
        try:
            reading = [pool.submit(read, index) for index in range(len(leave_after))]
            numbered = [[(publisher, number) for number in range(each)] for publisher in range(publishers)]
            for writing in [pool.submit(publish_all, bus, messages) for messages in numbered]:
                writing.result(SOON_S)
            bus.close("media")
            received = [call.result(SOON_S) for call in reading]
        finally:
            bus.abort()

    everything = max(received, key=len)
    for messages, limit in zip(received, leave_after, strict=True):
        assert messages == everything[: len(messages)]
        assert len(messages) == (publishers * each if limit is None else min(limit, publishers * each))
    for publisher in range(publishers):
        own = [number for who, number in everything if who == publisher]
        assert own == list(range(len(own)))
