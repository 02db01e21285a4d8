from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from glasswatch.evidence.sound import BLOCK, Grid
from tests.support import audio_chunks

RATE = 8000


def placed(*parts: tuple[np.ndarray, float, int], rate: int = RATE, offset: Fraction = Fraction(0)) -> np.ndarray:
    """All samples after some sound: samples, where they begin, and their rate."""
    grid, found, end = Grid(rate), [], 0
    for samples, start, own_rate in parts:
        for chunk in audio_chunks(samples, own_rate, chunk=len(samples), start=Fraction(start)):
            for sound in grid.add(chunk, offset):
                assert sound.first == end
                end += sound.samples.shape[1]
                found.append(sound.samples)
    return np.concatenate(found, axis=1)[0]


ONES = np.ones(RATE, np.float32)


def test_what_is_missing_is_silent_and_what_comes_twice_counts_once() -> None:
    samples = placed((ONES, 1, RATE), (2 * ONES, 3, RATE), (3 * ONES, 3.5, RATE))
    assert len(samples) == 4.5 * RATE
    assert [samples[round(t * RATE)] for t in (0, 0.99, 1, 1.99, 2, 2.99, 3, 3.99, 4)] == [0, 0, 1, 1, 0, 0, 2, 2, 3]


def test_what_lies_before_the_start_is_left_out() -> None:
    assert len(placed((ONES, 0, RATE), offset=Fraction(-1, 4))) == 0.75 * RATE


def test_a_long_silence_comes_in_pieces() -> None:
    grid = Grid(RATE)
    (chunk,) = audio_chunks(ONES, RATE, chunk=RATE, start=Fraction(60))
    assert max(sound.samples.shape[1] for sound in grid.add(chunk, Fraction(0))) <= BLOCK


@pytest.mark.parametrize("other", [4000, 11025, 16000])
def test_sound_at_another_rate_stays_where_it_is(other: int) -> None:
    times = np.arange(other) / other
    tone = np.sin(2 * np.pi * 100 * times).astype(np.float32)
    samples = placed((tone, 0, other), (tone, 1, other))
    assert len(samples) == pytest.approx(2 * RATE, abs=1)
    expected = np.sin(2 * np.pi * 100 * np.arange(len(samples)) / RATE)
    assert np.abs(samples - expected).max() < 0.17  # Between two samples it is a line, at the end it holds.


def test_channels_are_heard_together() -> None:
    grid = Grid(RATE)
    (chunk,) = audio_chunks(np.stack([ONES, 0 * ONES]), RATE, chunk=RATE)
    (sound,) = grid.add(chunk, Fraction(0))
    assert sound.samples.shape == (1, RATE)
    assert np.all(sound.samples == 0.5)
