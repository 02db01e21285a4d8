"""Sound from nothing: events mixed as they come due, noise of any spectrum, decaying modes, rooms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.simulator.effect import Pcm

Event = tuple[int, Pcm]
"""Where it begins, in samples from the start, and its samples, shape (channels, n)."""
Values = npt.NDArray[np.float64]
Spectrum = npt.NDArray[np.complex128]

NOISE_FRAME_S = 0.04


class Mixer:
    """Sums events, given in the order in which they begin; holds no more than those that still sound."""

    def __init__(self, channels: int, events: Iterator[Event]) -> None:
        self._events = events
        self._next = next(events, None)
        self._sum: Pcm = np.zeros((channels, 0), np.float32)
        self._at = 0

    def take(self, count: int) -> Pcm:
        """The next `count` samples, shape (channels, count); the sum does not depend on how they are portioned."""
        while self._next is not None and self._next[0] < self._at + count:
            first, samples = self._next
            self._add(first - self._at, samples)
            self._next = next(self._events, None)
        self._reach(count)
        taken, self._sum = self._sum[:, :count], self._sum[:, count:]
        self._at += count
        return taken

    def _add(self, first: int, samples: Pcm) -> None:
        samples = samples[:, max(-first, 0) :]
        first = max(first, 0)
        self._reach(first + samples.shape[1])
        self._sum[:, first : first + samples.shape[1]] += samples

    def _reach(self, count: int) -> None:
        missing = count - self._sum.shape[1]
        if missing > 0:
            self._sum = np.pad(self._sum, ((0, 0), (0, missing)))


def in_sequence(blocks: Iterable[Pcm]) -> Iterator[Event]:
    """Blocks one after the other, as events."""
    at = 0
    for block in blocks:
        yield at, block
        at += block.shape[1]


def noise(
    rng: np.random.Generator, rate: int, channels: int, shape: Callable[[float, Values], Values]
) -> Iterator[Event]:
    """Gaussian noise, independent in each channel, without end.

    `shape` gives the magnitudes at a time in seconds for frequencies in Hz, shape (bins,) or (channels, bins); a flat 1
    makes noise of about 1 RMS. Frames overlap by half under sine windows, whose squares sum to 1.
    """
    half = max(round(rate * NOISE_FRAME_S / 2), 8)
    window = np.sin(np.pi * (np.arange(2 * half) + 0.5) / (2 * half))
    frequencies: Values = np.asarray(np.fft.rfftfreq(2 * half, 1 / rate), np.float64)
    first = -half
    while True:
        bins: Spectrum = rng.standard_normal((channels, half + 1)) + 1j * rng.standard_normal((channels, half + 1))
        frame = np.fft.irfft(bins * shape(max(first, 0) / rate, frequencies), 2 * half) * window
        yield first, np.asarray(frame * np.sqrt(half), np.float32)
        first += half


def modes(rate: int, frequencies: Values, decays_s: Values, levels: Values, rng: np.random.Generator) -> Values:
    """A struck body: sines of random sign that decay by 1/e in `decays_s`, each down to -60 dB.

    Frequencies in Hz above 0.45 of `rate` are left out.
    """
    kept = frequencies < 0.45 * rate
    body = np.zeros(round(6.9 * float(decays_s[kept].max(initial=0)) * rate) + 1)
    signs = rng.choice([-1.0, 1.0], len(frequencies))
    for frequency, decay, level in zip(frequencies[kept], decays_s[kept], (levels * signs)[kept], strict=True):
        t = np.arange(min(round(6.9 * decay * rate) + 1, len(body))) / rate
        body[: len(t)] += level * np.exp(-t / decay) * np.sin(2 * np.pi * frequency * t)
    return body


def burst(rng: np.random.Generator, rate: int, low_hz: float, high_hz: float, decay_s: float) -> Values:
    """Noise between two frequencies (at most 0.45 of `rate`) that decays by 1/e in `decay_s`, at a peak of 1."""
    count = max(round(6.9 * decay_s * rate), 8)
    spectrum = np.fft.rfft(rng.standard_normal(count) * np.exp(-np.arange(count) / rate / decay_s))
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    # Second-order slopes, so that a body's resonance and not a brick wall is heard.
    high, safe = min(high_hz, 0.45 * rate), np.maximum(frequencies, 1.0)
    spectrum *= 1 / (1 + (low_hz / safe) ** 2) / (1 + (safe / high) ** 2)
    return at_peak(np.fft.irfft(spectrum, count))


def at_peak(samples: Values, peak: float = 1.0) -> Values:
    """The same sound with that peak; silence stays."""
    highest = float(np.abs(samples).max())
    return samples * (peak / highest) if highest > 0 else samples


def room(rng: np.random.Generator, rate: int, t60_s: float, direct: float = 1.0) -> Values:
    """Impulse response: the direct sound, then noise that falls by 60 dB in `t60_s`, in a third of it above 4 kHz."""
    count = max(round(t60_s * rate), 8)
    t, f = np.arange(count) / rate, np.fft.rfftfreq(count, 1 / rate)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    treble = 1 / (1 + (4000 / np.maximum(f, 1)) ** 2)
    low, high = np.fft.irfft(spectrum * (1 - treble), count), np.fft.irfft(spectrum * treble, count)
    response = np.asarray(low * np.exp(-6.9 * t / t60_s) + high * np.exp(-6.9 * t / (t60_s / 3)))
    response *= 0.5 / np.sqrt(np.square(response).sum())
    response[0] = direct
    return response


def convolved(samples: Values, response: Values) -> Values:
    """Linear convolution along the last axis."""
    count = samples.shape[-1] + len(response) - 1
    # A power of two: other lengths can be several times slower.
    size = 1 << (count - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)[..., :count])


def panned(samples: Values, channels: int, rng: np.random.Generator) -> Pcm:
    """Mono sound at another level in each channel, 0 to -8 dB, as a source off the middle."""
    gains = 10 ** (-rng.uniform(0, 8, (channels, 1)) / 20)
    return np.asarray(samples * gains / gains.max(), np.float32)


def poisson(rng: np.random.Generator, rate: int, per_second: float) -> Iterator[int]:
    """Sample numbers of events that come independently of each other, without end."""
    at = 0.0
    while True:
        at += rng.exponential(rate / per_second)
        yield int(at)


def log_uniform(rng: np.random.Generator, low: float, high: float, count: int | None = None) -> Any:
    """Evenly over the ratio: one number, or `count` of them."""
    return np.exp(rng.uniform(math.log(low), math.log(high), count))


def slowly(rng: np.random.Generator, periods_s: tuple[float, float], terms: int = 4) -> Callable[[Values], Values]:
    """A smooth wandering between -1 and 1: sines of random period and phase."""
    periods = log_uniform(rng, *periods_s, terms)
    phases = rng.uniform(0, 2 * np.pi, terms)

    def at(t: Values) -> Values:
        return np.asarray(np.sin(2 * np.pi * np.multiply.outer(t, 1 / periods) + phases).mean(axis=-1))

    return at


class OnePole:
    """A first-order low pass with state, per channel: y += a (x - y)."""

    # Short enough for the powers of any pole to stay within range.
    SEGMENT = 256

    def __init__(self, rate: int, corner_hz: float, start: Values) -> None:
        """Begin as if each channel had long been at its value of `start`, shape (channels,)."""
        self._keep = float(np.exp(-2 * np.pi * corner_hz / rate))
        self._last: Values = start[:, None]

    def low(self, samples: npt.NDArray[np.floating]) -> Values:
        """What is below the corner, shape as given: (channels, n)."""
        out = np.empty(samples.shape, np.float64)
        for first in range(0, samples.shape[1], self.SEGMENT):
            part = samples[:, first : first + self.SEGMENT]
            powers = self._keep ** np.arange(1, part.shape[1] + 1)
            done = powers * (self._last + (1 - self._keep) * np.cumsum(part / powers, axis=1))
            out[:, first : first + self.SEGMENT] = done
            self._last = done[:, -1:]
        return out


def octaves_of(frequencies: Values, corners: Sequence[tuple[float, float]]) -> Values:
    """Magnitudes that run straight, in dB over octaves, through (Hz, dB) points, and flat outside them."""
    points = np.array(corners)
    gains = np.interp(np.log2(np.maximum(frequencies, 1e-3)), np.log2(points[:, 0]), points[:, 1])
    return np.asarray(10 ** (gains / 20))
