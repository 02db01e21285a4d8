"""Which form of the media a detector needs; each need names one rendition and one media topic."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Planes(StrEnum):
    """Which samples of a picture."""

    LUMA = "luma"
    """Luma alone."""
    PICTURE = "picture"
    """Luma and both chroma planes as decoded (4:2:0, 4:2:2, 4:4:4)."""
    RGB = "rgb"
    """Red, green, blue, 8 bit, converted by FFmpeg's scaler."""


@dataclass(frozen=True, slots=True)
class VideoNeed:
    """Frames in one form.

    LUMA and PICTURE are point-sampled, never averaged: every n-th line and column of the decoder's own planes,
    n the smallest whole number that leaves at most `lines` lines. Noise and grain stay as they are, and the
    samples can be read through a strided view without conversion. RGB is scaled to `lines` lines (bilinear).

    Attributes:
        planes: Which planes.
        lines: Most lines of the first plane; None is native size.
        rate: Frames per second at most, by media time; None is every frame.
    """

    planes: Planes
    lines: int | None = None
    rate: Fraction | None = None

    @property
    def rendition(self) -> str:
        """Stable name, the topic's middle part."""
        parts = [self.planes.value]
        if self.lines is not None:
            parts.append(str(self.lines))
        if self.rate is not None:
            parts.append(f"r{self.rate.numerator}x{self.rate.denominator}")
        return "-".join(parts)


@dataclass(frozen=True, slots=True)
class AudioNeed:
    """PCM of every audio track, each at its native rate and channel layout."""

    @property
    def rendition(self) -> str:
        """Stable name, the topic's middle part."""
        return "audio"


@dataclass(frozen=True, slots=True)
class FactNeed:
    """Facts about the streams: errors, timestamps, starts and ends."""

    @property
    def rendition(self) -> str:
        """Stable name, the topic's middle part."""
        return "facts"


Need = VideoNeed | AudioNeed | FactNeed
