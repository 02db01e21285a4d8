"""Voices that do not belong to the faces in the picture, and are meant to: dubbing, voice-over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm
from glasswatch.simulator.effects.played import Played, PlayedSettings
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Sound
from glasswatch.simulator.soundcoding import resampled
from glasswatch.simulator.source import read, survey
from glasswatch.simulator.synthesis import Event


class DubbedSettings(PlayedSettings):
    """Who speaks instead."""

    voice: Path = Field(description="file whose first audio track is heard, from its start and again from there")


class VoiceOverSettings(DubbedSettings):
    """Who speaks above the programme."""

    programme_db: float | None = Field(-15.0, ge=-40, le=-3, description="gain of the programme below the voice")


class Voice(Played[DubbedSettings]):
    """The sound of another file, the same in all channels."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Its mean over channels, over and over."""
        at = 0
        while True:
            begun = at
            for block in resampled(*self._voice(), rate):
                yield at, block.repeat(channels, axis=0)
                at += block.shape[1]
            if at == begun:
                raise UsageError(f"{self.settings.voice}: no sound can be decoded")

    def _voice(self) -> tuple[Iterator[Pcm], int]:
        """The file's sound in blocks of shape (1, n), and its rate."""
        path = self.settings.voice
        media = survey(path)
        if not media.audio:
            raise UsageError(f"{path}: there is no voice, as it has no sound")
        items = read(path, media, pictures=False)
        sounds = (item for item in items if isinstance(item, Sound) and item.track == 0)
        return (sound.samples.mean(axis=0, keepdims=True) for sound in sounds), media.audio[0].rate


_AUDIO = frozenset({"audio"})
INJECTORS = (
    Injector("dubbed", "another voice in place of the sound", DubbedSettings, _AUDIO, Voice, None, ("av_sync",)),
    Injector("voice_over", "another voice above the sound", VoiceOverSettings, _AUDIO, Voice, None, ("av_sync",)),
)
