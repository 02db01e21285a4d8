from __future__ import annotations

import math

import pytest

from glasswatch.core.text import timecode
from glasswatch.report.wording import clock, duration, number, quantity, words


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0:00:00.000"),
        (12.48, "0:00:12.480"),
        (59.9996, "0:01:00.000"),
        (3599.9994, "0:59:59.999"),
        (360000.5, "100:00:00.500"),
        (-1.5, "−0:00:01.500"),
    ],
)
def test_timecode(seconds: float, shown: str) -> None:
    assert timecode(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "40 ms"), (0.9999, "1.00 s"), (2.5, "2.50 s"), (75.4, "0:01:15")]
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_clock_rounds_with_carry() -> None:
    assert clock(3599.6) == "1:00:00"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-23.456, "−23.46"),
        (0.99912, "0.9991"),
        (3.0, "3"),
        (-0.0, "0"),
        (48000.4, "48,000"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "unknown"),
        (1e300, "1e+300"),
    ],
)
def test_number(value: float, shown: str) -> None:
    assert number(value) == shown


def test_words() -> None:
    assert words("flash_frame") == "Flash frame"
    assert words("") == ""


@pytest.mark.parametrize(
    ("name", "unit", "shown"),
    [
        ("level_dbfs", "dBFS", ("Level", "1.5 dBFS")),
        ("flashes_per_s", "1/s", ("Flashes", "1.5/s")),
        ("speed_m_per_s", "m/s", ("Speed", "1.5 m/s")),
        ("frames", "frames", ("Frames", "1.5")),
        ("still_s", "s", ("Still", "1.5 s")),
        ("s", "s", ("S", "1.5")),
        ("dark_ratio", "1", ("Dark ratio", "1.5")),
        ("area_percent", "percent", ("Area", "1.5%")),
        ("area_percent", "%", ("Area", "1.5%")),
        ("odd", None, ("Odd", "1.5")),
    ],
)
def test_quantity(name: str, unit: str | None, shown: tuple[str, str]) -> None:
    assert quantity(name, 1.5, unit) == shown
