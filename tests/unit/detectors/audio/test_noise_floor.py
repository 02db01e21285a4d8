from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.detectors.audio.noise_floor import floor_edge, noise_floor


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 96000])
@pytest.mark.parametrize("level_dbfs", [-60.0, -30.0])
def test_measures_steady_noise(rate: int, level_dbfs: float) -> None:
    noise = np.random.default_rng(5).standard_normal(rate) * 10 ** (level_dbfs / 20)
    floor = noise_floor(noise.astype(np.float32), rate)
    # At 8 kHz a thirteenth of white noise lies below 300 Hz.
    assert floor.level_dbfs == pytest.approx(level_dbfs, abs=1)
    assert floor.contrast_db < 1


def test_looks_into_the_pauses() -> None:
    rng = np.random.default_rng(6)
    sound = 0.1 * rng.standard_normal(48_000) * (np.arange(48_000) % 12_000 < 9_000)
    floor = noise_floor((sound + 0.001 * rng.standard_normal(48_000)).astype(np.float32), 48_000)
    assert floor.level_dbfs == pytest.approx(-60, abs=1)
    assert floor.contrast_db == pytest.approx(38.8, abs=1)


def test_hum_is_not_hiss() -> None:
    t = np.arange(48_000) / 48_000
    hum = sum(0.1 / n * np.sin(2 * np.pi * 50 * n * t) for n in range(1, 5))
    assert noise_floor(np.asarray(hum, np.float32), 48_000).level_dbfs < -70


def test_silence() -> None:
    floor = noise_floor(np.zeros(48_000, np.float32), 48_000)
    assert (floor.level_dbfs, floor.contrast_db) == (-144, 0)


def paused(rate: int = 48_000, seconds: float = 2) -> npt.NDArray[np.float32]:
    """Noise at -20 dBFS that pauses for 50 ms in every 250, over noise at -80 dBFS."""
    rng = np.random.default_rng(9)
    count = round(seconds * rate)
    sound = 0.1 * (np.arange(count) % (rate // 4) < rate // 5) + 1e-4
    return np.asarray(sound * rng.standard_normal(count), np.float32)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("at_s", [0.1, 0.45, 0.93])
def test_a_floor_begins_after_the_last_pause_without_it(rate: int, at_s: float) -> None:
    noise = (0.003 * np.random.default_rng(10).standard_normal(2 * rate)).astype(np.float32)
    at = round(at_s * rate)
    late, early = paused(rate), paused(rate)
    late[at:] += noise[at:]
    early[: rate + at] += noise[: rate + at]
    onset, end = floor_edge(late, rate, begins=True), floor_edge(early, rate, begins=False)
    # Pauses come every 250 ms; the one in which the floor begins tells by itself.
    if onset is None:
        assert at_s < 0.25
    else:
        assert at_s - 0.25 <= onset / rate <= at_s + 0.05
    assert end is not None
    assert 1 + at_s - 0.05 <= end / rate <= 1 + at_s + 0.25


def test_a_floor_that_is_there_all_the_time_has_no_edge() -> None:
    sound = paused() + (0.003 * np.random.default_rng(10).standard_normal(96_000)).astype(np.float32)
    assert floor_edge(sound, 48_000, begins=True) is None
    assert floor_edge(sound, 48_000, begins=False) is None
