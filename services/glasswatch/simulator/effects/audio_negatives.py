"""Sound that resembles a defect and is none: quiet passages, staccato playing, loud mastering."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm, Scene, SoundEffect
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Sound, amplitude
from glasswatch.simulator.settings import SoundSettings
from glasswatch.simulator.sound import inside, seconds

LIMITER_CELL_S = 0.005


class QuietSettings(SoundSettings):
    """How quiet."""

    peak_dbfs: float = Field(-50.0, ge=-58, le=-40, description="highest sample of the quiet passage")
    fade_s: float = Field(0.5, gt=0, le=3, description="length of the fades at both ends")


class QuietPassage(SoundEffect[QuietSettings]):
    """The sound sinks to a whisper and comes back, smoothly."""

    defect = None

    def __init__(self, settings: QuietSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        peaks = dict.fromkeys(self.tracks, 0.0)
        for part in inside(scene):
            if part.track in peaks:
                peaks[part.track] = max(peaks[part.track], float(np.abs(part.samples).max()))
        self.gains_db = {t: settings.peak_dbfs - 20 * np.log10(p) for t, p in peaks.items() if p > 0}
        if not any(g < 0 for g in self.gains_db.values()):
            raise UsageError(f"quiet_passage: the sound there does not exceed {settings.peak_dbfs} dBFS as it is")

    def change(self, part: Sound) -> Pcm:
        """Gain that moves along a raised cosine, in dB."""
        gain = min(self.gains_db.get(part.track, 0.0), 0.0)
        if gain == 0:
            return part.samples
        self.mark(part)
        passed = seconds(part, self.scene)
        length = float(self.scene.end - self.scene.start)
        fade = min(self.settings.fade_s, length / 3)
        depth = np.clip(np.minimum(passed, length - passed) / fade, 0, 1)
        curve: Pcm = np.power(10, gain * (1 - np.cos(np.pi * depth)) / 40).astype(np.float32)
        return part.samples * curve


class StaccatoSettings(SoundSettings):
    """The rhythm."""

    period_s: float = Field(0.4, ge=0.1, le=2, description="from note to note")
    decay_ms: float = Field(45.0, ge=10, le=300, description="time in which a note falls to 1/e")
    attack_ms: float = Field(4.0, ge=1, le=50, description="time in which a note rises")


class Staccato(SoundEffect[StaccatoSettings]):
    """Short notes that die away into silence before the next."""

    defect = None

    def change(self, part: Sound) -> Pcm:
        """A gate of quick attacks and exponential decays."""
        self.mark(part)
        passed = seconds(part, self.scene)
        since = passed % self.settings.period_s
        attack = np.minimum(since / (self.settings.attack_ms / 1000), 1)
        return part.samples * (attack * np.exp(-since / (self.settings.decay_ms / 1000))).astype(np.float32)


class MasteredSettings(SoundSettings):
    """How loud."""

    gain_db: float = Field(9.0, gt=0, le=24, description="gain before the limiter")
    ceiling_dbfs: float = Field(-0.3, ge=-6, le=-0.1, description="highest sample after it")


class LoudMastered(SoundEffect[MasteredSettings]):
    """A look-ahead limiter: loud, close to full scale, and no wave is cut off.

    Gain is set at the bounds of cells of 5 ms, each time to what the louder of the two neighbours bears, and moves
    linearly between; so it never exceeds what the cell's peak bears. The cells' peaks are read ahead.
    """

    defect = None

    def __init__(self, settings: MasteredSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        top = float(amplitude(settings.ceiling_dbfs))
        self.bounds: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}
        for track in self.tracks:
            rate = scene.media.audio[track].rate
            cells = int((scene.end - scene.start) / LIMITER_CELL_S) + 2
            peaks = np.zeros(cells)
            for part in inside(scene):
                if part.track == track:
                    cell = (seconds(part, scene) / LIMITER_CELL_S).astype(np.intp)
                    np.maximum.at(peaks, cell, np.abs(part.samples).max(axis=0))
            gains = np.minimum(float(amplitude(settings.gain_db)), top / np.maximum(peaks, 1 / rate))
            self.bounds[track] = np.minimum(np.append(gains, gains[-1]), np.insert(gains, 0, gains[0]))

    def change(self, part: Sound) -> Pcm:
        """Gain between the cells' bounds."""
        self.mark(part)
        bounds = self.bounds[part.track]
        gain = np.interp(seconds(part, self.scene) / LIMITER_CELL_S, np.arange(len(bounds)), bounds)
        return part.samples * gain.astype(np.float32)


_AUDIO = frozenset({"audio"})
INJECTORS = (
    Injector(
        "quiet_passage",
        "sound that sinks to a whisper",
        QuietSettings,
        _AUDIO,
        QuietPassage,
        (3, 6),
        ("silence", "dropout"),
    ),
    Injector(
        "staccato",
        "short notes with silence between",
        StaccatoSettings,
        _AUDIO,
        Staccato,
        (3, 6),
        ("dropout", "clicks"),
    ),
    Injector(
        "loud_mastered",
        "loud sound under a limiter, nothing clipped",
        MasteredSettings,
        _AUDIO,
        LoudMastered,
        None,
        ("clipping", "distortion"),
    ),
)
