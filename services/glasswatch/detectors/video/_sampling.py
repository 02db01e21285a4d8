"""Cheap views and statistics of sampled pictures that several video detectors share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import FrameChunk, Samples

THUMBNAIL_LINES = 34
"""A thumbnail has at most this many lines: 270 sampled lines give every 8th, some 2,000 samples a frame."""


def thumbnails(plane: Samples, lines: int = THUMBNAIL_LINES) -> Samples:
    """Every k-th line and column of `plane` (frames, lines, columns), k the least that leaves at most `lines` lines."""
    step = max(1, -(-plane.shape[1] // lines))
    return plane[:, ::step, ::step].copy()


def block_means(plane: Samples, size: int) -> npt.NDArray[np.float32]:
    """Mean of each `size` x `size` block, (frames, lines // size, columns // size).

    A remainder at the edge is left out; a plane smaller than one block is one block.
    """
    frames, lines, columns = plane.shape
    high, wide = min(size, lines), min(size, columns)
    rows, cols = lines // high, columns // wide
    blocks = plane[:, : rows * high, : cols * wide].reshape(frames, rows, high, cols, wide)
    # Lines first: adding whole lines is a vector operation, adding short runs inside a line is not.
    sums = blocks.sum(axis=2, dtype=np.uint32).sum(axis=3, dtype=np.uint32)
    means: npt.NDArray[np.float32] = (sums / np.float32(high * wide)).astype(np.float32)
    return means


def grid_sums(plane: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Sum of a plane (lines, columns) in each cell of a grid (rows, columns) that covers all of it."""
    down, across = (np.arange(n) * size // n for n, size in zip(shape, plane.shape, strict=True))
    if plane.dtype == np.bool_:
        plane = plane.view(np.uint8)
    sums: npt.NDArray[Any] = np.add.reduceat(
        np.add.reduceat(plane, down, axis=0, dtype=np.float32), across, axis=1, dtype=np.float32
    )
    return sums


def with_neighbours(blocks: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """`blocks` (rows, columns) and those that touch them, corners included."""
    padded = np.pad(blocks, 1)
    wide = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
    found: npt.NDArray[np.bool_] = wide[:-2] | wide[1:-1] | wide[2:]
    return found


def luma_code(chunk: FrameChunk, level: float) -> int:
    """The highest code value not above luma `level`, where 0 is nominal black and 1 nominal white.

    Whole, so that comparing with it stays in the samples' own type.
    """
    low, high = chunk.luma_range
    return math.floor(low + level * (high - low))


def luma_level(chunk: FrameChunk, code: Any) -> Any:
    """The inverse of `luma_code`, for numbers and arrays."""
    low, high = chunk.luma_range
    return (code - low) / (high - low)


def chroma_level(chunk: FrameChunk, code: Any) -> Any:
    """Chroma as a signed share of its nominal range: 0 is neutral, ±0.5 the limits (ITU-R BT.709-6, 3.5 and 4.6)."""
    neutral = 1 << (chunk.bit_depth - 1)
    return (code - neutral) / chroma_span(chunk)


def chroma_span(chunk: FrameChunk) -> int:
    """Codes between the nominal limits of chroma (ITU-R BT.709-6, 3.5 and 4.6)."""
    return (1 << chunk.bit_depth) - 1 if chunk.full_range else 224 << (chunk.bit_depth - 8)


def is_gradual(distances: Sequence[float], least_steps: int) -> bool:
    """Whether a picture came near another step by step, as fades and dissolves do, and not by a cut.

    Args:
        distances: How far each earlier frame was from the picture arrived at, oldest first, in any unit.
        least_steps: Frames that a fade takes at least.

    Returns:
        True where the last frames fall all the way to 0 (the picture arrived at) without a rise, and none of the steps,
        the last one included, makes up more than half of the way.
    """
    largest, later = 0.0, 0.0
    for steps, distance in enumerate(reversed(distances), start=1):
        # Grain and coding noise ripple on a slow fade; a rise of more than a few per cent is not a fade.
        if distance < 0.97 * later:
            return False
        largest, later = max(largest, distance - later), distance
        if steps >= least_steps and 0 < largest <= distance / 2:
            return True
    return False
