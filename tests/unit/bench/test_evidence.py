from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from bench.accuracy.evidence import Sound, bears_out, settled
from bench.accuracy.model import Claim, Meter, Standing, Truth

RATE = 48_000


@pytest.fixture
def sound(tmp_path: Path) -> Sound:
    """4 s of a tone: silent from 1 s to 2 s, a hole of 20 ms in the second channel at 3 s, clipped at 3.5 s."""
    t = np.arange(4 * RATE) / RATE
    tone = np.stack([0.5 * np.sin(2 * np.pi * 440 * t), 0.5 * np.sin(2 * np.pi * 440 * t)])
    tone[:, RATE : 2 * RATE] = 0.0005 * np.sin(2 * np.pi * 440 * t[:RATE])
    tone[1, 3 * RATE : 3 * RATE + RATE // 50] = 0
    tone[0, round(3.5 * RATE) : round(3.5 * RATE) + 4] = 1
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.rint(tone.T * 32767).astype("<i2").tobytes())
    return Sound(str(path))


@pytest.mark.parametrize(
    ("span", "truly"), [((1.0, 2.0), True), ((0.995, 2.0), True), ((0.9, 2.0), False), ((2.1, 2.9), False)]
)
def test_silence_is_checked_against_the_samples(sound: Sound, span: tuple[float, float], truly: bool) -> None:
    assert bears_out(Claim("silence", None, *span), sound, Meter()) is truly


@pytest.mark.parametrize(("span", "truly"), [((3.5, 3.5001), True), ((0.1, 0.9), False)])
def test_clipping_is_checked_against_the_samples(sound: Sound, span: tuple[float, float], truly: bool) -> None:
    assert bears_out(Claim("clipping", "full_scale", *span), sound, Meter()) is truly


@pytest.mark.parametrize(("lufs", "truly"), [(-14.0, True), (-23.2, False), (None, None)])
def test_loudness_is_checked_by_the_meter(sound: Sound, lufs: float | None, truly: bool | None) -> None:
    claim = Claim("loudness", "programme", 0, 4)
    assert bears_out(claim, sound, Meter(integrated_lufs=lufs)) is truly


def test_nothing_measures_a_freeze(sound: Sound) -> None:
    assert bears_out(Claim("freeze", None, 0, 4), sound, Meter()) is None


def test_a_hole_in_one_channel_is_there_and_one_that_was_filled_is_optional(sound: Sound) -> None:
    there, filled = settled([Truth("dropout", None, 3.0, 3.02), Truth("dropout", None, 0.5, 0.52)], sound)
    assert (there.standing, filled.standing) == (Standing.REQUIRED, Standing.OPTIONAL)


def test_clipping_must_be_at_full_scale(sound: Sound) -> None:
    there, below = settled([Truth("clipping", None, 3.4, 3.6), Truth("clipping", None, 0.2, 0.6)], sound)
    assert (there.standing, below.standing) == (Standing.REQUIRED, Standing.OPTIONAL)


def test_silence_must_be_in_all_channels(sound: Sound) -> None:
    there, filled = settled([Truth("silence", None, 1.0, 2.0), Truth("silence", None, 2.0, 3.0)], sound)
    assert (there.standing, filled.standing) == (Standing.REQUIRED, Standing.OPTIONAL)
