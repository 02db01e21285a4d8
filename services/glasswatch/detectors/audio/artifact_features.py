"""What the audio artifact model is told about a second of sound: one function, for training and for serving.

A pretrained audio network hears 125 to 7500 Hz in steps of 10 ms. Mains hum lies below that, hiss largely above, and a
click is shorter than its step; so it is told these besides:

- `mel`: YAMNet's log-mel spectrogram, and bands above its own up to 20 kHz.
- `mains`: the spectrum around each harmonic of 50 and of 60 Hz, of the whole second and of its halves.
- `residual`: what linear prediction does not foresee, millisecond by millisecond, where clicks and cuts stand out.
- `shape`: how the amplitudes are spread, by tenths of a second; bent waves have edges there.

All of it is of one channel at its native rate: windows are so long in seconds, not in samples, and what lies above
half the rate is silent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.audio.linear_prediction import prediction_error_filters

CLASSES = ("none", "hum", "hiss", "distortion", "clicks")
"""What a second is, in the order of the model's output `classes`."""

LEAST_RATE, MOST_RATE = 8_000, 192_000
"""Sample rates that are judged, in Hz."""

FRAMES, HOP_S, WINDOW_S = 96, 0.01, 0.025
YAMNET_BANDS, YAMNET_HZ, YAMNET_RATE = 64, (125.0, 7500.0), 16_000
YAMNET_BIN_HZ = 31.25
LOG_OFFSET = 0.001
"""Of YAMNet: frames in a patch, their hop and window, mel bands and their range, and what is added before the logarithm
(tensorflow/models, research/audioset/yamnet/params.py)."""

HIGH_BANDS, HIGHEST_HZ = 16, 20_000.0

MAINS_HZ = (50, 60)
HARMONICS = 16
AROUND_HZ = (-20, -15, -10, -7, -5, -4, -3, *np.arange(-2.5, 3, 0.5).tolist(), 3, 4, 5, 7, 10, 15, 20)
"""Where the spectrum is sampled around a harmonic, in Hz from it: mains are off by up to 0.5 Hz, the 16th harmonic by 8
times more than the second, and the floor beside them says how far they stand out."""
HALF_AROUND_HZ = (-15, -10, -6, -4, -2, -1, 0, 1, 2, 4, 6, 10, 15)
LOW_RATE = 2_048
"""The mains spectrum is computed at this rate, in samples per second."""

_CENTRES_HZ = np.multiply.outer(np.array(MAINS_HZ), np.arange(1, HARMONICS + 1))[..., None]
WHOLE_BINS = np.round((_CENTRES_HZ + np.array(AROUND_HZ)) * 2).astype(np.intp)
HALF_BINS = np.round(_CENTRES_HZ + np.array(HALF_AROUND_HZ)).astype(np.intp)
"""Of 0.5 Hz in the spectrum of a second and of 1 Hz in that of half of one, (mains, HARMONICS, samples)."""

PREDICTOR = 24
"""Order of linear prediction: two formants for each kHz of an 8 kHz voice and some more."""

MILLISECONDS = 1000
NEAR, FAR = 3, 12
"""Milliseconds: clicks ring for 2 at most, filters of speech and drums for longer."""

TENTHS = 10
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)

QUIET = 1e-5
"""-100 dBFS is added to amplitudes before their logarithm."""

Floats = npt.NDArray[np.float32]
Tensors = dict[str, npt.NDArray[Any]]


def features(segments: Floats, rate: int) -> Tensors:
    """The model's inputs for some seconds of sound.

    Args:
        segments: (seconds, rate), samples of one second each, full scale 1.
        rate: Samples per second, LEAST_RATE to MOST_RATE.

    Returns:
        float32 arrays, seconds first: `mel` (96, 80), `mains` (2, 16, 51), `residual` (3, 1000), `shape` (10, 27).
    """
    if segments.ndim != 2 or segments.shape[1] != rate:
        raise ValueError(f"one second at {rate} Hz has shape (seconds, {rate}), not {segments.shape}")
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise ValueError(f"the rate is {LEAST_RATE} to {MOST_RATE} Hz, not {rate}")
    spectrum = np.fft.rfft(segments)
    return {
        "mel": _mel(segments, rate),
        "mains": _mains(spectrum, rate),
        "residual": _residual(segments, spectrum, rate),
        "shape": _shape(segments, rate),
    }


def _mel(segments: Floats, rate: int) -> Floats:
    """Log-mel spectrogram (seconds, FRAMES, bands); the first 64 bands are YAMNet's at any rate."""
    length = round(WINDOW_S * rate)
    starts = np.round(np.arange(FRAMES) * HOP_S * rate).astype(np.intp)
    frames = np.lib.stride_tricks.sliding_window_view(segments, length, axis=1)[:, starts]
    window, fft, bands = _mel_bank(rate)
    magnitudes = np.abs(np.fft.rfft(frames * window, fft)).astype(np.float32)
    found: Floats = np.log(magnitudes[..., : len(bands)] @ bands + np.float32(LOG_OFFSET))
    return found


