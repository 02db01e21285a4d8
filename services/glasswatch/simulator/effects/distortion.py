"""Distortion: waves bent by amplifiers and converters, starved codecs, sample-rate errors."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Mean, Pcm, Scene, SoundEffect
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Sound
from glasswatch.simulator.sound import ChannelSettings, Loudest, channels_inside, faded, inside, rows_of
from glasswatch.simulator.soundcoding import recoded, resampled
from glasswatch.simulator.synthesis import Mixer, OnePole, in_sequence

Bend = Literal["hard", "soft", "crossover", "quantise", "mu_law", "intermodulation"]
Wave = npt.NDArray[np.floating]
FADE_S = 0.01


class DistortionSettings(ChannelSettings):
    """What bends the wave and how far."""

    mode: Literal[
        "hard", "soft", "crossover", "quantise", "mu_law", "intermodulation", "codec", "decimate", "alias"
    ] = Field("hard", description="the first six bend the wave until sdr_db is reached")
    sdr_db: float = Field(15.0, ge=3, le=60, description="signal-to-distortion ratio of the six, over the window")
    codec: Literal["libmp3lame", "aac", "libopus"] = Field("libmp3lame", description="coder that starves")
    codec_bit_rate: int = Field(12_000, ge=6_000, le=64_000, description="its bits per second and channel")
    rate_hz: int | None = Field(
        None, ge=1_000, le=48_000, description="wrong rate of decimate and alias; a quarter of the track's unless told"
    )


def _hard(x: Wave, amount: float) -> Wave:
    return np.clip(x, -1 / amount, 1 / amount)


def _soft(x: Wave, amount: float) -> Wave:
    return np.asarray(np.tanh(x * amount) / amount)


def _crossover(x: Wave, amount: float) -> Wave:
    """A class B output stage without bias: nothing passes within the dead zone."""
    return np.sign(x) * np.maximum(np.abs(x) - amount, 0)


def _quantise(x: Wave, amount: float) -> Wave:
    """Steps without dither."""
    return np.round(x / amount) * amount


def _mu_law(x: Wave, amount: float) -> Wave:
    """Logarithmic steps (ITU-T G.711's curve, mu = 255, full scale 20 dB over the active level), steps of `amount`."""
    scaled = np.clip(x / 10, -1, 1)
    pressed = np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / math.log(256)
    stepped = np.round(pressed / amount) * amount
    return np.asarray(np.sign(stepped) * np.expm1(np.abs(stepped) * math.log(256)) / 255 * 10)


def _intermodulation(x: Wave, amount: float) -> Wave:
    """A square term: sums and differences of all the frequencies there are."""
    return x + amount * np.square(x)


# Curves on the wave in units of its active RMS; the more amount, the more distortion.
BENDS: dict[Bend, Callable[[Wave, float], Wave]] = {
    "hard": _hard,
    "soft": _soft,
    "crossover": _crossover,
    "quantise": _quantise,
    "mu_law": _mu_law,
    "intermodulation": _intermodulation,
}
AMOUNTS = (1e-4, 1e3)
BISECTIONS = 24
# Samples of each channel: enough of the window to set a curve by, and quick.
SURVEYED_SAMPLES = 30_000
# Half a step of 16 bits: what stays below is digital silence, and that cannot be distorted.
SILENT_STEP = 2.0**-16
# Bent sound may be louder than the programme was, up to here.
HIGHEST = 0.97


class Likeness:
    """How much of one wave is in another, whatever its gain: the scale-invariant signal-to-distortion ratio."""

    def __init__(self) -> None:
        self._products = (Mean(), Mean(), Mean())

    def add(self, clean: Wave, bent: Wave) -> None:
        """Take in samples of the same shape."""
        for mean, product in zip(self._products, (clean * bent, clean * clean, bent * bent), strict=True):
            mean.add(product)

    @property
    def sdr_db(self) -> float | None:
        """10 lg r²/(1 - r²) with the correlation r; None without sound, at most 100."""
        cross, clean, bent = (m.value for m in self._products)
        if clean * bent <= 0:
            return None
        likeness = min(cross * cross / (clean * bent), 1 - 1e-10)
        return 10 * math.log10(max(likeness, 1e-10) / (1 - likeness))


class Distortion(SoundEffect[DistortionSettings]):
    """Blends into the distorted sound and back within 10 ms, so that nothing clicks."""

    defect = "distortion"

    def __init__(self, settings: DistortionSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.rows = {t: rows_of(scene.media.audio[t], settings.channels, "distortion") for t in self.tracks}
        self.likeness = {t: Likeness() for t in self.tracks}

    def change(self, part: Sound) -> Pcm:
        """The blend, on the chosen channels; where they are silent nothing is changed that could be labelled."""
        rows, samples = self.rows[part.track], part.samples.copy()
        clean = samples[rows]
        sounding = np.flatnonzero(np.abs(clean).max(axis=0) >= SILENT_STEP)
        if len(sounding):
            self.mark(part, int(sounding[0]), int(sounding[-1]) + 1)
        bent = self.distorted(part.track, clean)
        self.likeness[part.track].add(clean.astype(np.float64), bent.astype(np.float64))
        samples[rows] = clean + (bent - clean) * faded(part, self.scene, FADE_S)
        return samples

    @abstractmethod
    def distorted(self, track: int, clean: Pcm) -> Pcm:
        """What the chosen channels become, block after block."""

    def strength(self, track: int) -> dict[str, float]:
        """`sdr_db`: scale-invariant signal-to-distortion ratio over the window."""
        ratio = self.likeness[track].sdr_db
        return {} if ratio is None else {"sdr_db": ratio}


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve, set to the level of a track."""

    bend: Callable[[Wave, float], Wave]
    rms: float
    amount: float
    gain: float

    def __call__(self, clean: Wave) -> Wave:
        """The wave bent."""
        return self.bend(clean / self.rms, self.amount) * self.gain


class Bent(Distortion):
    """A curve, the same for all samples, that leaves the power as it was; less where peaks would clip."""

    COUPLING_HZ = 15.0

    def __init__(self, settings: DistortionSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.curves: dict[int, Curve] = {}
        self.couplings: dict[int, OnePole] = {}
        for track, (level, clean) in _survey(scene, self.rows).items():
            if level.active == 0:
                raise UsageError(f"distortion: the sound of track {track} is silent there")
            curve = _curve(BENDS[cast("Bend", settings.mode)], level, clean, settings.sdr_db)
            self.curves[track] = curve
            shifts = np.asarray(curve(clean).mean(axis=1), np.float64)
            self.couplings[track] = OnePole(scene.media.audio[track].rate, self.COUPLING_HZ, shifts)

    def distorted(self, track: int, clean: Pcm) -> Pcm:
        """The curve; of a square term only what changes, as amplifiers pass no direct current."""
        curve = self.curves[track]
        bent = curve(clean.astype(np.float64))
        if self.settings.mode == "intermodulation":
            square = bent - clean * (curve.gain / curve.rms)
            bent = bent - self.couplings[track].low(square)
        return bent.astype(np.float32)


def _survey(scene: Scene, rows: dict[int, list[int]]) -> dict[int, tuple[Loudest, npt.NDArray[np.float64]]]:
    """Level, and samples from all over the window, shape (channels, n), of the chosen channels."""
    levels = {t: Loudest(scene.media.audio[t].rate) for t in rows}
    kept = {t: [np.zeros((len(rows[t]), 0))] for t in rows}
    for part in inside(scene):
        if part.track in rows:
            chosen = part.samples[rows[part.track]]
            levels[part.track].add(chosen)
            stride = math.ceil(float(scene.end - scene.start) * part.info.rate / SURVEYED_SAMPLES)
            kept[part.track].append(chosen[:, ::stride].astype(np.float64))
    return {t: (levels[t], np.concatenate(kept[t], axis=1)) for t in rows}


def _curve(bend: Callable[[Wave, float], Wave], level: Loudest, clean: Wave, sdr_db: float) -> Curve:
    """The curve that gives that ratio, by bisection of the logarithm of its amount."""
    rms = math.sqrt(level.active)
    low, high = (math.log(a) for a in AMOUNTS)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        bent = bend(clean / rms, math.exp(middle))
        likeness = Likeness()
        likeness.add(clean / rms, bent - bent.mean(axis=1, keepdims=True))
        ratio = likeness.sdr_db
        low, high = (middle, high) if ratio is not None and ratio > sdr_db else (low, middle)
    amount = math.exp(low)
    bent = bend(clean / rms, amount)
    same_power = math.sqrt(float(np.square(clean).mean()) / float(bent.var(axis=1).mean()))
    # All curves rise, so that the highest samples stay so.
    highest = float(np.abs(bend(np.array([-level.peak, level.peak]) / rms, amount)).max())
    return Curve(bend, rms, amount, min(same_power, max(level.peak, HIGHEST) / highest))


class Remade(Distortion):
    """The sound of the window goes through a codec or another sample rate, each channel by itself."""

    def __init__(self, settings: DistortionSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        for track in self.tracks:
            if settings.mode != "codec" and scene.media.audio[track].rate <= (settings.rate_hz or 0):
                raise UsageError(
                    f"distortion: rate_hz must be below the {scene.media.audio[track].rate} Hz that there are"
                )
        # Read ahead of the run, as codecs delay.
        self.remade = {
            (track, row): Mixer(1, in_sequence(self._remade(blocks, scene.media.audio[track].rate)))
            for track, rows in self.rows.items()
            for row, blocks in channels_inside(scene, track, rows).items()
        }

    def _remade(self, blocks: Iterator[Pcm], rate: int) -> Iterator[Pcm]:
        settings = self.settings
        if settings.mode == "codec":
            return recoded(blocks, rate, settings.codec, settings.codec_bit_rate)
        wrong_hz = settings.rate_hz or rate // 4
        if settings.mode == "decimate":
            return (held for _, held in _picked(blocks, rate, wrong_hz))
        return resampled((picked for picked, _ in _picked(blocks, rate, wrong_hz)), wrong_hz, rate)

    def distorted(self, track: int, clean: Pcm) -> Pcm:
        """The next samples of each channel."""
        return np.concatenate([self.remade[track, row].take(clean.shape[1]) for row in self.rows[track]])


def _picked(blocks: Iterator[Pcm], rate: int, rate_hz: int) -> Iterator[tuple[Pcm, Pcm]]:
    """Samples picked at a lower rate without the filter that belongs before it; and each held until the next."""
    at = 0
    last = np.zeros((1, 1), np.float32)
    for block in blocks:
        count = block.shape[1]
        first, end = (-(-n * rate_hz // rate) for n in (at, at + count))
        picked = block[:, np.arange(first, end) * rate // rate_hz - at]
        last = np.concatenate([last[:, -1:], picked], axis=1)
        yield picked, last[:, (at + np.arange(count)) * rate_hz // rate - first + 1]
        at += count


def _distortion(settings: DistortionSettings, scene: Scene) -> Distortion:
    return Bent(settings, scene) if settings.mode in get_args(Bend) else Remade(settings, scene)


INJECTORS = (
    Injector(
        "distortion",
        "bent waves, starved codecs, wrong sample rates",
        DistortionSettings,
        frozenset({"audio"}),
        _distortion,
        (2, 8),
    ),
)
