"""Distortion: waves bent by amplifiers and converters, starved codecs, sample-rate errors."""

from __future__ import annotations

import math
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
from glasswatch.simulator.sound import ChannelSettings, Loudest, faded, inside, rows_of
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
    codec_bit_rate: int = Field(12_000, ge=4_000, le=64_000, description="its bits per second and channel")
    rate_hz: int = Field(8_000, ge=1_000, le=32_000, description="wrong rate of decimate and alias")


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
# Enough of the window to set a curve by, and quick.
SURVEYED_SAMPLES = 200_000


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
        """The blend, on the chosen channels."""
        self.mark(part)
        rows, samples = self.rows[part.track], part.samples.copy()
        clean = samples[rows]
        bent = self.distorted(part.track, clean)
        self.likeness[part.track].add(clean.astype(np.float64), bent.astype(np.float64))
        samples[rows] = clean + (bent - clean) * faded(part, self.scene, FADE_S)
        return samples

    def distorted(self, track: int, clean: Pcm) -> Pcm:
        """What the chosen channels become, block after block."""
        raise NotImplementedError

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
    """A curve, the same for all samples, that leaves the power as it was; what it shifts off zero is filtered out."""

    COUPLING_HZ = 15.0

    def __init__(self, settings: DistortionSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.curves: dict[int, Curve] = {}
        self.couplings: dict[int, OnePole] = {}
        for track, (rms, clean) in _survey(scene, self.rows).items():
            if rms == 0:
                raise UsageError(f"distortion: the sound of track {track} is silent there")
            self.curves[track] = _curve(BENDS[cast("Bend", settings.mode)], rms, clean, settings.sdr_db)
            rate = scene.media.audio[track].rate
            self.couplings[track] = OnePole(len(self.rows[track]), rate, self.COUPLING_HZ)

    def distorted(self, track: int, clean: Pcm) -> Pcm:
        """The curve; after a square term the coupling capacitor that keeps amplifiers free of direct current."""
        bent = self.curves[track](clean.astype(np.float64))
        if self.settings.mode == "intermodulation":
            bent = bent - self.couplings[track].low(bent)
        return bent.astype(np.float32)


def _survey(scene: Scene, rows: dict[int, list[int]]) -> dict[int, tuple[float, npt.NDArray[np.float64]]]:
    """Active RMS of the loudest channel, and samples from all over the window, of the chosen channels."""
    levels = {t: Loudest(scene.media.audio[t].rate) for t in rows}
    kept: dict[int, list[npt.NDArray[np.float64]]] = {t: [] for t in rows}
    for part in inside(scene):
        if part.track in rows:
            chosen = part.samples[rows[part.track]]
            levels[part.track].add(chosen)
            expected = float(scene.end - scene.start) * part.info.rate * len(chosen)
            kept[part.track].append(chosen.ravel()[:: math.ceil(expected / SURVEYED_SAMPLES)].astype(np.float64))
    return {t: (math.sqrt(levels[t].active), np.concatenate(kept[t] or [np.zeros(1)])) for t in rows}


def _curve(bend: Callable[[Wave, float], Wave], rms: float, clean: Wave, sdr_db: float) -> Curve:
    """The curve that gives that ratio, by bisection of the logarithm of its amount."""
    scaled = clean / rms
    low, high = (math.log(a) for a in AMOUNTS)
    for _ in range(30):
        middle = (low + high) / 2
        bent = bend(scaled, math.exp(middle))
        likeness = Likeness()
        likeness.add(scaled, bent - bent.mean())
        ratio = likeness.sdr_db
        low, high = (middle, high) if ratio is not None and ratio > sdr_db else (low, middle)
    amount = math.exp(low)
    bent = bend(scaled, amount)
    same_power = math.sqrt(float(np.square(clean).mean()) / float(bent.var()))
    # More than the programme's own peak would clip.
    return Curve(bend, rms, amount, min(same_power, float(np.abs(clean).max() / np.abs(bent).max())))


class Remade(Distortion):
    """The sound of the window goes through a codec or another sample rate, each channel by itself."""

    def __init__(self, settings: DistortionSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        for track in self.tracks:
            if settings.mode != "codec" and scene.media.audio[track].rate <= settings.rate_hz:
                raise UsageError(
                    f"distortion: rate_hz must be below the {scene.media.audio[track].rate} Hz that there are"
                )
        self.remade = {
            (track, row): Mixer(1, in_sequence(self._channel(track, row)))
            for track, rows in self.rows.items()
            for row in rows
        }

    def _channel(self, track: int, row: int) -> Iterator[Pcm]:
        """The channel's window, remade; it is read by itself, ahead of the run, as codecs delay."""
        blocks = (p.samples[row : row + 1] for p in inside(self.scene) if p.track == track)
        rate, settings = self.scene.media.audio[track].rate, self.settings
        if settings.mode == "codec":
            return recoded(blocks, rate, settings.codec, settings.codec_bit_rate)
        if settings.mode == "decimate":
            return (held for _, held in _picked(blocks, rate, settings.rate_hz))
        return resampled((picked for picked, _ in _picked(blocks, rate, settings.rate_hz)), settings.rate_hz, rate)

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
