from __future__ import annotations

import numpy as np
import pytest

from glasswatch.detectors.audio.noise_floor import noise_floor


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
