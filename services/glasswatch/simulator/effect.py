"""What an injector is made of: an effect that sees the media once, in order, and keeps its own ground truth."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from glasswatch.core.errors import UsageError
from glasswatch.simulator.labels import DamagedPicture, Defect
from glasswatch.simulator.media import MediaInfo, Picture, Sound
from glasswatch.simulator.settings import Settings, SoundSettings

S = TypeVar("S", bound=Settings)
A = TypeVar("A", bound=SoundSettings)
Pcm = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an effect takes place: the media, the window [start, end) asked for, and its source of chance."""

    source: Path
    media: MediaInfo
    start: Fraction
    end: Fraction
    rng: np.random.Generator

    def holds(self, time: Fraction) -> bool:
        """Whether the window holds that moment."""
        return self.start <= time < self.end

    def progress(self, time: Fraction) -> float:
        """How much of the window has passed, 0 to 1."""
        return float((time - self.start) / (self.end - self.start))


@dataclass(slots=True)
class Extent:
    """The stretch that was really changed; empty until something is."""

    start: Fraction | None = None
    end: Fraction | None = None

    def add(self, start: Fraction, end: Fraction) -> None:
        """Grow to hold [start, end)."""
        self.start = start if self.start is None else min(self.start, start)
        self.end = end if self.end is None else max(self.end, end)


class Effect(ABC, Generic[S]):
    """Changes the media as they pass. One object serves one run.

    `defect` is the catalogue's name, None for what only resembles a defect.
    """

    defect: ClassVar[str | None]

    def __init__(self, settings: S, scene: Scene) -> None:
        self.settings = settings
        self.scene = scene
        self.rng = scene.rng
        self.changed = Extent()
        # Media time at which the output begins, where the effect itself decides that.
        self.output_start: Fraction | None = None

    def picture(self, picture: Picture) -> Picture | None:
        """The frame that takes this one's place, None for none."""
        return picture

    def sound(self, sound: Sound) -> Sound | None:
        """The block that takes this one's place, None for none."""
        return sound

    @abstractmethod
    def defects(self) -> list[Defect]:
        """Ground truth, after the last picture and sound."""

    def pictures(self) -> list[DamagedPicture]:
        """Ground truth block by block, where the effect keeps it."""
        return []

    def _label(
        self,
        start: Fraction,
        end: Fraction,
        *,
        kind: str | None = None,
        track: int | None = None,
        strength: dict[str, float] | None = None,
    ) -> Defect:
        assert self.defect is not None
        rounded = {k: round(float(v), 6) for k, v in (strength or {}).items()}
        return Defect(
            defect=self.defect, kind=kind, start_s=float(start), end_s=float(end), track=track, strength=rounded
        )


class PictureEffect(Effect[S]):
    """Replaces the pictures that begin in the window."""

    kind: str | None = None

    def picture(self, picture: Picture) -> Picture | None:
        """Passes pictures outside, changes those inside."""
        if not self.scene.holds(picture.time):
            self.see(picture)
            return picture
        self.changed.add(picture.time, picture.end)
        return self.change(picture)

    def see(self, picture: Picture) -> None:
        """Look at a picture outside the window."""

    @abstractmethod
    def change(self, picture: Picture) -> Picture:
        """The picture that is shown instead."""

    def strength(self) -> dict[str, float]:
        """How bad it is."""
        return {}

    def defects(self) -> list[Defect]:
        """One defect over all changed pictures."""
        if self.defect is None or self.changed.start is None or self.changed.end is None:
            return []
        return [self._label(self.changed.start, self.changed.end, kind=self.kind, strength=self.strength())]


class SoundEffect(Effect[A]):
    """Replaces the samples that lie in the window, on the chosen tracks."""

    kind: str | None = None
    least_channels: ClassVar[int] = 1

    def __init__(self, settings: A, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.extents: dict[int, Extent] = {}
        count = len(scene.media.audio)
        if settings.track is not None and settings.track >= count:
            raise UsageError(f"there is no audio track {settings.track}; the input has {count}, counted from 0")
        tracks = range(count) if settings.track is None else (settings.track,)
        for track in tracks:
            channels = len(scene.media.audio[track].channels)
            if channels < self.least_channels:
                raise UsageError(f"audio track {track} has {channels} channel; this needs {self.least_channels}")
        self.tracks = tuple(tracks)

    def sound(self, sound: Sound) -> Sound | None:
        """Passes samples outside, changes those inside."""
        inside = sound.inside(self.scene.start, self.scene.end)
        if sound.track not in self.tracks or inside.start == inside.stop:
            return sound
        samples = sound.samples.copy()
        part = replace(sound, first=sound.first + inside.start, samples=samples[:, inside])
        samples[:, inside] = self.change(part)
        return replace(sound, samples=samples)

    def mark(self, sound: Sound, first: int = 0, last: int | None = None) -> None:
        """State that samples [first, last) of the block were changed."""
        rate = sound.info.rate
        stop = sound.samples.shape[1] if last is None else last
        start, end = Fraction(sound.first + first, rate), Fraction(sound.first + stop, rate)
        self.extents.setdefault(sound.track, Extent()).add(start, end)
        self.changed.add(start, end)

    @abstractmethod
    def change(self, part: Sound) -> Pcm:
        """The samples that are heard instead of a block that lies in the window; calls `mark`."""

    def strength(self, track: int) -> dict[str, float]:
        """How bad it is."""
        return {}

    def defects(self) -> list[Defect]:
        """One defect for each track, over all changed samples."""
        if self.defect is None:
            return []
        return [
            self._label(e.start, e.end, kind=self.kind, track=track, strength=self.strength(track))
            for track, e in sorted(self.extents.items())
            if e.start is not None and e.end is not None
        ]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A clean encoding: where the media's zero lies on its clock, and what it holds."""

    path: Path
    origin: Fraction
    media: MediaInfo


class StreamEffect(Effect[S]):
    """Leaves pictures and sound alone and damages the encoded file."""

    containers: frozenset[str] = frozenset()
    lays_index_first: bool = False

    @abstractmethod
    def damage(self, clean: Encoded, target: Path) -> None:
        """Write a damaged copy of the clean encoding to `target`."""


@dataclass(slots=True)
class Mean:
    """A running mean."""

    total: float = 0.0
    count: int = 0

    def add(self, values: npt.NDArray[np.floating]) -> None:
        """Take every value in."""
        self.total += float(values.sum(dtype=np.float64))
        self.count += values.size

    @property
    def value(self) -> float:
        """The mean, 0 of nothing."""
        return self.total / self.count if self.count else 0.0
