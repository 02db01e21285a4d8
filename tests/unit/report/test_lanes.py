"""Bars that would run together become columns that show how dense they are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from glasswatch.report.lanes import COLUMNS, PALEST, bars


@dataclass(frozen=True)
class Event:
    number: int
    left: float
    width: float
    severity: str = "warning"
    summary: str = "#1"


def row(count: int, every_s: float, lasting_s: float, length_s: float) -> list[Event]:
    return [Event(i, 100 * i * every_s / length_s, 100 * lasting_s / length_s) for i in range(count)]


def test_events_with_room_between_them_are_bars() -> None:
    drawn = bars(row(100, 9, 1, 900), 900)
    assert [(bar.count, bar.opacity) for bar in drawn] == [(1, 1.0)] * 100


def test_second_long_events_every_nine_seconds_of_two_hours_are_no_solid_bar() -> None:
    drawn = bars(row(800, 9, 1, 7260), 7260)
    assert len(drawn) <= COLUMNS
    assert sum(bar.count for bar in drawn) == 800
    assert max(bar.opacity for bar in drawn) < 0.5
    assert all(one.left + one.width < other.left for one, other in pairwise(drawn))


@pytest.mark.parametrize(("lasting_s", "opacity"), [(1, PALEST + 0.07), (5, PALEST + 0.35), (9.9, PALEST + 0.69)])
def test_a_column_is_darker_the_more_of_the_time_is_taken(lasting_s: float, opacity: float) -> None:
    length_s = 10.0 * COLUMNS * 10
    drawn = bars(row(100, 10, lasting_s, length_s), length_s)
    assert drawn[3].opacity == pytest.approx(opacity, abs=0.08)


def test_long_events_stay_bars_and_errors_lie_on_top() -> None:
    drawn = bars([Event(1, 10, 30, "error"), Event(2, 12, 0.01), Event(3, 12.1, 0.01)], 1000)
    assert [(bar.severity, bar.count) for bar in drawn] == [("warning", 2), ("error", 1)]
    assert drawn[0].summary.startswith("2 times warning within 4 s, the first:")
