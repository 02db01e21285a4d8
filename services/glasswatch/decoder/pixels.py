"""What the samples of each pixel format are, and how to read them as arrays without a copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.video.format import VideoFormat
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

_READABLE = re.compile(r"(yuvj?|yuva|gray)(\d{3}p)?((9|10|12|14|16)le)?")
"""Planar YUV and grey in this machine's byte order, samples in the low bits: read as they are."""

_DEPTHS = (8, 9, 10, 12, 14, 16)
_SUBSAMPLING = {(2, 2): "420", (1, 2): "422", (1, 1): "444", (1, 4): "411", (2, 1): "440"}


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How frames of one pixel format are read.

    Attributes:
        convert_to: The planar YUV or grey format to convert to first, None where frames can be read as they are. It
            has the same subsampling, and the same depth wherever FFmpeg has such a format.
        bit_depth: Significant bits of a sample that is read.
        planes: How many planes are read: 1 for grey, otherwise 3; alpha is left out.
        chroma_step: How many luma lines and columns share one chroma sample.
        full_range: Whether luma that is read spans all code values; None where the frame says so itself.
    """

    convert_to: str | None
    bit_depth: int
    planes: int
    chroma_step: tuple[int, int]
    full_range: bool | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples: uint8, or uint16 in little-endian order."""
        return np.dtype("u1" if self.bit_depth == 8 else "<u2")


@cache
def pixel_layout(name: str) -> PixelLayout:
    """The layout of a pixel format by FFmpeg's name for it.

    Raises:
        ValueError: Samples of this format cannot be read: they lie in a hardware decoder's memory.
    """
    form = VideoFormat(name, 8, 8)
    widest = max((c.bits for c in form.components), default=0)
    if not widest:
        raise ValueError(f"pictures in format {name} cannot be read")
    depth = next((d for d in _DEPTHS if d >= widest), _DEPTHS[-1])
    suffix = f"{depth}le" if depth > 8 else ""
    if form.is_rgb or form.has_palette or name.startswith("xyz"):
        # Written in studio range by FFmpeg's scaler, see `readable`.
        return PixelLayout(f"yuv444p{suffix}", depth, 3, (1, 1), full_range=False)
    if len(form.components) < 3:
        bilevel = widest == 1
        readable = _READABLE.fullmatch(name) is not None
        return PixelLayout(None if readable else f"gray{suffix}", depth, 1, (1, 1), full_range=bilevel or None)
    chroma_step = (8 // form.chroma_height(8), 8 // form.chroma_width(8))
    if _READABLE.fullmatch(name):
        return PixelLayout(None, depth, 3, chroma_step)
    return PixelLayout(f"yuv{_SUBSAMPLING[chroma_step]}p{suffix}", depth, 3, chroma_step)


@dataclass(frozen=True, slots=True)
class PictureForm:
    """What must stay the same within a chunk; another form starts a new epoch."""

    width: int
    height: int
    pixel_format: str
    full_range: bool

    @classmethod
    def of(cls, frame: VideoFrame) -> PictureForm:
        """The form of a frame."""
        name = frame.format.name
        return cls(frame.width, frame.height, name, is_full_range(name, frame.color_range))


def is_full_range(pixel_format: str, color_range: int) -> bool:
    """Whether YUV spans all code values, by its format ("yuvj...") or FFmpeg's colour range; unmarked is studio."""
    return pixel_format.startswith("yuvj") or color_range == ColorRange.JPEG


def readable(frame: VideoFrame, reformatter: VideoReformatter) -> VideoFrame:
    """The frame itself, or one converted to planar YUV or grey where its own format is neither.

    Raises:
        ValueError: FFmpeg cannot convert this format.
    """
    layout = pixel_layout(frame.format.name)
    if layout.convert_to is None:
        return frame
    color_range = ColorRange.MPEG if layout.full_range is False else None
    return reformatter.reformat(frame, format=layout.convert_to, dst_color_range=color_range, threads=1)


def size_of_lines(width: int, height: int, lines: int | None) -> tuple[int, int]:
    """Width and height of a picture that is scaled down to at most so many lines; None leaves it as it is."""
    least = min(lines or height, height)
    return max(1, round(width * least / height)), least


def rgb(frame: VideoFrame, size: tuple[int, int], reformatter: VideoReformatter) -> npt.NDArray[np.uint8]:
    """R'G'B' of a frame at (width, height), 8 bit, bilinear, as an array (height, width, 3)."""
    scaled = reformatter.reformat(
        frame, width=size[0], height=size[1], format="rgb24", interpolation=Interpolation.BILINEAR, threads=1
    )
    return np.asarray(scaled.to_ndarray(), np.uint8)


def sample_plane(plane: VideoPlane, dtype: np.dtype[Any], down: int, across: int) -> npt.NDArray[Any]:
    """Every `down`-th line and `across`-th column of a plane, as a view of the frame's own memory.

    Elements may be wider than `dtype`: a little-endian number as wide as `across` samples holds the first of them in
    its low bits, where assignment to an array of `dtype` takes it from. That copies twice as fast as skipping does.
    A picture that is stored bottom up has a negative line size.
    """
    lines, columns = -(-plane.height // down), -(-plane.width // across)
    stride, width = plane.line_size, across * dtype.itemsize
    offset = -stride * (plane.height - 1) if stride < 0 else 0
    if width in (2, 4, 8) and columns * width <= abs(stride):
        dtype = np.dtype(f"<u{width}")
    return np.ndarray((lines, columns), dtype, plane, offset, (stride * down, width))  # type: ignore[arg-type]
