"""Other heads, cameras, voices, rooms and recordings than those that were filmed, out of the same speech."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.sync.features import (
    BANDS,
    CHEEKS,
    JAW,
    LIPS,
    MIDDLE,
    MOUTH_FEATURES,
    PAIRS,
    SOUND_STEPS,
    STEP_RATE,
    between_pictures,
    centred,
    levelled,
)

SOUND_RATE = SOUND_STEPS * STEP_RATE

RATES = (24_000 / 1001, 24, 25, 25, 30_000 / 1001, 30, 50, 60_000 / 1001, 60)
"""Frame rates that are watched."""

SPEEDS = (0.85, 1.2)
"""Of speech, in picture and sound."""

Generator = np.random.Generator
Floats = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A clip as it is kept to be learned from.

    Attributes:
        geometry: Of its pictures, (pictures, MOUTH_FEATURES), without their mean.
        pts: When each picture is shown, in seconds from the first.
        powers: Of its sound in bands, loudest 1, (SOUND_RATE columns a second, BANDS), from the first picture on.
    """

    geometry: Floats
    pts: Values
    powers: Floats

    def backwards(self) -> Speech:
        """The pictures in the opposite order."""
        return replace(self, geometry=self.geometry[::-1])

    @property
    def length_s(self) -> float:
        """How long there is picture and sound."""
        return float(min(self.pts[-1], len(self.powers) / SOUND_RATE))


def _groups() -> list[npt.NDArray[np.bool_]]:
    """Which features are of lips, jaw and cheeks, and which are widths, heights and depths."""
    kinds = ["lips"] * len(LIPS) + ["jaw"] * len(JAW) + ["cheeks"] * len(CHEEKS)
    middle = ["lips"] * 5 + ["jaw"] * (len(MIDDLE) - 5)
    of = np.array(kinds * 3 + middle * 2)
    n, m = len(PAIRS), len(MIDDLE)
    axis = np.array(["x"] * n + ["y"] * n + ["z"] * n + ["y"] * m + ["z"] * m)
    return [of == "lips", of == "jaw", of == "cheeks", axis == "x", axis == "y", axis == "z"]


LIPS_ONLY, JAW_ONLY, CHEEKS_ONLY, ACROSS, HEIGHT, DEPTH = _groups()


def joined(speeches: Sequence[Speech]) -> Speech:
    """One after the other; what of one there is only as picture or only as sound is left out."""
    geometry, pts, powers, at = [], [], [], 0
    for speech in speeches:
        columns = int(speech.length_s * SOUND_RATE)
        shown = speech.pts < columns / SOUND_RATE
        geometry.append(speech.geometry[shown])
        pts.append(speech.pts[shown] + at / SOUND_RATE)
        powers.append(speech.powers[:columns])
        at += columns
    return Speech(np.concatenate(geometry), np.concatenate(pts), np.concatenate(powers))


def watched(speech: Speech, first_s: float, speed: float, count: int, rng: Generator) -> Floats:
    """What the model is told of a mouth: `count` steps from `first_s` of the clip on, (count, MOUTH_FEATURES)."""
    rate = float(rng.choice(RATES))
    length_s = count / STEP_RATE
    times = np.arange(-2 / rate + rng.random() / rate, length_s + 2 / rate, 1 / rate)
    seen = between_pictures(speech.geometry.astype(np.float64), speech.pts, first_s + speed * times)
    seen *= _gains(rng)
    seen += np.exp(rng.uniform(np.log(0.03), np.log(1.0))) * rng.standard_normal(seen.shape)
    seen += _sway(times, rng)
    if rng.random() < 0.25:
        # Pictures that were shown twice instead of the next.
        repeated = rng.random(len(seen)) < (0.5 if rng.random() < 0.2 else rng.uniform(0, 0.2))
        seen = seen[np.maximum.accumulate(np.where(repeated, 0, np.arange(len(seen))))]
    return centred(between_pictures(seen, times, np.arange(count) / STEP_RATE))


