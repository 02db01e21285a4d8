"""Hum and hiss: steady sound that equipment adds to the programme."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm, Scene, SoundEffect
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Sound
from glasswatch.simulator.sound import ChannelSettings, Loudest, decibels, faded, inside, rows_of
from glasswatch.simulator.synthesis import Event, Mixer, Spectrum, Values, at_peak, noise, octaves_of, slowly

SILENT_PROGRAMME = "the sound of track {} is silent there; give level_dbfs in place of snr_db"


class AddedSettings(ChannelSettings):
    """How loud it is."""

    snr_db: float = Field(20.0, ge=-10, le=80, description="active level of the programme's loudest channel above it")
    level_dbfs: float | None = Field(None, ge=-100, le=0, description="RMS of it, in place of snr_db")
    fade_ms: float = Field(20.0, ge=0, le=5000, description="time in which it comes and goes")


A = TypeVar("A", bound=AddedSettings)


def rehearsed(make: Callable[[], Mixer], count: int, rate: int) -> Loudest:
    """The level of the first `count` samples of what is to be heard; what is made twice must be twice the same."""
    level, mixer = Loudest(rate), make()
    for first in range(0, count, rate):
        level.add(mixer.take(min(rate, count - first)))
    return level


def programme_levels(scene: Scene, rows: dict[int, list[int]]) -> dict[int, Loudest]:
    """The level of some channels (`rows`) of some tracks in the window, read ahead."""
    levels = {t: Loudest(scene.media.audio[t].rate) for t in rows}
    for part in inside(scene):
        if part.track in levels:
            levels[part.track].add(part.samples[rows[part.track]])
    return levels


class Added(SoundEffect[A]):
    """Adds endless sound to the window; the same RMS in each channel, exact over the window but for the fades."""

    def __init__(self, settings: A, scene: Scene) -> None:
        super().__init__(settings, scene)
        assert self.defect is not None
        self.rows = {t: rows_of(scene.media.audio[t], settings.channels, self.defect) for t in self.tracks}
        programme = programme_levels(scene, self.rows)
        self.mixers: dict[int, Mixer] = {}
        self.gains: dict[int, float] = {}
        self.strengths: dict[int, dict[str, float]] = {}
        for track, seed in zip(self.tracks, scene.rng.integers(0, 1 << 62, len(self.tracks)), strict=True):
            rate = scene.media.audio[track].rate
            active = decibels(programme[track].active)
            if settings.level_dbfs is None and programme[track].active == 0:
                raise UsageError(f"{self.defect}: {SILENT_PROGRAMME.format(track)}")
            level = active - settings.snr_db if settings.level_dbfs is None else settings.level_dbfs

            def make(rate: int = rate, channels: int = len(self.rows[track]), seed: int = int(seed)) -> Mixer:
                return Mixer(channels, self.events(rate, channels, np.random.default_rng(seed)))

            rehearsal = rehearsed(make, round((scene.end - scene.start) * rate), rate)
            self.mixers[track] = make()
            self.gains[track] = 10 ** (level / 20) / np.sqrt(rehearsal.power)
            self.strengths[track] = {"level_dbfs": level}
            if programme[track].active > 0:
                self.strengths[track]["snr_db"] = active - level

    @abstractmethod
    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """The sound from the start of the window on, at any level; chance from `rng` alone."""

    def change(self, part: Sound) -> Pcm:
        """The sum; peaks are left to the encoder, nothing is limited."""
        self.mark(part)
        samples = part.samples.copy()
        added = self.mixers[part.track].take(samples.shape[1]) * np.float32(self.gains[part.track])
        samples[self.rows[part.track]] += added * faded(part, self.scene, self.settings.fade_ms / 1000)
        return samples

    def strength(self, track: int) -> dict[str, float]:
        """`level_dbfs` of what is added, and `snr_db` where there is a programme."""
        return self.strengths[track]


Shape = Literal["induction", "transformer", "rectifier", "dimmer", "ground_loop"]


class HumSettings(AddedSettings):
    """Which mains and what they drive."""

    shape: Shape = Field("ground_loop", description="what the mains drive; sets the harmonics")
    mains_hz: Literal["50", "60"] = Field("50", description="nominal frequency of the mains")
    drift_hz: float = Field(0.2, ge=0, le=1, description="how far the frequency wanders to either side")
    modulation: float = Field(0.1, ge=0, le=0.9, description="how far the amplitude wanders to either side, as a part")


def mains_harmonics(shape: Shape, count: int, rng: np.random.Generator) -> Spectrum:
    """Complex amplitudes of harmonics 1 to `count` of the mains.

    - induction: the field of a cable or motor, nearly a sine.
    - transformer: magnetising current of a saturated core, odd harmonics that fall with n^1.5.
    - rectifier: ripple behind a full-wave rectifier, a sawtooth at twice the mains: even harmonics, 1/n.
    - dimmer: a sine cut by a thyristor, coupled through a stray capacitance: all odd harmonics up to the kilohertz.
    - ground_loop: what many appliances feed into the earth, odd and weaker even harmonics.

    Levels of single harmonics are off by a few dB from case to case, as resonances and loads make them.
    """
    n = np.arange(1, count + 1)
    odd = n % 2
    if shape == "dimmer":
        cycle = np.arange(4096) / 4096
        cut = np.where(cycle % 0.5 >= rng.uniform(0.12, 0.38), np.sin(2 * np.pi * cycle), 0)
        bins = np.fft.rfft(cut)[1 : count + 1]
        return np.asarray(bins * n / np.hypot(1, n / 12))
    levels = {
        "induction": np.select([n == 1, n == 2, n == 3, n == 5], [1.0, 0.03, 0.1, 0.04]),
        "transformer": odd * (n <= 21) / n**1.5,
        "rectifier": (1 - odd) * (n <= 80) / n,
        "ground_loop": np.where(odd, 1.0, 0.3) * (n <= 40) / n**0.7,
    }[shape]
    return np.asarray(levels * 10 ** (rng.normal(0, 3, count) / 20) * np.exp(2j * np.pi * rng.random(count)))


class Hum(Added[HumSettings]):
    """Mains hum or buzz, the same in every channel: frequency and amplitude wander slowly."""

    defect = "hum"

    HARMONICS = 120
    TABLE = 8192

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """One second at a time; the phase is the integral of the frequency, in closed form."""
        mains = float(self.settings.mains_hz)
        harmonics = np.zeros(self.TABLE // 2 + 1, complex)
        count = min(self.HARMONICS, int(0.45 * rate / (mains + self.settings.drift_hz)))
        harmonics[1 : count + 1] = mains_harmonics(self.settings.shape, self.HARMONICS, rng)[:count]
        cycle = at_peak(np.fft.irfft(harmonics, self.TABLE))
        grid = np.arange(self.TABLE) / self.TABLE
        # Mains frequency wanders over tens of seconds, as the grid's load does; two sines never exceed the drift.
        speeds, phases = 2 * np.pi / rng.uniform(8, 60, 2), rng.uniform(0, 2 * np.pi, 2)
        swell = slowly(rng, (0.4, 10))
        first = 0
        while True:
            t = (first + np.arange(rate)) / rate
            wander = (np.sin(np.multiply.outer(t, speeds) + phases) / speeds).mean(axis=-1)
            turns = mains * t + self.settings.drift_hz * wander
            hum = np.interp(turns % 1, grid, cycle, period=1) * (1 + self.settings.modulation * swell(t))
            yield first, np.broadcast_to(hum.astype(np.float32), (channels, rate))
            first += rate


class HissSettings(AddedSettings):
    """Which noise."""

    colour: Literal["white", "pink", "tape", "codec"] = Field("white", description="spectrum of the noise")


# Replay noise of a cassette behind its equaliser: falls to 1 kHz, rises in the treble, ends with the head's gap.
TAPE_DB = ((30, 6), (200, 0), (1000, 0), (4000, 5), (9000, 9), (14000, 7), (18000, -6))
# Edges of the bands that a starved codec opens and shuts, in Hz: about the critical bands (Zwicker) by twos.
CODEC_BANDS_HZ = np.array([0, 300, 630, 1080, 1720, 2700, 4400, 7000, 10500, 15500])
# Part of the time that a band is open, and how long it stays as it is.
OPEN_PART, OPEN_S = 0.45, 0.12


class Hiss(Added[HissSettings]):
    """Broadband noise, independent in each channel."""

    defect = "hiss"

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Steady noise; that of a codec has holes that come and go."""
        if self.settings.colour == "codec":
            return noise(rng, rate, channels, _holes(np.random.default_rng(rng.integers(1 << 62))))
        return noise(rng, rate, channels, lambda _, f: _COLOURS[self.settings.colour](f))


