"""Sound out of line with the picture: by a constant time, by ever more, or from one moment on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm, Scene, SoundEffect
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Sound
from glasswatch.simulator.settings import SoundSettings
from glasswatch.simulator.sound import faded, seconds
from glasswatch.simulator.source import read

FADE_S = 0.01
"""From sound in line to sound that is not, inside the media: a join without care would be a click as well."""

STEEPEST_DRIFT = 0.05
"""Of the time that passes: a film of 24 pictures a second with the sound of one at 25 runs away by 0.04."""

HALF_TAPS, KAISER_BETA = 16, 9.0
"""Of the interpolation between samples; with that window the images are 90 dB down."""

STEPS = 512
"""Of the interpolation's table for each sample; what lies between two is within -100 dB of a straight line."""


class SyncSettings(SoundSettings):
    """How far off, and how it comes about."""

    mode: Literal["offset", "drift", "step"] = Field(
        "offset", description="offset: throughout; drift: from nothing to offset_ms; step: from one moment on"
    )
    offset_ms: float = Field(200.0, ge=-5000, le=5000, description="how early the sound is, negative where it is late")


class AvSync(SoundEffect[SyncSettings]):
    """Moves the sound by whole samples; drifting sound is interpolated between them.

    Where the track has no sound to move there, before its start and after its end, is silence.
    """

    defect = "av_sync"

    def __init__(self, settings: SyncSettings, scene: Scene) -> None:
        whole = scene.start == 0 and scene.end >= scene.media.end
        if settings.mode == "step" and whole:
            # In the middle half, so that there is something to compare with on both sides.
            drawn = Fraction(round(scene.rng.uniform(0.25, 0.75) * 1000), 1000)
            scene = replace(scene, start=scene.end * drawn)
        super().__init__(settings, scene)
        self.kind = settings.mode
        if settings.mode == "drift" and abs(settings.offset_ms) > STEEPEST_DRIFT * 1000 * float(
            scene.end - scene.start
        ):
            raise UsageError(
                f"av_sync: a drift of more than {STEEPEST_DRIFT:g} of the window is heard as another pitch"
            )
        self.early = {t: round(settings.offset_ms * scene.media.audio[t].rate / 1000) for t in self.tracks}
        if not all(self.early.values()):
            raise UsageError("av_sync: offset_ms is less than a sample")
        self.ahead = {t: _Ahead(scene, t) for t in self.tracks}

    def change(self, part: Sound) -> Pcm:
        """The sound of another time."""
        self.mark(part)
        first, count = part.first, part.samples.shape[1]
        early, ahead = self.early[part.track], self.ahead[part.track]
        if self.settings.mode == "drift":
            start, end = (math.ceil(t * part.info.rate) for t in (self.scene.start, self.scene.end))
            slope = early / (end - start)
            places = first + np.arange(count) + slope * (first + np.arange(count) - start)
            moved = _between(ahead, places, min(1.0, 1 / (1 + slope)))
        else:
            moved = ahead.take(first + early, first + early + count)
        weight = self._weight(part)
        return np.asarray(part.samples * (1 - weight) + moved * weight, np.float32)

    def _weight(self, part: Sound) -> Pcm:
        """Of the moved sound: all of it but at joins inside the media."""
        weight = faded(part, self.scene, FADE_S)
        in_first_half = seconds(part, self.scene) < float(self.scene.end - self.scene.start) / 2
        if self.scene.start == 0:
            weight[in_first_half] = 1
        if self.scene.end >= part.info.end:
            weight[~in_first_half] = 1
        return weight

    def strength(self, track: int) -> dict[str, float]:
        """`audio_early_ms`, of a drift at the end of the window, and by how much that grows in a second."""
        early_ms = 1000 * self.early[track] / self.scene.media.audio[track].rate
        if self.settings.mode != "drift":
            return {"audio_early_ms": early_ms}
        return {"audio_early_ms": early_ms, "drift_ms_per_s": early_ms / float(self.scene.end - self.scene.start)}


class _Ahead:
    """A track of the source from a second reading, of which no more is held than what is taken at a time."""

    def __init__(self, scene: Scene, track: int) -> None:
        items = read(scene.source, scene.media, pictures=False)
        self._blocks: Iterator[Sound] = (item for item in items if isinstance(item, Sound) and item.track == track)
        self._samples: Pcm = np.zeros((len(scene.media.audio[track].channels), 0), np.float32)
        self._first: int | None = None

    def take(self, first: int, last: int) -> Pcm:
        """Samples [first, last), zeros where there are none; `first` may not go back from call to call."""
        while self._first is None or self._first + self._samples.shape[1] < last:
            block = next(self._blocks, None)
            if block is None:
                break
            if self._first is None:
                self._first = block.first
            self._samples = np.concatenate([self._samples, block.samples], axis=1)
            self._drop(first)
        self._drop(first)
        begin = self._first if self._first is not None else first
        found = self._samples[:, max(first - begin, 0) : max(last - begin, 0)]
        before = min(max(begin - first, 0), last - first)
        return np.pad(found, ((0, 0), (before, last - first - before - found.shape[1])))

    def _drop(self, first: int) -> None:
        if self._first is not None and first > self._first:
            gone = min(first - self._first, self._samples.shape[1])
            self._samples = self._samples[:, gone:]
            self._first += gone


def _between(ahead: _Ahead, places: npt.NDArray[np.float64], cutoff: float) -> Pcm:
    """The band-limited wave at places between samples, ascending; `cutoff` as a part of half the sample rate."""
    nearest = np.floor(places).astype(np.int64)
    begin = int(nearest[0]) - HALF_TAPS + 1
    samples = ahead.take(begin, int(nearest[-1]) + HALF_TAPS + 1)
    taps = np.arange(1 - HALF_TAPS, HALF_TAPS + 1)
    weights = np.interp(taps - (places - nearest)[:, None], *_kernel(cutoff)).astype(np.float32)
    return np.asarray(np.einsum("cnk,nk->cn", samples[:, (nearest - begin)[:, None] + taps], weights))


@cache
def _kernel(cutoff: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Distances in samples, and how much of a sample is heard at each: a sinc under a Kaiser window."""
    away = np.linspace(-HALF_TAPS, HALF_TAPS, 2 * HALF_TAPS * STEPS + 1)
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(1 - (away / HALF_TAPS) ** 2, 0))) / np.i0(KAISER_BETA)
    return away, cutoff * np.sinc(cutoff * away) * window


INJECTORS = (
    Injector(
        "av_sync",
        "sound early or late against the picture",
        SyncSettings,
        frozenset({"audio", "video"}),
        AvSync,
        None,
    ),
)
