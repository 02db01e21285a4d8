"""The noise floor of a second of sound, by minimum statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glasswatch.detectors.audio.pcm import FLOOR_DBFS, Pcm

FRAME_S = 0.02
LOWEST_HZ = 300.0
"""Below it rumble, hum and the fundamentals of voices never pause."""

QUIET_PART = 0.1
"""The floor is what the sound falls to in the quietest tenth of the frames."""

BIAS_DB = 1.0
"""What the power of steady noise in its quietest tenth of frames lies below its mean: the sum over 250 bins or more of
a frame varies by 0.3 dB, that of coloured noise, where fewer bins count, by 1 dB; after Martin (2001)."""


@dataclass(frozen=True, slots=True)
class NoiseFloor:
    """What never pauses in a second of sound.

    Attributes:
        level_dbfs: RMS level of the steady sound above LOWEST_HZ.
        contrast_db: How far the mean level of the second lies above it: 0 for noise alone.
    """

    level_dbfs: float
    contrast_db: float


def noise_floor(segment: Pcm, rate: int) -> NoiseFloor:
    """The floor under one second of one channel, (rate,) samples."""
    length = round(FRAME_S * rate)
    frames = segment[: len(segment) // length * length].reshape(-1, length)
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(frames * window)[:, int(np.ceil(LOWEST_HZ * FRAME_S)) :]
    # One-sided power of a frame, over the window's: the mean square of what passed.
    powers = 2 * np.square(np.abs(spectra)).sum(axis=1) / (length * np.square(window).sum())
    quiet = max(round(QUIET_PART * len(powers)), 1)
    floor = _decibels(float(np.partition(powers, quiet - 1)[:quiet].mean())) + BIAS_DB
    mean = _decibels(float(powers.mean()))
    return NoiseFloor(round(max(floor, FLOOR_DBFS), 2), round(max(mean - floor, 0.0), 2))


def _decibels(power: float) -> float:
    return 10 * float(np.log10(max(power, 1e-16)))
