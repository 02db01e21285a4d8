"""People that talk, for tests: their mouths go with the loudness of noise."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit
from tests.support import audio_chunks, frame_chunks

RATE = 16_000
SIZE = 96

Values = npt.NDArray[np.float64]


def loudness(times: Values, seed: int = 0) -> Values:
    """How loud somebody speaks at some times, 0 to 1: another value eight times a second."""
    values = np.random.default_rng(seed).uniform(0, 1, 4000)
    return np.asarray(np.interp(times * 8 + 100, np.arange(len(values)), values))


def pictures(
    openings: Values, fps: Fraction | int = 25, chunk: int = 10, at: tuple[int, int] = (30, 30), **more: Any
) -> list[FrameChunk]:
    """A face, red, that opens its mouth so far, 0 to 1, in each picture: so blue it is."""
    frames = np.zeros((len(openings), SIZE, SIZE, 3), np.uint8)
    face = frames[:, at[0] : at[0] + 36, at[1] : at[1] + 36]
    face[..., 0] = 255
    face[..., 2] = np.rint(255 * openings).astype(np.uint8)[:, None, None]
    return frame_chunks(frames, fps=fps, chunk=chunk, rendition="rgb-480-r30x1", full_range=True, **more)


def talk(
    seconds: float, early_s: float = 0.0, *, fps: Fraction | int = 25, seed: int = 0, heard: int | None = None
) -> list[MediaUnit]:
    """Somebody who talks, sound `early_s` before the mouth; `heard` is who is heard instead."""
    shown = loudness(np.arange(round(seconds * fps)) / float(fps), seed)
    return together(pictures(shown, fps), voice(seconds, early_s, seed=seed if heard is None else heard))


def voice(seconds: float, early_s: float = 0.0, *, seed: int = 0, **more: Any) -> list[AudioChunk]:
    """Noise as loud as `loudness`, but earlier."""
    times = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed + 1).normal(0, 0.1, len(times))
    return audio_chunks(noise * 10 ** (2 * loudness(times + early_s, seed) - 2), RATE, chunk=4000, **more)


def together(*streams: list[Any]) -> list[MediaUnit]:
    """In the order of media time."""
    return sorted((unit for stream in streams for unit in stream), key=_start)


def _start(unit: MediaUnit) -> Fraction:
    match unit:
        case FrameChunk():
            return unit.pts[0]
        case AudioChunk():
            return unit.start
        case _:
            return unit.at.seconds
