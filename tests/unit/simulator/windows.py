"""Sound that was changed between START and END, and what is measured of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasswatch.simulator import Labels, simulate
from tests.unit.simulator.clips import RATE, Decoded, decode

Wave = npt.NDArray[np.floating]
START, END = 1.0, 3.0


def made(name: str, source: Path, folder: Path, *, seed: int = 0, **given: str) -> tuple[Labels, Decoded, Wave]:
    """Labels, output, and what was added to the source."""
    target = folder / "o.mkv"
    given = {"audio_codec": "pcm_s16le"} | given
    labels = simulate(name, source, target, start_s=START, duration_s=END - START, seed=seed, settings=given)
    got = decode(target)
    return labels, got, got.sound[0].astype(np.float64) - clean(source)


@cache
def clean(source: Path) -> Wave:
    """The samples of a source, decoded once."""
    return decode(source).sound[0]


def db(wave: Wave) -> float:
    return float(10 * np.log10(np.square(wave, dtype=np.float64).mean()))


def power(wave: Wave, low: float, high: float) -> float:
    """Power per Hz between two frequencies, in dB."""
    spectrum = np.square(np.abs(np.fft.rfft(wave * np.hanning(len(wave)))))
    f = np.fft.rfftfreq(len(wave), 1 / RATE)
    return float(10 * np.log10(spectrum[(f >= low) & (f < high)].mean() + 1e-30))


def window(wave: Wave) -> Wave:
    return wave[:, round(START * RATE) : round(END * RATE)]
