"""Pictures that the video detectors' tests are made of, luma (frames, lines, columns) at studio range, 8 bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import FrameChunk
from tests.support import frame_chunks

LINES, COLUMNS = 135, 240
Frames = npt.NDArray[np.float64]


def scene(frames: int, seed: int = 0, speed: float = 2.0) -> Frames:
    """A moving picture with large and small detail, 40 to 210, with a little grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:LINES, :COLUMNS].astype(float)
    shift = speed * np.arange(frames)[:, None, None]
    phase = rng.uniform(0, 6, 4)
    picture = (
        125
        + 45 * np.sin((x + shift) / 29 + phase[0]) * np.cos(y / 37 + phase[1])
        + 25 * np.sin((x - 1.5 * shift + y) / 7 + phase[2])
        + 10 * np.sin((y + shift) / 4 + phase[3])
    )
    return np.clip(picture + rng.normal(0, 1.5, picture.shape), 40, 210)


def flat(frames: int, level: float) -> Frames:
    """One level everywhere."""
    return np.full((frames, LINES, COLUMNS), float(level))


def neutral(frames: int, cb: float = 128, cr: float = 128) -> tuple[Frames, Frames]:
    """Chroma planes of one colour, 4:2:0."""
    shape = (frames, (LINES + 1) // 2, COLUMNS // 2)
    return np.full(shape, float(cb)), np.full(shape, float(cr))


def fade(picture: Frames, level: float) -> Frames:
    """`picture` turning into `level` in equal steps, neither end included."""
    share = (np.arange(len(picture)) + 1) / (len(picture) + 1)
    return picture * (1 - share)[:, None, None] + level * share[:, None, None]


def chunks(luma: Frames, cb: float = 128, cr: float = 128, chunk: int | Sequence[int] = 8) -> list[FrameChunk]:
    """Chunks at 25 frames/s with the chroma of one colour."""
    return frame_chunks(np.rint(luma), neutral(len(luma), cb, cr), chunk=chunk)
