"""When a circuit breaker lets calls through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.adapters.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock, pause_s: float = 2.0) -> CircuitBreaker:
    breaker = CircuitBreaker(limit=1, pause_s=pause_s, clock=clock)
    assert breaker.admit()
    breaker.failed()
    return breaker


@given(outcomes=st.lists(st.booleans(), max_size=40), limit=st.integers(1, 5))
def test_it_opens_after_so_many_failures_in_a_row_and_not_before(outcomes: list[bool], limit: int) -> None:
    breaker = CircuitBreaker(limit, 1.0, Clock())
    in_a_row = 0
    for good in outcomes:
        assert breaker.admit() == (in_a_row < limit)
        if breaker.is_open:
            break
        if good:
            breaker.succeeded()
        else:
            breaker.failed()
        in_a_row = 0 if good else in_a_row + 1
    assert breaker.is_open == (in_a_row >= limit)


def test_after_the_pause_one_call_tries() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1.5
    assert not breaker.admit()
    assert breaker.wait_s == 0.5
    clock.now += 0.5
    assert [breaker.admit() for _ in range(3)] == [True, False, False]
    assert breaker.is_open


def test_a_probe_that_is_answered_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    assert breaker.admit()
    breaker.succeeded()
    assert not breaker.is_open
    assert [breaker.admit() for _ in range(3)] == [True] * 3


def test_a_probe_that_fails_begins_the_pause_anew() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    assert breaker.admit()
    clock.now += 1
    breaker.failed()
    assert breaker.wait_s == 2
    clock.now += 2
    assert breaker.admit()


def test_a_probe_that_tells_nothing_leaves_the_next_one_to_try() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 2
    assert breaker.admit()
    breaker.abandoned()
    assert breaker.is_open
    assert breaker.admit()


def test_late_failures_of_calls_from_before_do_not_lengthen_the_pause() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    breaker.failed()
    assert breaker.wait_s == 1


@pytest.mark.parametrize(("limit", "pause_s"), [(0, 1.0), (1, -1.0)])
def test_senseless_limits_are_a_mistake(limit: int, pause_s: float) -> None:
    with pytest.raises(ValueError, match="breaker"):
        CircuitBreaker(limit, pause_s)
