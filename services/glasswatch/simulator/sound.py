"""What injectors of sound share: which channels they change, how loud the sound is, smooth edges, reading ahead."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import tee
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm, Scene
from glasswatch.simulator.media import AudioInfo, Sound
from glasswatch.simulator.settings import SoundSettings
from glasswatch.simulator.source import read

LEVEL_FRAME_S = 0.02
# Frames further below the active level are pauses: the margin of ITU-T P.56.
ACTIVE_MARGIN_DB = 15.9
SILENT_DBFS = -70.0
SILENT_POWER = 10 ** (SILENT_DBFS / 10)


def _split(value: Any) -> Any:
    return [v.strip() for v in value.split(",") if v.strip()] if isinstance(value, str) else value


ChannelNames = Annotated[tuple[str, ...], BeforeValidator(_split)]


class ChannelSettings(SoundSettings):
    """Base for injectors that can change some channels and leave the others."""

    channels: ChannelNames = Field((), description="channel names such as FL,FR; all of them unless told")


def rows_of(info: AudioInfo, names: tuple[str, ...], injector: str) -> list[int]:
    """Rows of the named channels in the samples of a track; all of them where none is named.

    Raises:
        UsageError: The track has no such channel.
    """
    unknown = [n for n in names if n not in info.channels]
    if unknown:
        raise UsageError(f"{injector}: no channel is called {', '.join(unknown)}; there are {', '.join(info.channels)}")
    return [info.channels.index(n) for n in names or info.channels]


def seconds(part: Sound, scene: Scene) -> npt.NDArray[np.float64]:
    """Time of each sample since the start of the window."""
    return np.arange(part.samples.shape[1]) / part.info.rate + float(part.time - scene.start)


def faded(part: Sound, scene: Scene, fade_s: float) -> Pcm:
    """Weight of a change at each sample: raised cosines from 0 to 1 and back at the ends of the window."""
    passed, length = seconds(part, scene), float(scene.end - scene.start)
    fade = min(fade_s, length / 2)
    if fade <= 0:
        return np.ones(passed.shape, np.float32)
    depth = np.clip(np.minimum(passed + 1 / part.info.rate, length - passed) / fade, 0, 1)
    return ((1 - np.cos(np.pi * depth)) / 2).astype(np.float32)


def inside(scene: Scene) -> Iterator[Sound]:
    """The sound of the window, read ahead of the run."""
    unfinished = set(range(len(scene.media.audio)))
    for item in read(scene.source, scene.media, pictures=False):
        if isinstance(item, Sound):
            part = item.inside(scene.start, scene.end)
            if part.stop > part.start:
                yield replace(item, first=item.first + part.start, samples=item.samples[:, part])
            if item.end >= scene.end:
                unfinished.discard(item.track)
            if not unfinished:
                return


def channels_inside(scene: Scene, track: int, rows: list[int]) -> dict[int, Iterator[Pcm]]:
    """The same for single channels of a track, in blocks of shape (1, n); read once, for users that go in step."""
    parts = tee((p for p in inside(scene) if p.track == track), len(rows))
    return {row: _row(each, row) for row, each in zip(rows, parts, strict=True)}


def _row(parts: Iterator[Sound], row: int) -> Iterator[Pcm]:
    return (p.samples[row : row + 1] for p in parts)


def decibels(power: float) -> float:
    """10 lg of a power; SILENT_DBFS and less for next to nothing."""
    return 10 * math.log10(max(power, 1e-20))


class Loudest:
    """Level of sound as it passes: power, peak, and the power of what is not a pause, of the loudest channel."""

    def __init__(self, rate: int) -> None:
        self._length = max(round(rate * LEVEL_FRAME_S), 1)
        self._powers: list[npt.NDArray[np.float64]] = []
        self._rest: npt.NDArray[np.float32] | None = None
        self.peak = 0.0

    def add(self, samples: Pcm) -> None:
        """Take in samples of shape (channels, n)."""
        self.peak = max(self.peak, float(np.abs(samples).max(initial=0.0)))
        joined = samples if self._rest is None else np.concatenate([self._rest, samples], axis=1)
        whole = joined.shape[1] // self._length * self._length
        self._rest = joined[:, whole:].copy()
        frames = joined[:, :whole].reshape(joined.shape[0], -1, self._length)
        self._powers.append(np.square(frames, dtype=np.float64).mean(axis=2))

    def _frames(self) -> npt.NDArray[np.float64]:
        powers = np.concatenate(self._powers, axis=1) if self._powers else np.zeros((1, 0))
        if powers.shape[1] == 0:
            # Shorter than one frame.
            rest = np.zeros((1, 1)) if self._rest is None or self._rest.size == 0 else self._rest
            powers = np.square(rest, dtype=np.float64).mean(axis=1, keepdims=True)
        return powers

    @property
    def power(self) -> float:
        """Mean square."""
        return float(self._frames().mean(axis=1).max())

    @property
    def active(self) -> float:
        """Mean square of what is no pause, 0 where all is silent.

        That is the frames above SILENT_DBFS that lie at most ACTIVE_MARGIN_DB below the mean of such frames.
        """
        best = 0.0
        for powers in self._frames():
            loud = powers[powers > SILENT_POWER]
            if loud.size:
                loud = loud[loud >= loud.mean() * 10 ** (-ACTIVE_MARGIN_DB / 10)]
                best = max(best, float(loud.mean()))
        return best
