"""What is done to a programme: a defect of one class, something that only resembles one, or nothing."""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import av
import numpy as np

from glasswatch.core.errors import UsageError
from glasswatch.simulator import simulate
from glasswatch.simulator.effects.added import Shape
from glasswatch.simulator.labels import Defect, Labels
from glasswatch.simulator.registry import injectors
from glasswatch.simulator.settings import parse
from training.audio_artifacts.programmes import Generator, Programme, Samples, at_rate

RESEMBLING = (
    "staccato", "loud_mastered", "electric_guitar", "synth_bass", "cymbals", "castanets", "glockenspiel", "applause",
    "rain", "surf", "footsteps", "ventilation", "telephone_voice",
)  # fmt: skip

LEAD_S = 1.1
"""Clean sound before and after a defect."""

CODECS = {"aac": (48, 128), "libmp3lame": (64, 160), "libopus": (32, 96), "ac3": (64, 160)}
"""Encoders, with the kb/s of one channel that leave sound in order."""


@dataclass(frozen=True, slots=True)
class Strengths:
    """How strong a defect comes: values of one setting between these bounds, equally often.

    Attributes:
        setting: Of the injector.
        strongest: One bound.
        weakest: The other one, still plainly heard in most programmes.
        by_ratio: Equally often by their logarithm.
    """

    setting: str
    strongest: float
    weakest: float
    by_ratio: bool = False

    @property
    def bounds(self) -> tuple[float, float]:
        """The lower value first."""
        return min(self.strongest, self.weakest), max(self.strongest, self.weakest)

    def draw(self, rng: Generator) -> float:
        """A value."""
        low, high = self.bounds
        return float(np.exp(rng.uniform(np.log(low), np.log(high)))) if self.by_ratio else rng.uniform(low, high)

    def at(self, part: float) -> float:
        """The value that lies so far on the way from the strongest to the weakest."""
        if self.by_ratio:
            return self.strongest * (self.weakest / self.strongest) ** part
        return self.strongest + part * (self.weakest - self.strongest)


STRENGTHS: Mapping[str, Strengths] = {
    "hum": Strengths("snr_db", 0, 26),
    "hiss": Strengths("snr_db", 5, 30),
    "distortion": Strengths("sdr_db", 4, 20),
    "codec": Strengths("codec_bit_rate", 6_000, 14_000),
    "decimate": Strengths("rate_hz", 0.08, 0.4, by_ratio=True),
    "alias": Strengths("rate_hz", 0.08, 0.4, by_ratio=True),
    "clicks": Strengths("peak_db", 30, 6),
    "slip": Strengths("slip_samples", 400, 4),
    "packet_loss": Strengths("length_ms", 60, 2, by_ratio=True),
}
"""By defect, or by mode where it knows another measure; `rate_hz` as a part of the programme's rate."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A programme before and after.

    Attributes:
        programme: As it was.
        changed: What has become of it, as many samples, before it was coded.
        heard: What is heard in the end.
        name: Injector, or "none".
        settings: What it was told.
        defects: Where it has changed what.
    """

    programme: Programme
    changed: Samples
    heard: Samples
    name: str
    settings: Mapping[str, str]
    defects: tuple[Defect, ...]


def clip(programme: Programme, name: str, rng: Generator) -> Clip:
    """One of CLASSES, or "resembling", done to a programme; then perhaps coded."""
    with TemporaryDirectory() as folder:
        before, after = Path(folder, "before.wav"), Path(folder, "after.wav")
        if name == "resembling" or (name != "none" and rng.random() < 0.15):
            programme = _resembling(programme, before, after, rng)
        _write(before, programme)
        changed, defects, settings = programme.samples, (), {}
        if name not in ("none", "resembling"):
            settings = SETTINGS[name](programme, rng)
            length_s = len(programme.samples) / programme.rate
            lead_s = min(LEAD_S, length_s / 4)
            defects = _simulated(name, before, after, (lead_s, length_s - 2 * lead_s), settings, rng).defects
            changed = _read(after)
    heard = coded(changed, programme.rate, rng) if rng.random() < 0.65 else changed
    return Clip(programme, changed, heard, name, settings, defects)


def coded(samples: Samples, rate: int, rng: Generator) -> Samples:
    """Through an ordinary encode and back."""
    codec = str(rng.choice(list(CODECS)))
    low, high = CODECS[codec]
    wanted = 48_000 if codec in ("libopus", "ac3") or (rate < 32_000 and rng.random() < 0.5) else rate
    data = BytesIO()
    with av.open(data, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=wanted, layout="mono", bit_rate=int(rng.uniform(low, high) * 1000))
        sound = at_rate(samples, rate, wanted)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None], np.float32), "fltp", "mono")
        frame.sample_rate = wanted
        container.mux([p for f in (frame, None) for p in stream.encode(f)])
    data.seek(0)
    with av.open(data) as container:
        planar = av.AudioResampler("fltp", "mono", wanted)
        parts = [o.to_ndarray()[0] for f in container.decode(audio=0) for o in planar.resample(f)]
    found = at_rate(np.concatenate(parts).astype(np.float32), wanted, rate)
    return _aligned(found, samples)


