"""Mains hum as a signal: a comb of steady partials at the multiples of 50 or 60 Hz, measured second by second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.audio.pcm import Pcm

MAINS_HZ = (50, 60)
OFF_HZ = 0.5
"""How far the mains may be off: 1 %, which EN 50160 permits. G1 is 49.0 Hz, A#1 58.3, B1 61.7: none is within reach,
nor is any note of equal temperament (A4 = 440 Hz) within reach of harmonics 2 to 6."""

HARMONICS = 20
LOW_RATE = 3000
"""Samples of a second that are left for the search: harmonics up to 1200 Hz and what is around them."""
ZOOM = 8
"""Points of the spectrum for each Hz, by padding with zeros."""

PROMINENCE_DB = 9.0
"""Of a partial over the median around it: the amplitude of a bin of noise exceeds its median by so much once in 250."""
CHANCE_DB, LEAST_DB = 6.0, 18.0
"""What partials stand out beyond chance adds up: one by 24 dB is as good as two by 15 or three by 12. The amplitude of
noise exceeds its median by 15 dB once in 3e9."""
BESIDE_HZ = np.concatenate([np.arange(-22, -4), np.arange(5, 23)])
"""What is around a partial: beyond the main lobe of its window, short of the next harmonic."""

FAINT_DB = -50.0
"""Relative to the strongest, partials below that are those that quantisation gives a tone."""

VOTE_DB = 15.0
"""What stands out less has no say in what the fundamental is."""
ACCURACY_HZ = 0.25
"""How far a partial may be from its multiple of the fundamental; a second of sound tells no less, in noise."""

PARTS = 9
STEADY = 0.5
"""Least amplitude of a steady partial in any of PARTS overlapping fifths of the second, relative to the mean of them.
A note that begins, ends or fades by half within the second is none of the mains."""

CYCLES = 5
"""Of the fundamental, in which its harmonics are told from what is beside them when an edge is looked for."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hum:
    """The hum in a second of sound.

    Attributes:
        frequency_hz: The fundamental, within some hundredths of a Hz.
        level_dbfs: RMS level of all steady partials together.
        harmonics: Which multiples of the fundamental they are.
        prominence_db: How far the clearest one stands out.
    """

    frequency_hz: float
    level_dbfs: float
    harmonics: tuple[int, ...]
    prominence_db: float

    @property
    def partials(self) -> int:
        """How many there are."""
        return len(self.harmonics)


def hum_of(segment: Pcm, rate: int) -> Hum | None:
    """The louder of 50 and 60 Hz hum in some seconds of one channel, None where there is no comb.

    Args:
        segment: (samples,), one second to ZOOM / 2.
        rate: Samples per second.
    """
    low = _low(segment, rate)
    # A Hann window: leakage of loud music falls by 18 dB per octave, and bins three apart do not touch.
    window = np.hanning(len(low) + 1)[:-1]
    amplitudes = np.abs(np.fft.rfft(low * window, ZOOM * LOW_RATE)) * (2 / window.sum())
    found = [hum for mains in MAINS_HZ if (hum := _comb(low, amplitudes, mains)) is not None]
    return max(found, key=lambda hum: hum.level_dbfs, default=None)


def hum_edge(samples: Pcm, rate: int, *, begins: bool) -> int | None:
    """Where hum begins or ends, in samples; within 0.1 s where the programme leaves the harmonics alone.

    Where a level steps in noise, the most likely moment is that at which the sum of what exceeds half of the step turns
    (Page 1954, "Continuous inspection schemes"). The level is that of the harmonics, each by its share.

    Args:
        samples: (samples,) of one channel, a second or more.
        rate: Samples per second.
        begins: The last second hums, and it is asked since when; else the first one does, and it is asked until when.

    Returns:
        None where that second does not hum.
    """
    hum = hum_of(samples[-rate:] if begins else samples[:rate], rate)
    if hum is None:
        return None
    cycle = rate / hum.frequency_hz
    starts = np.round(np.arange(int((len(samples) - 1) / cycle)) * cycle).astype(np.intp)
    starts = starts[starts + round(cycle) <= len(samples)]
    n = np.array(hum.harmonics)
    # A cycle of the fundamental is a transform in which harmonic n is bin n, but for the rounding of its start.
    spectra = np.fft.rfft(samples[starts[:, None] + np.arange(round(cycle))])[:, n]
    turned = spectra * np.exp(-2j * np.pi * np.multiply.outer(starts / cycle, n))
    amplitudes = np.abs(_mean_of_neighbours(turned, CYCLES))
    sure = starts >= len(samples) - rate if begins else starts + cycle <= rate
    steps = np.median(amplitudes[sure], axis=0)
    excess = ((amplitudes - steps / 2) * steps).sum(axis=1)
    sums = np.concatenate([[0.0], np.cumsum(excess)])
    turn = int(sums.argmin() if begins else sums.argmax())
    return int(starts[turn]) if turn < len(starts) else len(samples)


