from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from glasswatch.detectors.sync.speech import BEFORE, FRAME, RATE, reach, resampled, share


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_what_is_resampled_sounds_the_same(rate: int) -> None:
    times = np.arange(rate) / rate
    low = 0.5 * np.sin(2 * np.pi * 700 * times)
    at = Fraction(rate, 3)
    found = resampled(low.astype(np.float32), rate, at, 2000) / 32767
    expected = 0.5 * np.sin(2 * np.pi * 700 * (float(at) / rate + np.arange(2000) / RATE))
    assert np.abs(found - expected).max() < 0.01


def test_what_is_too_high_is_left_out() -> None:
    high = np.sin(2 * np.pi * 11_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(resampled(high, 48_000, Fraction(100), 4000)).max() < 0.01 * 32767


def test_no_sample_outside_its_reach_is_looked_at() -> None:
    for rate in (8000, 44100, 48000):
        samples = np.zeros(4000, np.float32)
        samples[[1000 - reach(rate), 1000 + reach(rate) + 1]] = 1
        assert resampled(samples, rate, Fraction(1000), 1)[0] == 0


def test_the_model_sees_what_is_before_each_frame() -> None:
    given: dict[str, Any] = {}

    def infer(model: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        assert model == "speech"
        given.update(inputs)
        return {"speech_probs": np.array([0.4, 0.5, 0.9, 0.1], np.float32)}

    samples = np.arange(4 * FRAME + 100).astype(np.int16)
    assert share(samples, infer) == 0.5
    assert given["input"].shape == (4, BEFORE + FRAME)
    assert (given["input"][0, :BEFORE] == 0).all()
    np.testing.assert_array_equal(given["input"][1] * 32768, samples[FRAME - BEFORE : 2 * FRAME])
    assert given["h"].shape == given["c"].shape == (1, 1, 128)


def test_less_than_a_frame_is_no_speech() -> None:
    assert share(np.ones(FRAME - 1, np.int16), lambda model, inputs: {}) == 0
