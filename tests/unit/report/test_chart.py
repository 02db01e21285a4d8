from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.report import chart
from glasswatch.report.model import Envelope


def _envelope(low: list[float], high: list[float], bucket_s: float = 1.0) -> Envelope:
    return Envelope(bucket_s, np.array(low, np.float32), np.array(high, np.float32))


def _points(path: str) -> list[list[tuple[float, float]]]:
    """The corners of each closed part."""
    parts = [part for part in re.split("[MZ]", path) if part]
    return [[tuple(map(float, point.split())) for point in part.split("L")] for part in parts]  # type: ignore[misc]


@given(length_s=st.floats(0.001, 1e7))
def test_ticks_are_few_and_round_and_on_the_axis(length_s: float) -> None:
    marks = chart.ticks(length_s)
    assert marks[0].percent == 0
    assert len(marks) <= chart.MOST_TICKS + 1
    assert all(0 <= mark.percent <= 100 for mark in marks)
    assert len({mark.label for mark in marks}) == len(marks)


@pytest.mark.parametrize(
    ("length_s", "labels"),
    [
        (0.5, ["0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]),
        (30, ["0:00:00", "0:00:05", "0:00:10", "0:00:15", "0:00:20", "0:00:25", "0:00:30"]),
        (5400, ["0:00:00", "0:15:00", "0:30:00", "0:45:00", "1:00:00", "1:15:00", "1:30:00"]),
    ],
)
def test_tick_labels(length_s: float, labels: list[str]) -> None:
    assert [mark.label for mark in chart.ticks(length_s)] == labels


def test_a_waveform_spans_the_axis() -> None:
    ((*corners,),) = _points(chart.waveform_path(_envelope([-1, -0.5, 0, 0], [1, 0.5, 0, 0]), 4))
    assert min(x for x, _ in corners) == 0
    assert max(x for x, _ in corners) == chart.WIDTH
    assert (min(y for _, y in corners), max(y for _, y in corners)) == (0, chart.HEIGHT)
    quiet = [y for x, y in corners if x > 750]
    assert 0 < max(quiet) - min(quiet) <= 2, "silence is drawn as a thin line"


def test_what_is_missing_is_not_drawn() -> None:
    nan = float("nan")
    first, second = _points(chart.waveform_path(_envelope([-1, nan, nan, -1], [1, nan, nan, 1]), 4))
    assert max(x for x, _ in first) == 250
    assert min(x for x, _ in second) == 750
    assert chart.waveform_path(_envelope([nan], [nan]), 1) == ""
    assert chart.waveform_path(_envelope([], []), 1) == ""


def test_loudness_runs_along_the_bottom_when_there_is_none() -> None:
    ((*corners,),) = _points(chart.loudness_path(_envelope([-np.inf, -80], [-np.inf, -70]), 2))
    assert {y for _, y in corners} == {chart.HEIGHT}


def test_the_loudness_scale() -> None:
    ys = [float(chart.loudness_y(lufs)) for lufs in (0, chart.LOUDNESS_TOP, -30, chart.LOUDNESS_BOTTOM, -90)]
    assert ys == [0, 0, 50, 100, 100]


@settings(deadline=None, max_examples=40)
@given(count=st.integers(1, 5000))
def test_a_path_is_small_and_keeps_its_peak(count: int) -> None:
    high = np.zeros(count, np.float32)
    high[count // 2] = 1
    path = chart.waveform_path(Envelope(0.01, -high, high), count * 0.01)
    ((*corners,),) = _points(path)
    assert len(corners) <= 2 * (chart.MOST_COLUMNS + 2)
    assert min(y for _, y in corners) == 0
