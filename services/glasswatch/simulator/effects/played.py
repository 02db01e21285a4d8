"""What plays instead of the programme or above it, and is meant to be there: the base of synthesised negatives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm, Scene, SoundEffect
from glasswatch.simulator.effects.added import programme_levels, rehearsed
from glasswatch.simulator.media import Sound, amplitude
from glasswatch.simulator.settings import SoundSettings
from glasswatch.simulator.sound import faded
from glasswatch.simulator.synthesis import Event, Mixer, Values, convolved, panned, room

# What is played must not clip: its peaks and the programme's stay below this together.
HIGHEST = 0.97


class PlayedSettings(SoundSettings):
    """How loud it is, and what becomes of the programme."""

    level_dbfs: float = Field(-20.0, ge=-60, le=-3, description="active level of what plays; less where it would clip")
    programme_db: float | None = Field(
        None, ge=-40, le=-3, description="gain of the programme below it; it is not heard unless told"
    )
    fade_ms: float = Field(50.0, ge=5, le=5000, description="length of the fade from one to the other")


P = TypeVar("P", bound=PlayedSettings)


class Played(SoundEffect[P]):
    """Fades from the programme to synthesised sound, or to a mix of both, and back."""

    defect = None

    def __init__(self, settings: P, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.below = np.float32(0) if settings.programme_db is None else amplitude(settings.programme_db)
        programme = programme_levels(scene, {t: list(range(len(scene.media.audio[t].channels))) for t in self.tracks})
        self.mixers: dict[int, Mixer] = {}
        self.gains: dict[int, float] = {}
        for track, seed in zip(self.tracks, scene.rng.integers(0, 1 << 62, len(self.tracks)), strict=True):
            info = scene.media.audio[track]

            def make(rate: int = info.rate, channels: int = len(info.channels), seed: int = int(seed)) -> Mixer:
                return Mixer(channels, self.events(rate, channels, np.random.default_rng(seed)))

            rehearsal = rehearsed(make, round((scene.end - scene.start) * info.rate), info.rate)
            if rehearsal.active == 0:
                raise UsageError("the window is too short for anything to be played")
            room_left = HIGHEST - float(self.below) * programme[track].peak
            wanted = float(amplitude(settings.level_dbfs)) / np.sqrt(rehearsal.active)
            self.gains[track] = min(wanted, room_left / rehearsal.peak)
            self.mixers[track] = make()

    @abstractmethod
    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """The sound from the start of the window on, at any level; chance from `rng` alone."""

    def change(self, part: Sound) -> Pcm:
        """The fade, which keeps a sum of two below full scale."""
        self.mark(part)
        played = self.mixers[part.track].take(part.samples.shape[1]) * np.float32(self.gains[part.track])
        weight = faded(part, self.scene, self.settings.fade_ms / 1000)
        return np.asarray(part.samples * (1 - weight * (1 - self.below)) + played * weight, np.float32)


def in_room(
    notes: Iterator[tuple[int, Values]], rate: int, channels: int, rng: np.random.Generator, t60_s: float, direct: float
) -> Iterator[Event]:
    """Mono notes as heard in one room, each from its own place."""
    response = room(rng, rate, t60_s, direct)
    for first, note in notes:
        yield first, panned(convolved(note, response), channels, rng)
