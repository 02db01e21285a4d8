"""Pictures and sound as the injectors see them: planes and samples with exact times."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Values = npt.NDArray[np.float32]
Rgb = tuple[float, float, float]

# Kr and Kb of ITU-R BT.601, BT.709 and BT.2020.
LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video stream: what has to stay as it was.

    `matrix` is a key of LUMA_WEIGHTS; `colour` holds the stream's own range, primaries, transfer and matrix numbers.
    `rotation` is what players turn the picture by, in degrees.
    """

    index: int
    size: tuple[int, int]
    pixel_format: str
    depth: int
    full_range: bool
    matrix: str
    colour: tuple[int, int, int, int]
    frame_rate: Fraction
    time_base: Fraction
    pixel_aspect: Fraction | None
    rotation: int
    end: Fraction


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """An audio stream; `channels` in FFmpeg's terms, for example ("FL", "FR")."""

    index: int
    rate: int
    layout: str
    channels: tuple[str, ...]
    sample_format: str
    end: Fraction


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A media file; times are seconds from its first decoded timestamp, which is at `origin` on its own clock."""

    origin: Fraction
    video: VideoInfo | None
    audio: tuple[AudioInfo, ...]

    @property
    def end(self) -> Fraction:
        """Where the longest stream ends."""
        ends = [a.end for a in self.audio]
        return max([*ends, self.video.end] if self.video else ends)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One frame, shown in [time, end); planes Y, Cb, Cr of shape (lines, columns), uint8 or little-endian uint16."""

    time: Fraction
    end: Fraction
    planes: tuple[Plane, ...]
    info: VideoInfo

    @property
    def luma(self) -> Plane:
        """The first plane."""
        return self.planes[0]

    def with_planes(self, planes: tuple[Values | Plane, ...]) -> Picture:
        """The same frame with other content; values are rounded and clipped to the bit depth."""
        top = (1 << self.info.depth) - 1
        dtype = self.luma.dtype
        done = [p if p.dtype == dtype else np.clip(np.rint(p), 0, top).astype(dtype) for p in planes]
        return replace(self, planes=cast(tuple[Plane, ...], tuple(done)))


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Consecutive PCM of one track: float32 (channels, samples), 1.0 is full scale.

    `first` numbers its first sample on the grid whose sample 0 is at time 0.
    """

    track: int
    first: int
    samples: npt.NDArray[np.float32]
    info: AudioInfo

    @property
    def time(self) -> Fraction:
        """When its first sample sounds."""
        return Fraction(self.first, self.info.rate)

    @property
    def end(self) -> Fraction:
        """When its last sample ends."""
        return Fraction(self.first + self.samples.shape[1], self.info.rate)

    def inside(self, start: Fraction, end: Fraction) -> slice:
        """Which of its samples begin in [start, end)."""
        last = self.samples.shape[1]
        a, b = (min(max(math.ceil(t * self.info.rate) - self.first, 0), last) for t in (start, end))
        return slice(a, max(a, b))


def code_of(info: VideoInfo, level: float) -> float:
    """Luma code value of `level`, 0 nominal black to 1 nominal white (ITU-R BT.709 / BT.2100 table 9)."""
    if info.full_range:
        return level * ((1 << info.depth) - 1)
    return (16 + level * 219) * (1 << (info.depth - 8))


def level_of(info: VideoInfo, codes: Values | Plane) -> Values:
    """The opposite of `code_of` for arrays."""
    black, white = code_of(info, 0.0), code_of(info, 1.0)
    return (np.asarray(codes, np.float32) - np.float32(black)) / np.float32(white - black)


def neutral(info: VideoInfo) -> int:
    """Chroma code value of no colour."""
    return 1 << (info.depth - 1)


def yuv_of(info: VideoInfo, rgb: Rgb) -> tuple[float, float, float]:
    """Code values of a non-linear R'G'B' colour (0..1) in the stream's own matrix and range."""
    kr, kb = LUMA_WEIGHTS[info.matrix]
    y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    half_swing = ((1 << info.depth) - 1) / 2 if info.full_range else 112 * (1 << (info.depth - 8))
    cb, cr = ((rgb[2] - y) / (1 - kb), (rgb[0] - y) / (1 - kr))
    return code_of(info, y), neutral(info) + cb * half_swing, neutral(info) + cr * half_swing


def filled(picture: Picture, rgb: Rgb) -> tuple[Values, ...]:
    """Planes of one colour in the picture's own shapes."""
    codes = yuv_of(picture.info, rgb)
    return tuple(np.full(p.shape, c, np.float32) for p, c in zip(picture.planes, codes, strict=True))


def mixed(ours: tuple[Values | Plane, ...], theirs: tuple[Values | Plane, ...], weight: float) -> tuple[Values, ...]:
    """Dissolve: `weight` 0 gives the first, 1 the second."""
    w = np.float32(weight)
    return tuple(a.astype(np.float32) * (1 - w) + b.astype(np.float32) * w for a, b in zip(ours, theirs, strict=True))


def noisy(planes: tuple[Values | Plane, ...], sigma: float, rng: np.random.Generator) -> tuple[Values, ...]:
    """Planes with independent Gaussian noise of `sigma` code values."""
    return tuple(
        p.astype(np.float32) + np.float32(sigma) * rng.standard_normal(p.shape, dtype=np.float32) for p in planes
    )


def amplitude(dbfs: float) -> np.float32:
    """Linear value of a level in dB."""
    return np.float32(10.0 ** (dbfs / 20))
