"""Clean sound of every sort, a few seconds of one channel at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from bench.sources import Source

from glasswatch.simulator.soundcoding import resampled
from training.sources import Group

Generator = np.random.Generator
Samples = npt.NDArray[np.float32]

GROUPS = (
    Group("audio/librosa_147793", 2),
    Group("audio/librosa_198-209", 2),
    Group("audio/librosa_3436", kept_aside=True),
    Group("audio/librosa_442789", 2),
    Group("audio/librosa_456440", 1),
    Group("audio/librosa_5703", 2),
    Group("audio/librosa_Hungarian", 2),
    Group("audio/librosa_Karissa", 3),
    Group("audio/librosa_Kevin_MacLeod_-_P_I", 2),
    Group("audio/librosa_Kevin_MacLeod_-_Vibe", kept_aside=True),
    Group("audio/librosa_admiralbob77", 2),
    Group("audio/librosa_glacier-bay", 2),
    Group("audio/librosa_pibble", 2),
    Group("audio/librosa_sorohanro", 1),
    Group("audio/singularity_Awakening", 3),
    Group("audio/singularity_Nebula", kept_aside=True),
    Group("audio/visqol_castanets48", 1),
    Group("audio/visqol_contrabassoon48", 2),
    Group("audio/visqol_glock48", 1),
    Group("audio/visqol_guitar48", kept_aside=True),
    Group("audio/visqol_harpsichord48", 1),
    Group("audio/visqol_moonlight48", 1),
    Group("audio/visqol_ravel48", 1),
    Group("audio/visqol_sopr48", 1),
    Group("audio/visqol_speech", 2),
    Group("audio/visqol_steely48", kept_aside=True),
    Group("audio/visqol_strauss48", 1),
    Group("pristine/bbb_720p", 2),
    Group("pristine/caminandes", 2),
    Group("pristine/tears_of_steel", 3),
    Group("pristine/mdn_elf", kept_aside=True),
    Group("pristine/mdn", 3),
    Group("talking/mdn_friday", 2),
    Group("talking/grid_p", kept_aside=True),
    Group("talking/grid_s", kept_aside=True),
    Group("talking/grid", 3),
    Group("grid_s1", 2),
)
"""The sound that the manifest allows for training, by scene or voice."""

LENGTH_S = 7.0
LEAST_S = 2.5

SPEEDS = (0.7, 1.4)
"""How fast sound may be played; pitch goes with it."""

REVERBERATION_S = (0.2, 1.5)
"""Time in which a room's echoes fall by 60 dB."""

RATES = (16_000, 22_050, 32_000, 44_100, 48_000)

ACTIVE_DBFS = (-38.0, -12.0)
PEAK = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """One channel of sound.

    Attributes:
        name: The file that it is of, of several joined by +.
        samples: (samples,), full scale 1.
        rate: Samples per second.
    """

    name: str
    samples: Samples
    rate: int


def draw(groups: Mapping[Group, list[Source]], rng: Generator) -> Programme:
    """LENGTH_S of a file, or all of it where that is less; perhaps mixed, at another rate, level and colour."""
    found = _excerpt(groups, rng)
    if rng.random() < 0.4:
        found = _mixed(found, _excerpt(groups, rng), rng)
    samples, rate = found.samples, found.rate
    if rng.random() < 0.3:
        rate = min(rate, int(rng.choice(RATES)))
        samples = at_rate(samples, found.rate, rate)
    if rng.random() < 0.5:
        samples = _coloured(samples, rate, rng)
    if rng.random() < 0.2:
        samples = _reverberant(samples, rate, rng)
    return Programme(found.name, _levelled(samples, rng), rate)


def at_rate(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound at another rate."""
    if rate == wanted:
        return samples
    return np.concatenate(list(resampled([samples[None]], rate, wanted)), axis=1)[0]


def _excerpt(groups: Mapping[Group, list[Source]], rng: Generator) -> Programme:
    names = sorted(groups, key=lambda group: group.name)
    weights = np.array([group.weight for group in names])
    while True:
        sources = groups[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
        source = sources[int(rng.integers(len(sources)))]
        channels, rate = _decoded(source.path)
        channel = channels[int(rng.integers(len(channels)))]
        length = min(round(LENGTH_S * rate), len(channel))
        at = int(rng.integers(len(channel) - length + 1))
        samples = channel[at : at + length].astype(np.float32) / 32768
        if rng.random() < 0.5:  # another voice, another instrument
            samples = at_rate(samples, round(rate * np.exp(rng.uniform(*np.log(SPEEDS)))), rate)
        # Titles fade in and out, and voices pause: there is nothing to bend and nothing to hide behind.
        if len(samples) >= LEAST_S * rate and np.abs(samples).max() > 0.003:
            return Programme(source.name, samples, rate)


@lru_cache(maxsize=64)
def _decoded(path: Path) -> tuple[npt.NDArray[np.int16], int]:
    """(channels, samples) of the first track of a file, and its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        planar = av.AudioResampler("s16p", stream.layout, stream.rate)
        parts = [out.to_ndarray() for frame in container.decode(stream) for out in planar.resample(frame)]
        return np.concatenate(parts, axis=1), stream.rate


def _mixed(first: Programme, second: Programme, rng: Generator) -> Programme:
    """Two sounds at once, as a voice over music."""
    other = at_rate(second.samples, second.rate, first.rate)
    length = min(len(first.samples), len(other))
    below = 10 ** (-rng.uniform(0, 20) / 20) * rms(first.samples) / max(rms(other), 1e-6)
    samples = first.samples[:length] + np.float32(below) * other[:length]
    return Programme(f"{first.name}+{second.name}", samples.astype(np.float32), first.rate)


def _coloured(samples: Samples, rate: int, rng: Generator) -> Samples:
    """Through a gentle equaliser, perhaps without treble or bass: other microphones, rooms and mixers."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / rate), 10) / 1000)
    corners = np.linspace(-6, 5, 8)
    gains_db = np.interp(octaves, corners, np.cumsum(rng.normal(0, 2.5, 8)))
    if rng.random() < 0.2:
        gains_db -= 18 * np.maximum(octaves - rng.uniform(1.5, 4), 0)
    if rng.random() < 0.2:
        gains_db -= 12 * np.maximum(rng.uniform(-4, -2) - octaves, 0)
    found = np.fft.irfft(np.fft.rfft(samples) * 10 ** (gains_db / 20), len(samples))
    return found.astype(np.float32)


def _reverberant(samples: Samples, rate: int, rng: Generator) -> Samples:
    """In a room: echoes are noise that dies away (Polack's model)."""
    seconds = rng.uniform(*REVERBERATION_S)
    times = np.arange(round(seconds * rate)) / rate
    room = rng.normal(0, 1, len(times)) * 10 ** (-3 * times / seconds)
    room *= 10 ** (-rng.uniform(3, 18) / 20) / np.sqrt(np.sum(room * room))
    room[0] += 1
    size = 1 << (len(samples) + len(room) - 1).bit_length()
    found = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)[: len(samples)]
    return found.astype(np.float32)


def _levelled(samples: Samples, rng: Generator) -> Samples:
    """At an ordinary level, never clipped."""
    gain = 10 ** (rng.uniform(*ACTIVE_DBFS) / 20) / max(rms(samples), 1e-6)
    return samples * np.float32(min(gain, PEAK / max(float(np.abs(samples).max()), 1e-6)))


def rms(samples: Samples) -> float:
    """Root mean square, 0 of no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
