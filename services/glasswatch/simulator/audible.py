"""When what is wrong with sound can be heard beside the sound itself.

The same noise that spoils a pause is drowned by an orchestra. What is heard of it follows from masking: within a
critical band, and above it, loud sound hides weaker sound. The figures are the simple ones that perceptual coders use.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

WINDOW_S = 0.04
"""About as long as the ear sums up; coders use frames of 20 to 40 ms."""

SMOOTHED = 5
"""Half-overlapping windows, 0.12 s in all: loudness takes that long to form, and forward masking to fade."""

MOMENT_S, HOPS = 0.006, 4
MASKING_MOMENTS = 4
"""A moment is about as short as the ear tells apart, and is looked for at every fourth of its length; sound masks what
is less than some 20 ms before and after it."""

CLICK_DB, CLICK_BANDS = 3.0, 4
"""By how much a click is louder than what is beside it, in how many bands; noise gets no further by chance."""

STRAY_S = 0.012
"""By how much a moment of the programme may have moved: slips are up to 400 samples, 9 ms at 44.1 kHz."""

BANDS_HZ = (30.0, 16_000.0)

FALL_ABOVE_DB, FALL_BELOW_DB = 10.0, 25.0
"""By how much a band masks less in the next band above and below it (spreading functions, Painter and Spanias 2000)."""

BELOW_MASKER_DB = 6.0
"""A band of noise hides a tone or noise that is weaker by so much within it (signal-to-mask ratio of noise, ibid.)."""

FULL_SCALE_SPL_DB = 92.0
"""Sound pressure of a full-scale sine in ordinary listening (ITU-R BS.1387-1, section 2.1.3)."""

Samples = npt.NDArray[np.floating]
Values = npt.NDArray[np.float64]


def audible_share(before: Samples, changed: Samples, rate: int, above_db: float = 0.0) -> float:
    """In which part of the time something is heard that the programme had not.

    A change of gain alone is not heard as something, and neither is what only is missing.

    Args:
        before: The programme (samples,), full scale 1.
        changed: What has become of it, sample by sample.
        rate: Samples per second.
        above_db: How far above its threshold it has to be.

    Returns:
        Share of windows in which at least one band has more of what was added than is masked.
    """
    programme, heard = _spectra(before, rate), _spectra(changed, rate)
    if not len(heard):
        return 0.0
    starts = _edges(rate)[:-1] - _edges(rate)[0]
    # What is left of the programme in each band, louder or quieter and later or earlier, is no addition.
    products = np.add.reduceat((heard * programme.conj()).sum(0), starts)
    gains = products / np.maximum(np.add.reduceat((np.abs(programme) ** 2).sum(0), starts), 1e-12)
    left = np.repeat(gains, np.diff(_edges(rate))) * programme
    hidden = _powers(left, rate) @ _falls(rate) * 10 ** (-BELOW_MASKER_DB / 10) + _least(rate)
    return float((_powers(heard - left, rate) > hidden * 10 ** (above_db / 10)).any(1).mean())


def audible_clicks(before: Samples, changed: Samples, rate: int) -> bool:
    """Whether a click is heard that the programme had not.

    A click is a moment in which several bands are louder than shortly before and after. What goes on for longer is
    none, and neither is a moment that was there before.

    Args:
        before: The programme (samples,), full scale 1.
        changed: What has become of it; sound may have been left out or moved by up to STRAY_S.
        rate: Samples per second.
    """
    moments, own = _moments(changed, rate), _moments(before, rate)
    count = min(len(moments), len(own))
    stray = round(STRAY_S / (MOMENT_S / HOPS))
    padded = np.pad(own[:count], ((stray, stray), (0, 0)))
    near = np.lib.stride_tricks.sliding_window_view(padded, 2 * stray + 1, axis=0).any(-1)
    return bool(((moments[:count] & ~near).sum(1) >= CLICK_BANDS).any())


def _moments(samples: Samples, rate: int) -> npt.NDArray[np.bool_]:
    """Where a band is louder for a moment (moments, bands)."""
    length = _length(rate, MOMENT_S)
    if len(samples) < length:
        return np.zeros((0, len(_edges(rate, MOMENT_S)) - 1), np.bool_)
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[:: length // HOPS]
    window = np.hanning(length + 1)[:-1]
    edges = _edges(rate, MOMENT_S)
    spectrum = np.abs(np.fft.rfft(frames * window)[:, edges[0] : edges[-1]] * (2 / window.sum() / np.sqrt(1.5))) ** 2
    powers = np.add.reduceat(spectrum, edges[:-1] - edges[0], axis=1)
    # Windows that do not overlap this one, on both sides.
    far = HOPS * MASKING_MOMENTS
    padded = np.pad(powers, ((far, far), (0, 0)), mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, far - HOPS + 1, axis=0).max(-1)
    beside = np.maximum(highest[: len(powers)], highest[far + HOPS :])
    hidden = beside @ _falls(rate, MOMENT_S) * 10 ** (CLICK_DB / 10) + _least(rate, MOMENT_S)
    return np.asarray(powers > hidden)


def _spectra(samples: Samples, rate: int) -> npt.NDArray[np.complex128]:
    """Spectra of half-overlapping windows, those bins that belong to bands (windows, bins), 1 for a full-scale sine."""
    length, edges = _length(rate), _edges(rate)
    if len(samples) < length:
        return np.zeros((0, edges[-1] - edges[0]), np.complex128)
    frames = np.lib.stride_tricks.sliding_window_view(samples, length)[:: length // 2]
    window = np.hanning(length + 1)[:-1]
    # The main lobe of a Hann window spreads a sine over bins whose power is 1.5 times that of the highest.
    found = np.fft.rfft(frames * window)[:, edges[0] : edges[-1]] * (2 / window.sum() / np.sqrt(1.5))
    return np.asarray(found, np.complex128)


def _powers(spectra: npt.NDArray[np.complex128], rate: int) -> Values:
    """Power of each band (windows, bands), in the mean over SMOOTHED windows."""
    edges = _edges(rate)
    powers = np.add.reduceat(np.abs(spectra) ** 2, edges[:-1] - edges[0], axis=1)
    padded = np.pad(powers, ((SMOOTHED // 2, SMOOTHED // 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED, axis=0).mean(-1))


def _length(rate: int, window_s: float = WINDOW_S) -> int:
    return round(window_s * rate) // HOPS * HOPS


def _band_numbers(hz: Values | float) -> Values:
    """Equivalent rectangular bandwidths below a frequency (Glasberg and Moore 1990)."""
    return np.asarray(21.4 * np.log10(1 + 0.00437 * np.asarray(hz)))


@lru_cache(maxsize=8)
def _edges(rate: int, window_s: float = WINDOW_S) -> npt.NDArray[np.intp]:
    """First bin of each band, and one past the last bin of the last; a band has one bin at least."""
    low, high = _band_numbers(BANDS_HZ[0]), _band_numbers(min(BANDS_HZ[1], 0.45 * rate))
    numbers = np.arange(float(low), float(high) + 1)
    hz = (10 ** (numbers / 21.4) - 1) / 0.00437
    return np.unique(np.round(hz * _length(rate, window_s) / rate).astype(np.intp))


def _centres(rate: int, window_s: float) -> Values:
    edges = _edges(rate, window_s)
    return np.asarray((edges[:-1] + edges[1:] - 1) / 2 * rate / _length(rate, window_s))


@lru_cache(maxsize=8)
def _falls(rate: int, window_s: float = WINDOW_S) -> Values:
    """What each band gives to each other's masking (bands, bands), as a factor of power."""
    numbers = _band_numbers(_centres(rate, window_s))
    above = numbers[None, :] - numbers[:, None]
    return np.asarray(10 ** (-np.where(above > 0, FALL_ABOVE_DB * above, -FALL_BELOW_DB * above) / 10))


@lru_cache(maxsize=8)
def _least(rate: int, window_s: float = WINDOW_S) -> Values:
    """Threshold in quiet of each band (Terhardt 1979), as power of full scale."""
    khz = np.maximum(_centres(rate, window_s), 20) / 1000
    spl = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
    return np.asarray(10 ** ((spl - FULL_SCALE_SPL_DB) / 10))
