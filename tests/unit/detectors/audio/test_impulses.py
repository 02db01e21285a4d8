from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.detectors.audio.impulses import CONTEXT_S, impulses

Floats = npt.NDArray[np.float64]
CREST_DB = 9.0


def voiced(rate: int, seconds: float = 1.1, seed: int = 2) -> Floats:
    """Pulses at 110 Hz through two resonances, over noise at -70 dBFS."""
    rng = np.random.default_rng(seed)
    count = round(seconds * rate)
    pulses = np.zeros(count)
    pulses[:: rate // 110] = 1
    t = np.arange(round(0.03 * rate)) / rate
    for hz, decay_s in ((600, 0.004), (1500, 0.003)):
        pulses = np.convolve(pulses, np.exp(-t / decay_s) * np.sin(2 * np.pi * hz * t))[:count]
    return 0.1 * pulses / np.abs(pulses).max() + 3e-4 * rng.standard_normal(count)


def found(sound: Floats, rate: int = 48_000) -> list[int]:
    context = round(CONTEXT_S * rate)
    return impulses(sound.astype(np.float32), rate, context, len(sound) - context, CREST_DB).at.tolist()


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
def test_finds_a_click_to_the_sample(rate: int) -> None:
    sound = voiced(rate)
    at = round(0.4567 * rate)
    sound[at] += 0.5
    assert found(sound, rate) == [at]


def test_measures_its_height() -> None:
    sound = 0.01 * np.random.default_rng(1).standard_normal(48_000)
    sound[20_000] += 0.5
    seen = impulses(sound.astype(np.float32), 48_000, 0, len(sound), CREST_DB)
    assert seen.peaks == pytest.approx([0.5], rel=0.1)
    assert seen.crests_db[0] > 20


def test_finds_a_step_where_sound_was_cut() -> None:
    t = np.arange(48_000) / 48_000
    sound = 0.2 * np.sin(2 * np.pi * 220 * t)
    sound[24_000:] = 0.2 * np.sin(2 * np.pi * 220 * t[24_000:] + 2)
    assert found(sound) == [24_000]


def test_finds_where_a_hole_begins_and_not_where_sound_does() -> None:
    t = np.arange(48_000) / 48_000
    sound = 0.2 * np.sin(2 * np.pi * 220 * t)
    sound[24_020:24_980] = 0
    assert found(sound) == [24_020]


def test_a_voice_has_none() -> None:
    assert found(voiced(48_000)) == []


@pytest.mark.parametrize("seed", range(10))
def test_noise_has_none(seed: int) -> None:
    assert found(0.1 * np.random.default_rng(seed).standard_normal(48_000)) == []


@pytest.mark.parametrize("decay_s", [0.015, 0.05, 0.3])
def test_a_knock_rings_on(decay_s: float) -> None:
    rng = np.random.default_rng(4)
    sound = 1e-3 * rng.standard_normal(48_000)
    t = np.arange(24_000) / 48_000
    sound[20_000:44_000] += 0.5 * rng.standard_normal(24_000) * np.exp(-t / decay_s)
    assert found(sound) == []


def test_only_where_it_was_asked() -> None:
    sound = 0.01 * np.random.default_rng(1).standard_normal(48_000)
    sound[[10_000, 30_000]] += 0.5
    assert impulses(sound.astype(np.float32), 48_000, 20_000, 30_000, CREST_DB).at.tolist() == []
    assert impulses(sound.astype(np.float32), 48_000, 20_000, 30_001, CREST_DB).at.tolist() == [30_000]


def test_the_beginning_of_sound_is_no_click() -> None:
    t = np.arange(48_000) / 48_000
    sound = (0.3 * np.cos(2 * np.pi * 500 * t)).astype(np.float32)
    assert impulses(sound, 48_000, 0, 48_000, CREST_DB).at.tolist() == []


def test_where_the_sound_is_cut_off_there_is_no_click() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, 48_000).astype(np.float32)
    noise[[480, 24_000, -3_000]] += 0.5

    assert impulses(noise, 48_000, 0, len(noise), CREST_DB).at.tolist() == [24_000]