@lru_cache(maxsize=8)
def _mel_bank(rate: int) -> tuple[Floats, int, Floats]:
    """Window, FFT length and weights (bins, bands); scaled as if the rate and FFT length were YAMNet's."""
    length = round(WINDOW_S * rate)
    fft = 1 << (length - 1).bit_length()
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    low, high = (_mels(np.float64(hz)) for hz in YAMNET_HZ)
    edges = np.linspace(low, high, YAMNET_BANDS + 2)
    above = np.linspace(edges[-2], _mels(np.float64(HIGHEST_HZ)), HIGH_BANDS + 2)
    frequencies = _mels(np.arange(fft // 2 + 1) * rate / fft)[:, None]
    bands = np.concatenate([_triangles(frequencies, edges), _triangles(frequencies, above)], axis=1)
    bands *= (YAMNET_RATE / rate) * (rate / fft / YAMNET_BIN_HZ)
    used = int(np.flatnonzero(bands.any(1))[-1]) + 1
    return window, fft, bands[:used].astype(np.float32)


def _mels(hz: npt.NDArray[np.float64] | np.float64) -> npt.NDArray[np.float64]:
    """HTK's mel scale, as in YAMNet."""
    return np.asarray(1127.0 * np.log1p(hz / 700.0))


def _triangles(mels: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(np.minimum((mels - low) / (middle - low), (high - mels) / (high - middle)), 0)


def _mains(spectrum: npt.NDArray[np.complexfloating], rate: int) -> Floats:
    """Log amplitudes around the harmonics (seconds, mains, HARMONICS, samples): the whole second, then each half."""
    count = LOW_RATE // 2 + 1
    low = np.zeros((len(spectrum), count), np.complex128)
    kept = min(count, spectrum.shape[1])
    low[:, :kept] = spectrum[:, :kept] * (LOW_RATE / rate)
    samples = np.fft.irfft(low, LOW_RATE)
    whole = _amplitudes(samples, 2 * LOW_RATE)
    halves = [_amplitudes(part, LOW_RATE) for part in np.split(samples, 2, axis=1)]
    return np.concatenate([whole[:, WHOLE_BINS], *(half[:, HALF_BINS] for half in halves)], axis=-1)


def _amplitudes(samples: npt.NDArray[np.float64], fft: int) -> Floats:
    """Log10 amplitude of sines at each bin of a Hann-windowed spectrum of that many samples, zero-padded."""
    length = samples.shape[1]
    window = np.hanning(length + 1)[:-1]
    amplitudes = np.abs(np.fft.rfft(samples * window, fft)) * (2 / window.sum())
    found: Floats = np.log10(amplitudes + QUIET).astype(np.float32)
    return found


def _residual(segments: Floats, spectrum: npt.NDArray[np.complexfloating], rate: int) -> Floats:
    """Log10 of the prediction error in each millisecond (seconds, 3, 1000).

    The highest and the mean, over the second's median millisecond; and the highest over the loudest millisecond beside
    it, before or after. Noise that sets in goes on; a click stands alone.
    """
    power = np.abs(spectrum) ** 2
    filters = prediction_error_filters(np.fft.irfft(power, rate)[:, : PREDICTOR + 1], 1e-9, 1e-9)
    errors = np.abs(np.fft.irfft(spectrum * np.fft.rfft(filters, rate), rate))
    # Circular: what the first samples are predicted from lies at the other end.
    errors[:, :PREDICTOR] = errors[:, PREDICTOR : PREDICTOR + 1]
    edges = np.round(np.arange(MILLISECONDS) * rate / MILLISECONDS).astype(np.intp)
    highest = np.maximum.reduceat(errors, edges, axis=1)
    means = np.add.reduceat(errors, edges, axis=1) / np.diff([*edges, rate])
    found = np.stack([highest, means], axis=1)
    typical = np.median(means, axis=1)[:, None, None]
    levels = np.log10((found + QUIET) / (typical + QUIET))
    alone = levels[:, 0] - _beside(levels[:, 1])
    return np.concatenate([levels, alone[:, None]], axis=1).astype(np.float32)


def _beside(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The highest of those NEAR to FAR steps away, before or after each (seconds, steps)."""
    padded = np.pad(levels, ((0, 0), (FAR, FAR)), mode="edge")
    highest = np.lib.stride_tricks.sliding_window_view(padded, FAR - NEAR + 1, axis=1).max(-1)
    steps = levels.shape[1]
    return np.asarray(np.maximum(highest[:, :steps], highest[:, FAR + NEAR : FAR + NEAR + steps]))


def _shape(segments: Floats, rate: int) -> Floats:
    """By tenths of a second from loud to quiet (seconds, TENTHS, 27), amplitudes and steps.

    Log10 of the quantiles of amplitudes and of steps from sample to sample, over the tenth's RMS, and of that RMS.
    """
    length = rate // TENTHS
    tenths = segments[:, : TENTHS * length].reshape(-1, TENTHS, length)
    rms = np.sqrt(np.mean(tenths * tenths, axis=-1, dtype=np.float64))
    ranks = np.round(np.array(QUANTILES) * (length - 2)).astype(np.intp)
    # A whole sort of float32 is vectorised and takes a quarter of the time of a partition.
    spreads = [np.sort(np.abs(v), axis=-1)[..., ranks] for v in (tenths, np.diff(tenths, axis=-1))]
    spread = np.concatenate(spreads, axis=-1) / (rms[..., None] + QUIET)
    found = np.concatenate([np.log10(spread + 1e-3), np.log10(rms[..., None] + QUIET)], axis=-1)
    loudest_first = np.argsort(-rms, axis=1)
    return np.take_along_axis(found, loudest_first[..., None], axis=1).astype(np.float32)
