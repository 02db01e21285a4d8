"""Small JPEG pictures of frames."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from glasswatch.core.media import FrameChunk
from glasswatch.report.model import Thumbnail

LONG_SIDE = 320
"""Pixels of the longer side."""
MOST_BYTES = 25_000
QUALITIES = (4, 8, 16, 31)
"""MPEG quantiser scales to try, best first, until the picture fits in MOST_BYTES."""
HD_LINES = 720
"""From this native height on, colours are taken as BT.709, below as BT.601: the rule that players follow for streams
that do not say."""


def thumbnail(
    chunk: FrameChunk, index: int, position_s: float, *, sample_aspect: Fraction, rotation: int
) -> Thumbnail | None:
    """A picture of frame `index`, in its display shape; None where no quality fits in MOST_BYTES.

    Args:
        chunk: Luma alone or luma and chroma, 8 to 16 bit, any subsampling.
        index: Which frame of it.
        position_s: Where the frame is in the input.
        sample_aspect: Width of a pixel over its height.
        rotation: Degrees clockwise by which a player turns the picture, a multiple of 90.
    """
    planes = _display_planes(chunk, index, rotation)
    width, height = _display_size(chunk, sample_aspect, rotation)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv444p", channel_last=False)
    small = frame.reformat(
        width=width,
        height=height,
        format="yuvj420p",
        src_colorspace=Colorspace.ITU709 if chunk.size[1] >= HD_LINES else Colorspace.ITU601,
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if chunk.full_range else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
    )
    for quality in QUALITIES:
        jpeg = _encode(small, quality)
        if len(jpeg) <= MOST_BYTES:
            return Thumbnail(jpeg, width, height, position_s)
    return None


def _display_planes(chunk: FrameChunk, index: int, rotation: int) -> npt.NDArray[np.uint8]:
    """The frame as 8-bit 4:4:4, turned; shape (3, lines, columns)."""
    luma = _eight_bit(chunk.planes[0][index], chunk.bit_depth)
    picture = np.full((3, *luma.shape), 128, np.uint8)
    picture[0] = luma
    for plane, samples in zip(picture[1:], chunk.planes[1:], strict=False):
        chroma = _eight_bit(samples[index], chunk.bit_depth)
        rows = np.arange(plane.shape[0]) * chroma.shape[0] // plane.shape[0]
        columns = np.arange(plane.shape[1]) * chroma.shape[1] // plane.shape[1]
        plane[...] = chroma[rows[:, None], columns]
    # rot90 turns counterclockwise.
    return np.ascontiguousarray(np.rot90(picture, -rotation // 90, axes=(1, 2)))


def _eight_bit(samples: npt.NDArray[Any], bit_depth: int) -> npt.NDArray[np.uint8]:
    return (samples >> (bit_depth - 8)).astype(np.uint8)


def _display_size(chunk: FrameChunk, sample_aspect: Fraction, rotation: int) -> tuple[int, int]:
    """Even width and height with the longer side at LONG_SIDE, or less where the rendition has less."""
    width, height = float(chunk.size[0] * sample_aspect), float(chunk.size[1])
    if rotation % 180:
        width, height = height, width
    scale = min(LONG_SIDE, *(max(chunk.luma.shape[1:]),)) / max(width, height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _encode(frame: av.VideoFrame, quality: int) -> bytes:
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = frame.width, frame.height
    encoder.pix_fmt = "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    encoder.qmin = encoder.qmax = quality
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