def _gains(rng: Generator) -> Values:
    """How much each part of a face moves."""
    gains = np.full(MOUTH_FEATURES, np.exp(rng.normal(0, 0.35)))
    for group in (LIPS_ONLY, JAW_ONLY, CHEEKS_ONLY, ACROSS, HEIGHT, DEPTH):
        gains[group] *= np.exp(rng.normal(0, 0.25))
    for group, part in ((DEPTH, 0.2), (JAW_ONLY, 0.1), (CHEEKS_ONLY, 0.2), (JAW_ONLY | CHEEKS_ONLY, 0.1)):
        if rng.random() < part:
            gains[group] = 0
    return gains


def _sway(times: Values, rng: Generator) -> Values:
    """Slow movement, of heads and of expressions, all features together in a few directions."""
    found = np.zeros((len(times), MOUTH_FEATURES))
    for _ in range(3):
        wave = sum(
            rng.normal() * np.sin(2 * np.pi * (hz * times + rng.random())) for hz in np.exp(rng.uniform(-2.5, 0.9, 3))
        )
        found += np.outer(wave, rng.standard_normal(MOUTH_FEATURES)) * rng.exponential(0.35)
    return found


def heard(speech: Speech, first_s: float, speed: float, count: int, noise: Floats, rng: Generator) -> Floats:
    """What the model is told of the sound, (SOUND_STEPS * count, BANDS).

    Args:
        speech: The clip.
        first_s: Where in it the first step is.
        speed: Seconds of the clip in one of what is heard.
        count: Steps.
        noise: Powers of other sound, loudest 1, (SOUND_STEPS * count, BANDS).
        rng: Chance.
    """
    times = (np.arange(SOUND_STEPS * count) - (SOUND_STEPS - 1) / 2) / SOUND_RATE
    columns = np.arange(len(speech.powers)) / SOUND_RATE
    log = np.log(speech.powers + 1e-9)
    log = between_pictures(log, columns - (SOUND_STEPS - 1) / 2 / SOUND_RATE, first_s + speed * times)
    log = _other_voice(log, rng)
    powers = np.exp(log + rng.normal(0, rng.uniform(0, 0.4), log.shape))
    if rng.random() < 0.5:
        powers = _in_a_room(powers, rng)
    powers *= _colour(rng)
    if rng.random() < 0.7:
        snr_db = rng.uniform(-3, 30)
        powers = powers + noise * _colour(rng) * 10 ** (-snr_db / 10)
    if rng.random() < 0.5:
        powers = powers + _colour(rng) * 10 ** (-rng.uniform(15, 50) / 10) * rng.exponential(1, powers.shape) / BANDS
    if rng.random() < 0.2:
        # A low rate or a lossy codec.
        powers[:, rng.integers(BANDS // 2, BANDS) :] = 0
    return levelled(powers)


def _other_voice(log: Values, rng: Generator) -> Values:
    """With a longer or shorter vocal tract: bands are stretched along the mel scale, and moved."""
    places = np.arange(BANDS) * np.exp(rng.normal(0, 0.08)) + rng.normal(0, 1.0)
    places = places.clip(0, BANDS - 1.001)
    low = places.astype(np.intp)
    part = places - low
    return np.asarray(log[:, low] * (1 - part) + log[:, low + 1] * part)


def _in_a_room(powers: Values, rng: Generator) -> Values:
    """With reverberation of 0.1 to 0.9 s (60 dB), from weak to as strong as the direct sound."""
    decay = 10 ** (-6 / (rng.uniform(0.1, 0.9) * SOUND_RATE))
    length = 100
    tail = decay ** np.arange(1, length + 1)
    tail *= 10 ** (rng.uniform(-15, 3) / 10) / tail.sum()
    size = 1 << (len(powers) + length).bit_length()
    reverberant = np.fft.irfft(np.fft.rfft(powers, size, axis=0) * np.fft.rfft(tail, size)[:, None], size, axis=0)
    powers[1:] += np.maximum(reverberant[: len(powers) - 1], 0)
    return powers


def _colour(rng: Generator) -> Values:
    """An equaliser of up to some 10 dB."""
    at = np.linspace(0, 1, BANDS)
    curve = rng.normal(0, 4) * (at - 0.5) * 2
    for _ in range(3):
        curve = curve + rng.normal(0, 3) * np.sin(np.pi * (rng.integers(1, 5) * at + 2 * rng.random()))
    return np.asarray(10 ** (curve / 10))