def _aligned(found: Samples, samples: Samples) -> Samples:
    """Shifted so that it fits best, as many samples: encoders prime, and containers may not say by how much."""
    size = 1 << (len(found) + len(samples) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(found, size) * np.conj(np.fft.rfft(samples, size)), size)
    lag = int(np.argmax(product[:8192]))
    shifted = found[lag : lag + len(samples)]
    return np.pad(shifted, (0, len(samples) - len(shifted)))


def _resembling(programme: Programme, before: Path, after: Path, rng: Generator) -> Programme:
    name = str(rng.choice(RESEMBLING))
    settings = {}
    if name not in ("staccato", "loud_mastered", "telephone_voice"):
        settings["level_dbfs"] = f"{rng.uniform(-35, -14):.2f}"
        if rng.random() < 0.4:
            settings["programme_db"] = f"{-rng.uniform(3, 20):.2f}"
    _write(before, programme)
    length_s = len(programme.samples) / programme.rate
    try:
        _simulated(name, before, after, (0.0, length_s), settings, rng)
    except UsageError:  # nothing in this programme that could be changed
        return programme
    return Programme(f"{name}:{programme.name}", _read(after)[: len(programme.samples)], programme.rate)


def _simulated(
    name: str,
    before: Path,
    after: Path,
    window_s: tuple[float, float],
    settings: Mapping[str, str],
    rng: Generator,
) -> Labels:
    """What the simulator does to a file from `window_s`[0] on, for `window_s`[1].

    Raises:
        UsageError: The programme does not bear it.
        ValueError: The settings are wrong, which no other programme would mend.
    """
    try:
        parse(injectors()[name].settings, name, settings)
    except UsageError as error:
        raise ValueError(f"wrong settings: {error}") from error
    start_s, duration_s = window_s
    seed = int(rng.integers(1 << 30))
    return simulate(name, before, after, start_s=start_s, duration_s=duration_s, seed=seed, settings=settings)


def _hum(_: Programme, rng: Generator) -> dict[str, str]:
    return {
        "shape": str(rng.choice(get_args(Shape))),
        "mains_hz": str(rng.choice(["50", "60"])),
        "drift_hz": f"{rng.uniform(0, 0.4):.3f}",
        "modulation": f"{rng.uniform(0, 0.4):.3f}",
        "snr_db": f"{STRENGTHS['hum'].draw(rng):.2f}",
    }


def _hiss(_: Programme, rng: Generator) -> dict[str, str]:
    return {
        "colour": str(rng.choice(["white", "pink", "tape", "codec"], p=[0.35, 0.25, 0.25, 0.15])),
        "snr_db": f"{STRENGTHS['hiss'].draw(rng):.2f}",
    }


def _distortion(programme: Programme, rng: Generator) -> dict[str, str]:
    modes = ("hard", "soft", "crossover", "quantise", "mu_law", "intermodulation", "codec", "decimate", "alias")
    mode = str(rng.choice(modes))
    found = {"mode": mode, "sdr_db": f"{STRENGTHS['distortion'].draw(rng):.2f}"}
    if mode == "codec":
        found["codec"] = str(rng.choice(["libmp3lame", "aac", "libopus"]))
        found["codec_bit_rate"] = str(int(STRENGTHS[mode].draw(rng)))
    if mode in ("decimate", "alias"):
        found["rate_hz"] = str(int(programme.rate * STRENGTHS[mode].draw(rng)))
    return found


def _clicks(_: Programme, rng: Generator) -> dict[str, str]:
    mode = str(rng.choice(["single", "train", "vinyl", "slip", "packet_loss"]))
    return {
        "mode": mode,
        "peak_db": f"{STRENGTHS['clicks'].draw(rng):.2f}",
        "count": str(int(rng.integers(1, 9))),
        "rate_hz": f"{np.exp(rng.uniform(np.log(1), np.log(40))):.2f}",
        "slip_samples": str(int(rng.integers(*STRENGTHS["slip"].bounds))),
        "length_ms": f"{STRENGTHS['packet_loss'].draw(rng):.2f}",
        "conceal": str(rng.choice(["zero", "repeat", "splice"])),
    }


SETTINGS: dict[str, Callable[[Programme, Generator], dict[str, str]]] = {
    "hum": _hum,
    "hiss": _hiss,
    "distortion": _distortion,
    "clicks": _clicks,
}


def _write(path: Path, programme: Programme) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, programme.rate, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(programme.samples, -1, 1) * 32767).astype("<i2").tobytes())


def _read(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
