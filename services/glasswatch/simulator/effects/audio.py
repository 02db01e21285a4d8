"""Defects of the sound: silence, dropout, clipping, loudness, phase."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Mean, Pcm, Scene, SoundEffect
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import Defect
from glasswatch.simulator.loudness import integrated_lufs
from glasswatch.simulator.media import Sound, amplitude
from glasswatch.simulator.settings import SoundSettings
from glasswatch.simulator.sound import ChannelSettings, rows_of


class SilenceSettings(SoundSettings):
    """How silent."""

    level_dbfs: float | None = Field(None, le=-60, description="peak of the noise that remains; none unless told")


class Silence(SoundEffect[SilenceSettings]):
    """Every channel falls silent at once; no fades."""

    defect = "silence"

    def change(self, part: Sound) -> Pcm:
        """Zeros, or uniform noise."""
        self.mark(part)
        if self.settings.level_dbfs is None:
            return np.zeros_like(part.samples)
        return self.rng.uniform(-1, 1, part.samples.shape).astype(np.float32) * amplitude(self.settings.level_dbfs)

    def strength(self, track: int) -> dict[str, float]:
        """The level of the noise, if there is any."""
        return {} if self.settings.level_dbfs is None else {"level_dbfs": self.settings.level_dbfs}


class DropoutSettings(ChannelSettings):
    """How many holes of what size."""

    length_ms: float = Field(20.0, ge=2, le=500, description="length of each hole")
    count: int = Field(3, ge=1, le=1000, description="holes in the window, one in each of its equal parts")
    least_dbfs: float = Field(-40.0, le=0, description="a hole waits, within its part, for sound with such a peak")


class Dropout(SoundEffect[DropoutSettings]):
    """Short holes of digital zero inside the signal."""

    defect = "dropout"

    def __init__(self, settings: DropoutSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        part = (scene.end - scene.start) / settings.count
        if part * 500 < settings.length_ms:
            raise UsageError("dropout: the window is too short for so many holes of that length")
        drawn = [
            part * n + part * round(d * 1000) / 1000 for n, d in enumerate(scene.rng.uniform(0, 0.5, settings.count))
        ]
        self.waiting: dict[int, list[tuple[int, int]]] = {}
        self.holes: dict[int, list[tuple[int, int]]] = {}
        self.rows: dict[int, list[int]] = {}
        for track in self.tracks:
            info = scene.media.audio[track]
            self.rows[track] = rows_of(info, settings.channels, "dropout")
            self.waiting[track] = [
                (math.ceil((scene.start + at) * info.rate), math.floor((scene.start + part * (n + 1)) * info.rate))
                for n, at in enumerate(drawn)
            ]
            self.holes[track] = []

    def change(self, part: Sound) -> Pcm:
        """Open the holes that are due, zero what lies in one."""
        samples, rows = part.samples.copy(), self.rows[part.track]
        waiting, holes = self.waiting[part.track], self.holes[part.track]
        last = part.first + samples.shape[1]
        length = round(self.settings.length_ms * part.info.rate / 1000)
        step = max(part.info.rate // 100, 1)
        while waiting and waiting[0][0] < last:
            at, latest = waiting.pop(0)
            at = max(at, part.first)
            if at + length > latest:
                continue
            if np.abs(samples[rows, at - part.first :][:, :step]).max() < amplitude(self.settings.least_dbfs):
                waiting.insert(0, (at + step, latest))
            else:
                holes.append((at, at + length))
        for start, end in holes[-self.settings.count :]:
            a, b = max(start, part.first), min(end, last)
            if a < b:
                samples[rows, a - part.first : b - part.first] = 0
                self.mark(part, a - part.first, b - part.first)
        return samples

    def defects(self) -> list[Defect]:
        """One defect for each hole."""
        strength = {"length_ms": self.settings.length_ms}
        return [
            self._label(Fraction(a, rate), Fraction(b, rate), track=track, strength=strength)
            for track, holes in self.holes.items()
            for rate in [self.scene.media.audio[track].rate]
            for a, b in holes
        ]


class ClippingSettings(SoundSettings):
    """How hard the sound is driven."""

    gain_db: float = Field(12.0, gt=0, le=60, description="gain before the limit")
    ceiling_dbfs: float = Field(0.0, le=0, ge=-20, description="where the wave is cut off")


class Clipping(SoundEffect[ClippingSettings]):
    """Too much gain into a hard limit; the label spans the first to the last clipped sample."""

    defect = "clipping"

    def __init__(self, settings: ClippingSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.clipped = {t: Mean() for t in self.tracks}

    def change(self, part: Sound) -> Pcm:
        """Gain, then the limit."""
        driven = part.samples * amplitude(self.settings.gain_db)
        top = amplitude(self.settings.ceiling_dbfs)
        over = np.abs(driven) > top
        self.clipped[part.track].add(over.astype(np.float32))
        hit = np.flatnonzero(over.any(axis=0))
        if hit.size:
            self.mark(part, int(hit[0]), int(hit[-1]) + 1)
        return driven.clip(-top, top)

    def strength(self, track: int) -> dict[str, float]:
        """`clipped_fraction`: samples over the limit, of all in the window."""
        return {"gain_db": self.settings.gain_db, "clipped_fraction": self.clipped[track].value}


class LoudnessSettings(SoundSettings):
    """How far off."""

    mode: Literal["programme", "jump"] = Field("programme", description="programme: the whole of it; jump: the window")
    gain_db: float = Field(8.0, ge=-40, le=40, description="change of level")
    target_lufs: float | None = Field(
        None, ge=-60, le=0, description="programme loudness to reach, in place of gain_db (mode programme)"
    )


class Loudness(SoundEffect[LoudnessSettings]):
    """A gain on the whole programme, or on a part of it; peaks are left to the encoder, nothing is limited."""

    defect = "loudness"

    def __init__(self, settings: LoudnessSettings, scene: Scene) -> None:
        if settings.mode == "programme":
            scene = replace(scene, start=Fraction(0), end=max(a.end for a in scene.media.audio) + 1)
        elif settings.target_lufs is not None:
            raise UsageError("loudness: target_lufs is for mode=programme; mode=jump takes gain_db")
        super().__init__(settings, scene)
        self.kind = settings.mode
        self.gains = dict.fromkeys(self.tracks, settings.gain_db)
        self.measured: dict[int, float] = {}
        if settings.mode == "programme":
            for track in self.tracks:
                self.measured[track] = integrated_lufs(scene.source, scene.media, track)
                if settings.target_lufs is not None:
                    self.gains[track] = settings.target_lufs - self.measured[track]

    def change(self, part: Sound) -> Pcm:
        """The same gain throughout."""
        self.mark(part)
        return part.samples * amplitude(self.gains[part.track])

    def strength(self, track: int) -> dict[str, float]:
        """The gain, and the programme loudness that it leads to."""
        gain = self.gains[track]
        if track not in self.measured:
            return {"gain_db": gain}
        return {"gain_db": gain, "programme_lufs": self.measured[track] + gain}


class PhaseSettings(SoundSettings):
    """What is wrong with the pair."""

    mode: Literal["inverted", "dual_mono", "dead_channel"] = Field("inverted", description="what happens to channel 2")
    level_dbfs: float | None = Field(None, le=-60, description="peak of the noise on a dead channel; none unless told")


class Phase(SoundEffect[PhaseSettings]):
    """The second channel of the first pair is inverted, a copy, or dead."""

    defect = "phase"
    least_channels = 2

    def __init__(self, settings: PhaseSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.kind = settings.mode
        self.products = {t: (Mean(), Mean(), Mean()) for t in self.tracks}

    def change(self, part: Sound) -> Pcm:
        """Change the second channel; sum what the correlation needs."""
        self.mark(part)
        samples = part.samples.copy()
        left, right = samples[0], samples[1]
        if self.settings.mode == "inverted":
            right *= -1
        elif self.settings.mode == "dual_mono":
            right[:] = left
        elif self.settings.level_dbfs is None:
            right[:] = 0
        else:
            right[:] = self.rng.uniform(-1, 1, right.shape).astype(np.float32) * amplitude(self.settings.level_dbfs)
        for mean, product in zip(self.products[part.track], (left * right, left * left, right * right), strict=True):
            mean.add(product)
        return samples

    def strength(self, track: int) -> dict[str, float]:
        """`correlation` of the pair over the window: wide stereo stays near 0 even when inverted."""
        cross, left, right = (m.value for m in self.products[track])
        return {"correlation": cross / math.sqrt(left * right)} if left * right > 0 else {}


_AUDIO = frozenset({"audio"})
INJECTORS = (
    Injector("silence", "every channel falls silent", SilenceSettings, _AUDIO, Silence, (0.5, 5)),
    Injector("dropout", "short holes in the sound", DropoutSettings, _AUDIO, Dropout, (3, 6)),
    Injector("clipping", "sound driven into a hard limit", ClippingSettings, _AUDIO, Clipping, (1, 5)),
    Injector("loudness", "programme too loud or too soft, or a jump", LoudnessSettings, _AUDIO, Loudness, (4, 8)),
    Injector("phase", "an inverted, copied or dead channel", PhaseSettings, _AUDIO, Phase, (1, 5)),
)
