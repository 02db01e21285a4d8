from __future__ import annotations

import threading

import pytest

from glasswatch.adapters.memory_bus import MemoryBus
from glasswatch.ports.bus import BusClosedError
from glasswatch.runtime.pipeline import Pipeline

pytestmark = pytest.mark.timeout(30)


def test_stages_end_one_after_the_other_and_lose_nothing() -> None:
    pipeline = Pipeline(MemoryBus(2))
    doubled: list[int] = []
    pipeline.consume("results", doubled.append, lambda: doubled.append(-1))
    pipeline.consume("numbers", lambda n: pipeline.bus.publish("results", 2 * n))
    for n in range(100):
        pipeline.bus.publish("numbers", n)
    pipeline.finish(["numbers"])
    pipeline.finish(["results"])
    assert doubled == [*range(0, 200, 2), -1]


def test_a_consumer_that_raises_ends_everything_and_its_error_is_raised() -> None:
    pipeline = Pipeline(MemoryBus(1))
    stuck = threading.Event()

    def fail(_: object) -> None:
        raise ZeroDivisionError("broken")

    pipeline.consume("numbers", fail)
    pipeline.consume("numbers", lambda _: stuck.set())
    publish_many = lambda: [pipeline.bus.publish("numbers", n) for n in range(100)]  # noqa: E731
    with pytest.raises(BusClosedError):
        publish_many()
    with pytest.raises(ZeroDivisionError, match="broken"):
        pipeline.finish(["numbers"])


def test_an_error_after_the_last_message_is_raised_too() -> None:
    pipeline = Pipeline(MemoryBus(1))

    def fail() -> None:
        raise ZeroDivisionError("at the end")

    pipeline.consume("numbers", lambda _: None, fail)
    pipeline.bus.publish("numbers", 1)
    with pytest.raises(ZeroDivisionError, match="at the end"):
        pipeline.finish(["numbers"])
