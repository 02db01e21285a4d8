"""Test tones as a signal: sound that is nothing but a few partials, held, keyed or swept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from glasswatch.detectors.audio.pcm import Pcm, runs_of

REST_DB = -30.0
"""Of the power, what a test tone may have beside its partials: G.711 leaves 38 dB, and lossy codecs as much."""

MOST_LINES = 256
"""A square wave of 50 Hz has so many below 24 kHz."""
LOBE = 4
"""Bins on either side of a partial that are its own: the main lobe of a Blackman-Harris window."""

FRAME_S = 0.025
"""In so short a time a sweep stays within a few hundred Hz, and a dot of Morse code is longer."""
OCCUPIED_HZ = 1_000.0
"""What the partials of a frame take up together: three of them, whose lobes are 320 Hz wide each. Vowels at a level of
REST_DB take up more."""
ACTIVE_DB = 30.0
"""Frames that are so much weaker than the strongest one are pauses."""
STEADY_DB = 1.5
"""Frames that differ more from one beside them are where a tone is keyed, which splatters."""
ALIKE = 0.9
"""Part of the steady frames that must be tones."""

OFF_DB = 40.0
"""A tone that is keyed is off by this much: what lossy codecs and G.711 leave of it."""
LEVEL_DB = 1.0
"""And on at one level: those of syllables, notes and drums differ."""
RIPPLE_DB = 3.0
"""Within that, what the keying of a codec or a filter leaves of the edges of a mark."""
MARK_FRAMES = 4
"""Shorter marks tell too little of what they hold: two frames beside the edges, two between them."""
MOST_OCCUPIED = 0.35
"""Of the spectrum, what the partials of a mark take up: noise and voices fill it."""

Floats = npt.NDArray[np.float64]


def is_test_tone(segment: Pcm, rate: int) -> bool:
    """Whether a second of one channel, (rate,) samples, is a test tone or an alarm, and no programme.

    The sound is differenced before, as what is above a tone is heard in spite of its bass.
    """
    if is_held_tone(segment):
        return True
    steps = np.diff(segment.astype(np.float64))
    return _is_of_tones(steps, rate) or is_keyed_tone(segment, rate)


def is_held_tone(segment: Pcm) -> bool:
    """Whether all but REST_DB of the power is in MOST_LINES partials that last for the whole second."""
    steps = np.diff(segment.astype(np.float64))
    powers = np.square(np.abs(np.fft.rfft(steps * _blackman_harris(len(steps)))))
    around = sliding_window_view(np.pad(powers, LOBE), 2 * LOBE + 1)
    peaks = np.flatnonzero((powers >= around.max(axis=1)) & (powers > 0))
    if len(peaks) > MOST_LINES:
        peaks = peaks[np.argpartition(-powers[peaks], MOST_LINES)[:MOST_LINES]]
    inside = np.zeros(len(powers) + 2 * LOBE, np.bool_)
    inside[(peaks[:, None] + np.arange(2 * LOBE + 1)).ravel()] = True
    rest = powers[~inside[LOBE:-LOBE]].sum()
    return bool(rest <= 10 ** (REST_DB / 10) * powers.sum())


def is_keyed_tone(segment: Pcm, rate: int) -> bool:
    """Whether a second is a tone, of any waveform, that is keyed on and off at one level."""
    sound = segment.astype(np.float64)
    length = round(FRAME_S * rate)
    count = len(sound) // length
    powers = np.square(sound[: count * length]).reshape(count, length).mean(axis=1)
    levels = 10 * np.log10(np.maximum(powers, 1e-30))
    is_off = levels <= levels.max() - OFF_DB
    marks = [(start, end) for start, end, value in runs_of(~is_off) if value and end - start >= MARK_FRAMES]
    if not is_off.any() or not marks:
        return False
    inner = [levels[start + 1 : end - 1] for start, end in marks]
    means = [float(level.mean()) for level in inner]
    if max(means) - min(means) > LEVEL_DB or any(float(np.ptp(level)) > RIPPLE_DB for level in inner):
        return False
    return all(_is_of_lines(sound[(start + 1) * length : (end - 1) * length]) for start, end in marks)


def _is_of_lines(sound: Floats) -> bool:
    """Whether all but REST_DB of the power is in partials that take up no more than MOST_OCCUPIED of the spectrum."""
    powers = np.square(np.abs(np.fft.rfft(sound * _blackman_harris(len(sound)))))
    around = sliding_window_view(np.pad(powers, LOBE), 2 * LOBE + 1)
    inside = np.zeros(len(powers), np.bool_)
    rest = powers.sum() * 10 ** (REST_DB / 10)
    peaks = np.flatnonzero((powers >= around.max(axis=1)) & (powers > 0))
    for peak in peaks[np.argsort(-powers[peaks])]:
        inside[max(peak - LOBE, 0) : peak + LOBE + 1] = True
        if inside.mean() > MOST_OCCUPIED:
            return False
        if powers[~inside].sum() <= rest:
            return True
    return False


def _is_of_tones(steps: Floats, rate: int) -> bool:
    """Whether the frames in which nothing is switched are a few partials each, wherever these move."""
    length = round(FRAME_S * rate)
    frames = sliding_window_view(steps, length)[:: length // 2]
    powers = np.square(np.abs(np.fft.rfft(frames * _blackman_harris(length), axis=1)))
    totals = powers.sum(axis=1)
    levels = 10 * np.log10(np.maximum(totals, 1e-30))
    changes = np.abs(np.diff(levels, prepend=levels[0], append=levels[-1]))
    steady = (levels > levels.max() - ACTIVE_DB) & (np.maximum(changes[:-1], changes[1:]) <= STEADY_DB)
    if not steady.any():
        return False
    weakest_first = np.cumsum(np.sort(powers[steady], axis=1), axis=1)
    rest = (weakest_first <= 10 ** (REST_DB / 10) * totals[steady, None]).sum(axis=1)
    occupied_hz = (powers.shape[1] - rest) * (rate / length)
    return bool(np.mean(occupied_hz <= OCCUPIED_HZ) >= ALIKE)


def _blackman_harris(length: int) -> Floats:
    """The four-term window of Harris (1978), side lobes at -92 dB."""
    turns = 2 * np.pi * np.arange(length) / length
    return np.asarray(0.35875 - 0.48829 * np.cos(turns) + 0.14128 * np.cos(2 * turns) - 0.01168 * np.cos(3 * turns))
