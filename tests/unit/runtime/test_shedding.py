"""When media of a live channel is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.runtime.worker.shedding import SHED_AFTER_S, SHED_UNTIL_S, Shedding

AGES = st.floats(0, 1000)


def shed(ages: list[float], after_s: float = SHED_AFTER_S) -> list[bool]:
    rule = Shedding(after_s)
    return [rule.must_shed("news", age, live=True) for age in ages]


def test_it_begins_when_far_behind_and_goes_on_until_there_is_room_again() -> None:
    assert shed([0, 14.9, 15, 15.1, 14, 5.1, 4.9, 14, 15.1]) == [
        False,
        False,
        False,
        True,
        True,
        True,
        False,
        False,
        True,
    ]


@given(st.lists(AGES))
def test_a_file_waits_however_late_it_is(ages: list[float]) -> None:
    rule = Shedding()
    assert not any(rule.must_shed("film", age, live=False) for age in ages)


@given(st.lists(AGES))
def test_only_what_is_late_is_left_out(ages: list[float]) -> None:
    for age, left_out in zip(ages, shed(ages), strict=True):
        if age > SHED_AFTER_S:
            assert left_out
        if age < SHED_UNTIL_S:
            assert not left_out


def test_channels_do_not_share_their_lateness() -> None:
    rule = Shedding()
    assert rule.must_shed("late", 20, live=True)
    assert not rule.must_shed("prompt", 10, live=True)
    assert rule.must_shed("late", 10, live=True)


@pytest.mark.parametrize("after_s", [0.5, 2.0, 5.0])
def test_a_short_patience_is_also_where_it_ends(after_s: float) -> None:
    assert shed([after_s * 1.1, after_s * 0.9], after_s) == [True, False]
