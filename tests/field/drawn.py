"""Pictures that are drawn for tests: writing, lights, movers on a ground; and their way into a file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from glasswatch.simulator.drawing import placed, text_mask
from tests.field.making import X264

Frame = npt.NDArray[np.uint8]
Frames = Iterable[Frame]
"""Luma of each frame, (lines, columns), 0 black to 255 white."""

SIZE = (640, 360)


def write(path: Path, *shots: Frames, fps: float = 25, codec: tuple[str, ...] = (*X264, "-crf", "20")) -> Path:
    """Code shots, one after the other, into one file."""
    frames = chain.from_iterable(shots)
    first = next(iter(frames))
    lines, columns = first.shape
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray"]
    command += ["-s", f"{columns}x{lines}", "-r", str(fps), "-i", "-", *codec, str(path)]
    raw = b"".join(frame.tobytes() for frame in chain([first], frames))
    run = subprocess.run(command, input=raw, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return path


def dark(size: tuple[int, int] = SIZE, level: int = 0) -> Frame:
    """Nothing."""
    return np.full((size[1], size[0]), level, np.uint8)


def drawn(frame: Frame, mask: npt.NDArray[np.float32], x: int, y: int, level: float = 235) -> Frame:
    """A frame with a mask painted on, its corner at (x, y)."""
    share = placed(mask, (frame.shape[1], frame.shape[0]), x, y)
    return np.rint(frame * (1 - share) + level * share).astype(np.uint8)


def written(frame: Frame, lines: list[str], scale: int, x: int | None = None, y: int | None = None) -> Frame:
    """A frame with writing, centred where no corner is given; a glyph is 5 x 7 of `scale` pixels."""
    mask = text_mask(lines, scale)
    left = (frame.shape[1] - mask.shape[1]) // 2 if x is None else x
    return drawn(frame, mask, left, (frame.shape[0] - mask.shape[0]) // 2 if y is None else y)


def held(frame: Frame, count: int) -> Frames:
    """One frame so many times."""
    return [frame] * count


def live(
    count: int, size: tuple[int, int] = SIZE, grain: float = 2.0, seed: int = 0, speed: float = 3.0
) -> list[Frame]:
    """A live picture: texture that pans, with grain."""
    rng = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, : width + int(count * speed) + 1].astype(np.float32)
    wide = 120 + 40 * np.sin(x / 41 + seed) * np.cos(y / 53) + 25 * np.sin((x + 2 * y) / 13) + 15 * np.sin(x / 5)
    frames = []
    for i in range(count):
        left = int(i * speed)
        picture = wide[:, left : left + width] + rng.normal(0, grain, (height, width))
        frames.append(np.clip(picture, 0, 255).astype(np.uint8))
    return frames


def over(frames: Frames, draw: Callable[[Frame, int], Frame]) -> list[Frame]:
    """Frames with something drawn over each, by its number."""
    return [draw(frame, i) for i, frame in enumerate(frames)]