def _white(f: Values) -> Values:
    return (f >= 20).astype(np.float64)


def _pink(f: Values) -> Values:
    return _white(f) / np.sqrt(np.maximum(f, 20))


def _tape(f: Values) -> Values:
    return _white(f) * octaves_of(f, TAPE_DB)


_COLOURS = {"white": _white, "pink": _pink, "tape": _tape}


def _holes(rng: np.random.Generator) -> Callable[[float, Values], Values]:
    """Bands of noise that fall silent and come back, in all channels at once; nothing above the last one."""
    bands = len(CODEC_BANDS_HZ) - 1
    is_open = rng.random(bands) < OPEN_PART
    last = 0.0

    def shape(t: float, f: Values) -> Values:
        nonlocal is_open, last
        redrawn = rng.random(is_open.shape) < 1 - np.exp(-(t - last) / OPEN_S)
        is_open, last = np.where(redrawn, rng.random(is_open.shape) < OPEN_PART, is_open), t
        # One band is always open: else short windows could be silent.
        is_open[3] = True
        band = np.searchsorted(CODEC_BANDS_HZ, f, side="right") - 1
        heard = (f >= 20) & (band < bands)
        return np.asarray(is_open[np.minimum(band, bands - 1)] * heard / np.maximum(f, 200) ** 0.25)

    return shape


_AUDIO = frozenset({"audio"})
INJECTORS = (
    Injector("hum", "hum or buzz of the mains", HumSettings, _AUDIO, Hum, (2, 8)),
    Injector("hiss", "a floor of broadband noise", HissSettings, _AUDIO, Hiss, (2, 8)),
)
