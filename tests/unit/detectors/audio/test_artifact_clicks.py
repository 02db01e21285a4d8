"""Clicks: which impulses count, and how they are told."""

from __future__ import annotations

import numpy as np
import pytest

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.runs import Reading
from glasswatch.detectors.audio.artifact_clicks import UNSURE, Click, Clicks, ClicksParams, SureParams, Told, clicks_in

RATE = 1000
"""A click is over after 10 samples."""

HEARD = Reading(Verdict.OK, 0.8, {"probability": 0.9, "channel": 1.0})
SURE = SureParams(threshold=0.9, crest_db=15, over_db=0)
PARAMS = ClicksParams(threshold=0.95, sure=(SURE,), crest_db=6, spread_db=12, peak_dbfs=-60)


def click(at: int, crest_db: float = 20.0, channel: int = 0) -> Click:
    return Click(at, 0.5, crest_db, channel)


def told(clicks: list[Click], until: int = 1000) -> list[Told]:
    held = Clicks()
    held.add(clicks, RATE)
    return list(held.tell(until, HEARD, RATE))


def heard(heights: dict[int, float], params: ClicksParams = PARAMS) -> list[int]:
    """Where clicks of these heights, by sample, are found in noise at -50 dBFS."""
    return [c.at for c in clicks_of(heights, 0.99, params)]


def clicks_of(heights: dict[int, float], probability: float, params: ClicksParams = PARAMS) -> list[Click]:
    rate = 16_000
    sound = 10 ** (-50 / 20) * np.random.default_rng(3).standard_normal(rate)
    for at, height in heights.items():
        sound[at] += height
    return clicks_in(sound.astype(np.float32), rate, 0, rate, 0, probability, params)


def test_impulses_that_are_much_lower_than_the_clearest_are_none() -> None:
    assert heard({4000: 0.03, 9000: 0.04}) == [4000, 9000]
    assert heard({4000: 0.03, 9000: 0.9}) == [9000]
    assert heard({4000: 0.03, 9000: 0.9}, PARAMS.model_copy(update={"spread_db": 40})) == [4000, 9000]


def test_what_is_not_high_enough_is_none() -> None:
    assert heard({4000: 0.1}, PARAMS.model_copy(update={"peak_dbfs": -24})) == [4000]
    assert heard({4000: 0.1}, PARAMS.model_copy(update={"peak_dbfs": -16})) == []
    assert heard({}) == []


def test_a_click_far_above_its_second_is_sure() -> None:
    assert [c.is_sure for c in clicks_of({4000: 0.9}, 0.99)] == [True]
    assert [c.is_sure for c in clicks_of({4000: 0.03}, 0.99)] == [False]


def test_below_the_threshold_only_sure_clicks_count() -> None:
    assert [c.at for c in clicks_of({4000: 0.9}, 0.92)] == [4000]
    assert clicks_of({4000: 0.03}, 0.92) == []
    assert clicks_of({4000: 0.9}, 0.8) == []


def test_clicks_that_are_not_sure_call_nobody() -> None:
    unsure = Click(200, 0.5, 20.0, 0, is_sure=False)
    ceilings = [[t.reading.ceiling for t in told(clicks) if t.worst] for clicks in ([unsure], [unsure, click(400)])]
    assert ceilings == [[Severity.INFO], [None]]
    assert [t.reading.reason for t in told([unsure])] == [None, UNSURE, None]


def test_clicks_of_a_second_are_one_stretch_from_the_first_to_the_last() -> None:
    found = told([click(700, 25.0), click(200), click(450)])
    assert [(t.first, t.last, t.reading.verdict) for t in found] == [
        (0, 200, Verdict.OK),
        (200, 710, Verdict.DEFECT),
        (710, 1000, Verdict.OK),
    ]
    assert found[1].worst == 700
    assert found[1].reading.measurements == {
        "probability": 0.9,
        "channel": 0.0,
        "clicks": 3.0,
        "crest_db": 25.0,
        "peak_dbfs": -6.02,
    }
    assert [t.reading.score for t in found] == [0.49, 0.8, 0.49]


def test_none_is_one_stretch() -> None:
    assert [(t.first, t.last, t.reading.verdict) for t in told([])] == [(0, 1000, Verdict.OK)]


@pytest.mark.parametrize("at", [0, 989, 990, 999])
def test_at_the_ends_nothing_is_left_over(at: int) -> None:
    found = told([click(at)])
    assert [t.first for t in found] == [0, *(t.last for t in found[:-1])]
    assert found[-1].last == 1000
    assert [t.first for t in found if t.reading.verdict is Verdict.DEFECT] == [at]


def test_channels_and_overlapping_seconds_have_a_click_in_common() -> None:
    held = Clicks()
    held.add([click(100, 20.0, channel=0), click(104, 30.0, channel=1), click(120)], RATE)
    held.add([click(101)], RATE)
    assert [(c.at, c.channel) for c in held.found] == [(104, 1), (120, 0)]


def test_a_click_beyond_waits_and_one_that_was_told_is_not_told_again() -> None:
    held = Clicks()
    held.add([click(400), click(1200)], RATE)
    assert [t.last for t in held.tell(1000, HEARD, RATE)] == [400, 410, 1000]
    held.add([click(990)], RATE)
    assert [(t.first, t.last) for t in held.tell(2000, HEARD, RATE)] == [(1000, 1200), (1200, 1210), (1210, 2000)]
