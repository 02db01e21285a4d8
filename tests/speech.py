"""Speech that is synthesised for tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

AH = ((730, 80), (1090, 90), (2440, 120), (3400, 150))
EE = ((270, 60), (2290, 100), (3010, 120), (3500, 150))
"""Formants of vowels (Peterson and Barney 1952): frequency and bandwidth, Hz."""


def babble(seconds: float, rate: int = 16_000) -> npt.NDArray[np.float64]:
    """Syllables of two vowels, four a second; within ±0.3, (samples,)."""
    t = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 15 * np.sin(2 * np.pi * 2 * t)
    pulses = np.diff(np.floor(np.cumsum(pitch) / rate), prepend=0)
    between = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * t)
    mixed = _resonate(pulses, AH, rate) * between + _resonate(pulses, EE, rate) * (1 - between)
    return 0.3 * mixed * np.clip(np.sin(2 * np.pi * 4 * t) + 0.6, 0, 1)


def _resonate(
    source: npt.NDArray[np.float64], formants: tuple[tuple[int, int], ...], rate: int
) -> npt.NDArray[np.float64]:
    """A source through one resonator after the other, its peak being 1."""
    for frequency, bandwidth in formants:
        radius = np.exp(-np.pi * bandwidth / rate)
        back = 2 * radius * np.cos(2 * np.pi * frequency / rate), -(radius**2)
        heard, before, last = [], 0.0, 0.0
        for sample in source.tolist():
            before, last = last, sample + back[0] * last + back[1] * before
            heard.append(last)
        source = np.array(heard)
    return source / np.abs(source).max()
