"""Audio artifacts: clicks, at their moments."""

from __future__ import annotations

import numpy as np
import pytest

from glasswatch.core.detection import Verdict
from tests.support import audio_chunks, detect, make_detector
from tests.unit.detectors.audio.classified import (
    NAME,
    RATE,
    Classifier,
    Listening,
    events,
    of,
    said,
    speech,
)
from tests.unit.detectors.audio.pcm_cases import noise


def test_clicks_are_told_at_their_moments() -> None:
    sound = speech(5)
    for at_s in (1.35, 1.75, 3.5):
        sound[round(at_s * RATE)] += 0.7
    found = said(sound, Listening())
    assert of("clicks", found) == [
        pytest.approx((1.35, 1.76), abs=0.001),
        pytest.approx((3.5, 3.51), abs=0.001),
    ]
    first = next(d for d in found if d.verdict is Verdict.DEFECT)
    assert first.measurements["clicks"] == 2
    assert first.measurements["peak_dbfs"] == pytest.approx(-3, abs=1)
    assert first.worst is not None
    assert float(first.worst) in (pytest.approx(1.35, abs=1e-3), pytest.approx(1.75, abs=1e-3))
    assert {e.defect for e in events(sound, Listening())} == {"clicks"}


def test_without_an_impulse_there_is_no_click() -> None:
    assert of("clicks", said(noise(5, RATE), Classifier("clicks"))) == []


def test_a_click_on_the_seam_of_two_seconds_is_told_once() -> None:
    for offset in (-1, 0, 1):
        sound = speech(4)
        sound[2 * RATE + offset] += 0.7
        ((start, end),) = of("clicks", said(sound, Classifier("clicks")))
        assert start == pytest.approx(2 + offset / RATE)
        assert end <= 2.011


def test_a_click_in_silence_is_heard() -> None:
    sound = np.zeros(3 * RATE, np.float32)
    sound[RATE + 500 : RATE + 505] = 0.1
    assert len(of("clicks", said(sound, Classifier("clicks")))) == 1


def test_a_click_in_what_is_left_is_told_once() -> None:
    sound = speech(3.1)
    sound[[round(2.5 * RATE), round(3.02 * RATE)]] += 0.7
    assert of("clicks", said(sound, Classifier("clicks"))) == [
        pytest.approx((2.5, 2.51), abs=1e-3),
        pytest.approx((3.02, 3.03), abs=1e-3),
    ]


@pytest.mark.parametrize("rest", [0.08, 0.1, 0.2])
def test_how_much_is_held_does_not_matter_to_clicks_in_what_is_left(rest: float) -> None:
    sound = noise(4 + rest, RATE, 1, 0.02)
    sound[0, 4 * RATE + 40] += 0.7
    whole = detect(make_detector(NAME, Classifier("clicks")), audio_chunks(sound, RATE, chunk=sound.shape[1]))
    assert of("clicks", whole)[-1][0] == pytest.approx(4 + 40 / RATE)
    assert detect(make_detector(NAME, Classifier("clicks")), audio_chunks(sound, RATE, chunk=800)) == whole
