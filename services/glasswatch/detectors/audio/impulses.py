"""Clicks as a signal: moments that nothing before foretells and that nothing after answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from glasswatch.detectors.audio.linear_prediction import prediction_error_filters
from glasswatch.detectors.audio.pcm import Pcm

ORDER = 24
"""Of linear prediction: two for each formant of a voice, and as much again for what instruments add."""
FRAME_S = 0.05
"""Sound is taken for stationary for so long."""

LENGTH_S = 0.01
"""A click is over after that: the definition's 10 ms."""
BEFORE_S = 0.002
"""An encoder that smears a click lets it begin so early, and most of it ends as soon."""
BESIDE_S = 0.02
"""How much sound before and after it a click is compared with: two periods of a low voice."""
CONTEXT_S = 0.07
"""How much sound on either side of a search `impulses` needs. Where there is less behind it, the title ends: encoders
fill their last frame up with silence, AAC up to 1024 samples, 64 ms at 16 kHz, and sound breaks off there."""

RISE_DB = 8.0
"""After a click the sound goes on as it was. Where it is louder by so much, something was struck, or began."""

SILENT = 1e-5
"""-100 dBFS is added to errors before they are compared: dither is no sound."""


@dataclass(frozen=True, slots=True)
class Impulses:
    """Clicks in a stretch of one channel, in order.

    Attributes:
        at: Index of the sample with the highest prediction error of each.
        peaks: Highest prediction error, linear: the height of what is not of the sound around it.
        crests_db: How far that stands out of what is before and after it.
    """

    at: npt.NDArray[np.intp]
    peaks: npt.NDArray[np.float64]
    crests_db: npt.NDArray[np.float64]


def impulses(samples: Pcm, rate: int, first: int, last: int, crest_db: float) -> Impulses:
    """Clicks of that crest or more at samples `first` to `last`, half open.

    The crest is the highest prediction error of a millisecond over the highest within BESIDE_S before and after, but
    for BEFORE_S around. The pulses of a voice come in rows: none stands alone. Knocks, drops and bars ring: the sound
    after them is louder than that before. Within BESIDE_S of where the sound begins there is nothing to compare
    with, and within CONTEXT_S of its end it is cut off.

    Args:
        samples: (samples,) with CONTEXT_S more on either side where there is sound.
        rate: Samples per second.
        first: Where the search begins.
        last: Where it ends.
        crest_db: Least crest.
    """
    errors = np.abs(_errors(samples, max(round(FRAME_S * rate), 4 * ORDER)))
    block = max(round(0.001 * rate), 1)
    # Blocks are counted from `first`, wherever the context begins.
    shift = first % block
    errors = errors[shift:]
    count = len(errors) // block
    blocks = errors[: count * block].reshape(count, block)
    highest = blocks.max(axis=1)
    around = np.maximum(_before(highest), _before(highest[::-1])[::-1])
    crests = 20 * np.log10((highest + SILENT) / (around + SILENT))
    steps = np.diff(samples[shift : shift + count * block], prepend=samples[shift]).reshape(count, block)
    found = np.flatnonzero((crests >= crest_db) & (highest >= _peak_near(highest)) & ~_rises(np.square(steps).mean(1)))
    at = shift + found * block + blocks[found].argmax(axis=1)
    begins, ends = round(BESIDE_S * rate), len(samples) - round(CONTEXT_S * rate)
    inside = (at >= max(first, begins)) & (at < min(last, ends))
    found = found[inside]
    return Impulses(at[inside], highest[found].astype(np.float64), crests[found].astype(np.float64))


def _before(highest: Pcm) -> Pcm:
    """The highest error of the blocks before each block that are not yet part of its click."""
    gap, span = round(BEFORE_S * 1000) + 1, round(BESIDE_S * 1000)
    padded = np.concatenate([np.zeros(span, highest.dtype), highest])
    windows = sliding_window_view(padded, span - gap + 1)[: len(highest)]
    return np.asarray(windows.max(axis=1))


def _rises(powers: Pcm) -> npt.NDArray[np.bool_]:
    """Where the sound, its treble before all, is louder after a click in a block than it was before it.

    Args:
        powers: Mean square of the steps from sample to sample, block by block.
    """
    span, length, gap = (round(seconds * 1000) for seconds in (BESIDE_S, LENGTH_S, BEFORE_S))
    sums = np.concatenate([[0.0], np.cumsum(powers, dtype=np.float64)])
    at = np.arange(len(powers))[:, None]
    bounds = np.clip(at + np.array([-gap - span, -gap, length, length + span]), 0, len(powers))
    before, after = (np.diff(sums[bounds[:, side]])[:, 0] for side in ([0, 1], [2, 3]))
    counts = np.maximum(np.diff(bounds)[:, [0, 2]], 1).T
    quiet = SILENT**2
    return np.asarray(after / counts[1] + quiet > 10 ** (RISE_DB / 10) * (before / counts[0] + quiet))


def _peak_near(highest: Pcm) -> Pcm:
    """The highest error of the blocks that may be of one click."""
    reach = round(LENGTH_S * 1000)
    padded = np.pad(highest, reach)
    return np.asarray(sliding_window_view(padded, 2 * reach + 1).max(axis=1))


def _errors(samples: Pcm, frame: int) -> Pcm:
    """What linear prediction, fitted anew to each frame, does not foresee; none where nothing is known before."""
    count = -(-len(samples) // frame)
    padded = np.zeros(ORDER + count * frame, np.float32)
    padded[ORDER : ORDER + len(samples)] = samples
    frames = padded[ORDER:].reshape(count, frame)
    # Windows are longer, so that no part of a frame is without weight in its filter.
    around = sliding_window_view(np.pad(padded[ORDER:], frame // 4), 2 * (frame // 4) + frame)[::frame]
    window = np.hanning(around.shape[1] + 2)[1:-1].astype(np.float32)
    size = 1 << (around.shape[1] + ORDER - 1).bit_length()
    spectra = np.fft.rfft(around * window, size)
    correlations = np.fft.irfft(spectra.real**2 + spectra.imag**2, size)[:, : ORDER + 1]
    filters = prediction_error_filters(correlations, 1e-8, 1e-10).astype(np.float32)
    errors = frames.copy()
    for lag in range(1, ORDER + 1):
        errors += filters[:, lag, None] * padded[ORDER - lag : len(padded) - lag].reshape(count, frame)
    errors[0, :ORDER] = 0
    return np.asarray(errors.reshape(-1)[: len(samples)])
