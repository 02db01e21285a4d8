"""Artifacts that anybody hears: hiss at 20 dB, hum under a bass, sound of five bits."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, events, ffmpeg, inspect

RATE = 48_000
Pcm = npt.NDArray[np.float64]


def written(path: Path, sound: Pcm) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def voice(seconds: float) -> Pcm:
    """Syllables of harmonics under formants that move, with pauses, (samples,) at an active level of -20 dBFS."""
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 15 * np.sin(2 * np.pi * 0.7 * t) + 8 * np.sin(2 * np.pi * 2.3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    formant = 700 + 300 * np.sin(2 * np.pi * 1.9 * t)
    sound = sum(np.sin(n * phase) / (1 + ((n * pitch - formant) / 300) ** 2) / n**0.5 for n in range(1, 30))
    loud = np.clip(np.sin(2 * np.pi * 3.1 * t) + 0.5 * np.sin(2 * np.pi * 0.9 * t), 0, 1) ** 2
    sound = np.asarray(sound * loud)
    active = np.sqrt(np.mean(np.square(sound[loud > 0.1])))
    return sound * 0.1 / active


def bass(seconds: float) -> Pcm:
    """Two notes a second, plucked, harmonics up to the eighth, (samples,)."""
    t = np.arange(round(seconds * RATE)) / RATE
    hz = np.array([41.2, 82.4, 73.4, 65.4, 55.0, 49.0])[(2 * t).astype(int) % 6]
    since = t % 0.5
    notes = sum(np.sin(2 * np.pi * hz * n * since) / n**1.3 for n in range(1, 9))
    return np.asarray(0.2 * notes * np.exp(-since / 0.4) * (1 - np.exp(-since / 0.005)))


def mains(seconds: float, hz: float, level_dbfs: float) -> Pcm:
    t = np.arange(round(seconds * RATE)) / RATE
    hum = sum(np.sin(2 * np.pi * n * hz * t + n) / n for n in (1, 2, 3, 4, 5))
    return np.asarray(10 ** (level_dbfs / 20) * hum / np.std(hum))


def test_hiss_at_20_db_is_told(tmp_path: Path) -> None:
    noise = 0.01 * np.random.default_rng(5).standard_normal(12 * RATE)
    report = inspect(written(tmp_path / "hiss.wav", voice(12) + noise), "audio_artifacts")
    assert events(report, "hiss", Severity.WARNING)


def test_a_voice_without_hiss_has_none(tmp_path: Path) -> None:
    room = 1e-4 * np.random.default_rng(5).standard_normal(12 * RATE)
    report = inspect(written(tmp_path / "voice.wav", voice(12) + room), "audio_artifacts")
    assert events(report, "hiss") == []


@pytest.mark.parametrize("hz", [49.99, 60.02])
@pytest.mark.parametrize("level_dbfs", [-20, -26])
def test_hum_under_a_bass_is_told(tmp_path: Path, hz: float, level_dbfs: float) -> None:
    path = written(tmp_path / "hum.wav", bass(12) + mains(12, hz, level_dbfs))
    found = events(inspect(path, "audio_artifacts"), "hum", Severity.WARNING)
    assert found
    assert found[0].measurements["frequency_hz"] == pytest.approx(hz, abs=0.1)


def test_a_bass_alone_does_not_hum(tmp_path: Path) -> None:
    assert events(inspect(written(tmp_path / "bass.wav", bass(12)), "audio_artifacts"), "hum") == []


@pytest.mark.parametrize("bits", [4, 5, 6])
def test_coarse_pcm_is_distorted_once(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "loud.wav"
    ffmpeg("-i", BASE, "-t", "10", "-vn", "-ac", "1", "-ar", str(RATE), "-af", "volume=20dB", path)
    with wave.open(str(path)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    steps = 2 ** (bits - 1)
    report = inspect(written(tmp_path / "coarse.wav", np.round(sound * steps) / steps), "audio_artifacts")
    (event,) = report.events
    assert (event.defect, event.severity) == ("distortion", Severity.ERROR)
    assert event.end_s - event.start_s > 8
