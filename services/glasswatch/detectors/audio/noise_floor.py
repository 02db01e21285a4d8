"""The noise floor of a second of sound, by minimum statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.audio.pcm import FLOOR_DBFS, Pcm

FRAME_S = 0.02
LOWEST_HZ = 300.0
"""Below it rumble, hum and the fundamentals of voices never pause."""

QUIET_PART = 0.1
"""The floor is what the sound falls to in the quietest tenth of the frames."""

BIAS_DB = 1.0
"""What the power of steady noise in its quietest tenth of frames lies below its mean: the sum over 250 bins or more of
a frame varies by 0.3 dB, that of coloured noise, where fewer bins count, by 1 dB; after Martin (2001)."""

BELOW_DB = 4.0
"""A frame that lies so far below a floor is without it: the quietest frames of steady noise vary by 1 dB, and what is
taken off is as much again as BIAS_DB adds."""


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
    powers = _powers(segment, rate)
    floor = _floor_db(powers)
    mean = _decibels(float(powers.mean()))
    return NoiseFloor(round(max(floor, FLOOR_DBFS), 2), round(max(mean - floor, 0.0), 2))


def floor_edge(samples: Pcm, rate: int, *, begins: bool) -> int | None:
    """Where a noise floor begins or ends, in samples.

    While it is there, the sound cannot fall below it: it begins after the last frame that is clearly below, or ends
    before the first one.

    Args:
        samples: (samples,) of one channel, a second or more.
        rate: Samples per second.
        begins: The last half second has the floor, and it is asked since when; else the first half second has it, and
            it is asked until when.

    Returns:
        None where no frame tells: the programme covers the floor, or it is there all the time.
    """
    powers, length = _powers(samples, rate), round(FRAME_S * rate)
    half = max(rate // 2 // length, 1)
    floor = _floor_db(powers[-half:] if begins else powers[:half])
    below = np.flatnonzero(10 * np.log10(np.maximum(powers, 1e-16)) < floor - BELOW_DB)
    if not len(below):
        return None
    return int(below[-1] + 1 if begins else below[0]) * length


def _powers(samples: Pcm, rate: int) -> npt.NDArray[np.floating]:
    """Mean square above LOWEST_HZ of each full frame."""
    length = round(FRAME_S * rate)
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(frames * window)[:, int(np.ceil(LOWEST_HZ * FRAME_S)) :]
    # One-sided power of a frame, over the window's: the mean square of what passed.
    return np.asarray(2 * np.square(np.abs(spectra)).sum(axis=1) / (length * np.square(window).sum()))


def _floor_db(powers: npt.NDArray[np.floating]) -> float:
    """What they fall to."""
    quiet = max(round(QUIET_PART * len(powers)), 1)
    return _decibels(float(np.partition(powers, quiet - 1)[:quiet].mean())) + BIAS_DB


def _decibels(power: float) -> float:
    return 10 * float(np.log10(max(power, 1e-16)))
