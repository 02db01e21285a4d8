from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.detectors.sync.features import SOUND_STEPS, STEP_RATE, band_powers
from glasswatch.detectors.sync.listen import LONGEST_GAP_S, Listening
from tests.support import audio_chunks

RATE = 8000


def noise(seconds: float, rate: int = RATE, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)), np.float32)


def heard(samples: np.ndarray, rate: int = RATE, chunk: int | Sequence[int] = 2000, start: int = 0) -> Listening:
    listening = Listening()
    for unit in audio_chunks(samples, rate, chunk=chunk, start=Fraction(start)):
        listening.add(unit)
    return listening


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_powers_are_those_of_training(rate: int) -> None:
    samples = noise(2, rate)
    listening = heard(samples, rate, 1024, start=90_000)
    assert 90_000 * STEP_RATE <= listening.first <= 90_000 * STEP_RATE + 1
    assert listening.end >= 90_002 * STEP_RATE - 1
    times = np.arange(listening.first, listening.end) / STEP_RATE - 90_000
    np.testing.assert_allclose(listening.powers, band_powers(samples, rate, 0.0, times + 1e-9), rtol=1e-4, atol=1e-9)


@given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=6))
@settings(max_examples=20)
def test_how_sound_is_cut_changes_nothing(sizes: list[int]) -> None:
    samples = noise(1.5)
    whole, cut = heard(samples, chunk=len(samples)), heard(samples, chunk=sizes * 12000)
    assert (whole.first, whole.end) == (cut.first, cut.end)
    np.testing.assert_allclose(cut.powers, whole.powers, rtol=1e-4, atol=1e-9)


def test_what_is_kept_is_what_is_needed() -> None:
    listening = heard(noise(10))
    assert len(listening.samples) < 0.2 * RATE
    listening.forget(200)
    assert (listening.first, listening.between(200, 240).shape) == (200, (40 * SOUND_STEPS, 40))
    before = listening.between(220, 240)
    listening.forget(100)
    np.testing.assert_array_equal(listening.between(220, 240), before)


def test_what_is_not_known_is_silent() -> None:
    listening = heard(noise(2))
    assert listening.between(40, 60)[-8 * SOUND_STEPS :].max() == 0
    assert listening.between(-20, 0).max() == 0
    assert listening.between(900, 910).max() == 0


def test_a_short_gap_is_silent_and_a_long_one_a_new_beginning() -> None:
    first, second = noise(1), noise(1, seed=1)
    short = heard(first)
    short.add(audio_chunks(second, RATE, chunk=RATE, start=Fraction(2))[0])
    assert short.between(28, 48).max() < 1e-9 < short.between(60, 70).sum(axis=1).min()
    long = heard(first)
    at = 1 + LONGEST_GAP_S
    long.add(audio_chunks(second, RATE, chunk=RATE, start=at)[0])
    assert long.first == at * STEP_RATE + 1


def test_samples_that_come_twice_count_once() -> None:
    samples = noise(2)
    listening = heard(samples[:RATE])
    listening.add(audio_chunks(samples[RATE // 2 :], RATE, chunk=3 * RATE, start=Fraction(1, 2))[0])
    np.testing.assert_allclose(listening.powers, heard(samples).powers, rtol=1e-4, atol=1e-9)