def _mean_of_neighbours(values: npt.NDArray[np.complexfloating], count: int) -> npt.NDArray[np.complexfloating]:
    """The mean of `count` rows around each; rows beyond the ends are as those at the ends."""
    padded = np.pad(values, ((count // 2, count // 2), (0, 0)), "edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, count, axis=0).mean(axis=-1))


def _low(segment: Pcm, rate: int) -> Floats:
    """The sound at LOW_RATE, by cutting its spectrum off; its ends, where that rings, are under the window's."""
    spectrum = np.fft.rfft(segment)
    length = round(len(segment) * LOW_RATE / rate)
    kept = np.zeros(length // 2 + 1, np.complex128)
    count = min(len(kept) - 1, len(spectrum))
    kept[:count] = spectrum[:count]
    return np.asarray(np.fft.irfft(kept, length) * (length / len(segment)))


def _comb(low: Floats, amplitudes: Floats, mains: int) -> Hum | None:
    """The hum of mains of that nominal frequency."""
    n = np.arange(1, HARMONICS + 1)
    beside = np.round((n[:, None] * mains + BESIDE_HZ) * ZOOM).astype(np.intp)
    around = np.maximum(np.median(amplitudes[beside], axis=1), 1e-9)
    fundamental = _fundamental(amplitudes, around, mains)
    centres = np.round(n * fundamental * ZOOM).astype(np.intp)
    near = amplitudes[centres[:, None] + np.arange(-2 * ZOOM, 2 * ZOOM + 1)]
    heights = near.max(axis=1)
    exact = np.abs(near.argmax(axis=1) - 2 * ZOOM) <= ACCURACY_HZ * ZOOM
    prominences = 20 * np.log10(np.maximum(heights / around, 1e-9))
    standing = exact & (prominences >= PROMINENCE_DB)
    if not standing.any():
        return None
    standing[standing] = _least(low, n[standing] * fundamental) >= STEADY
    standing &= heights >= 10 ** (FAINT_DB / 20) * heights.max(initial=0.0, where=standing)
    count = int(standing.sum())
    # A partial without others is of the mains only where that has its strongest: once or twice in a cycle.
    if (prominences[standing] - CHANCE_DB).sum() < LEAST_DB or (count == 1 and not standing[:2].any()):
        return None
    prominence = float(prominences[standing].max())
    power = float((heights[standing] ** 2).sum()) / 2
    harmonics = tuple(n[standing].tolist())
    return Hum(round(fundamental, 2), round(10 * float(np.log10(power)), 2), harmonics, round(prominence, 1))


def _fundamental(amplitudes: Floats, around: Floats, mains: int) -> float:
    """The frequency near the mains whose multiples stand out most; high harmonics make it exact."""
    grid = np.arange(mains - OFF_HZ, mains + OFF_HZ + 0.005, 0.01)
    n = np.arange(1, HARMONICS + 1)
    at = np.multiply.outer(n, grid) * ZOOM
    below = at.astype(np.intp)
    part = at - below
    heights = amplitudes[below] * (1 - part) + amplitudes[below + 1] * part
    # Decibels, so that all harmonics have a say and music at one of them cannot decide alone; none for the floor.
    votes = np.maximum(20 * np.log10(np.maximum(heights / around[:, None], 1e-9)), VOTE_DB)
    return float(grid[int(votes.sum(axis=0).argmax())])


def _least(low: Floats, frequencies_hz: Floats) -> Floats:
    """Least amplitude of each partial in overlapping parts of the sound, relative to its mean, sign included.

    Of one second there are PARTS, and the amplitude is that in the phase of the whole: another note at that place
    counts against the partial. Longer sound is parted into seconds, in which the phase follows the mains.
    """
    is_long = len(low) > LOW_RATE
    length = LOW_RATE if is_long else 2 * LOW_RATE // (PARTS + 1)
    starts = np.arange(0, len(low) - length + 1, length // 2)
    window = np.hanning(length + 1)[:-1]
    parts = low[starts[:, None] + np.arange(length)] * window
    t = (starts[:, None] + np.arange(length)) / LOW_RATE
    turns = np.exp(-2j * np.pi * frequencies_hz[:, None, None] * t)
    amplitudes = np.einsum("pt,npt->np", parts, turns)
    if is_long:
        amplitudes = np.abs(amplitudes).astype(np.complex128)
    mean = amplitudes.mean(axis=1, keepdims=True)
    inside = (amplitudes * mean.conj()).real / np.maximum(np.abs(mean) ** 2, 1e-30)
    return np.asarray(inside.min(axis=1))
