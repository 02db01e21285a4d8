"""Test patterns and other pictures that a program drew: edges without number, and none of them from lost data."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import av
import numpy as np
import numpy.typing as npt

from training.block_corruption.clips import FRAMES
from training.block_corruption.structures import structure

Generator = np.random.Generator

SIZES = ((640, 360), (720, 576), (1280, 720))

LONGEST_WAIT = 60
"""Frames of a generator that may pass before those that are shown."""


def pattern(rng: Generator) -> list[av.VideoFrame]:
    """FRAMES frames of one pattern."""
    size = SIZES[int(rng.integers(len(SIZES)))]
    kind = rng.random()
    if kind < 0.35:
        return _moving(structure(size, rng), rng)
    if kind < 0.55:
        return _moving(_patches(size, rng), rng)
    name = str(rng.choice(list(GENERATORS)))
    options = {"size": f"{size[0]}x{size[1]}", "rate": "25"} | GENERATORS[name](rng)
    return _generated(name, options, int(rng.integers(LONGEST_WAIT)))


def _generated(name: str, options: dict[str, str], wait: int) -> list[av.VideoFrame]:
    """What a source filter of FFmpeg makes."""
    graph = av.filter.Graph()
    source, sink = graph.add(name, **options), graph.add("buffersink")
    source.link_to(sink)
    graph.configure()
    frames = (sink.pull() for _ in range(wait + FRAMES))
    return [frame for frame in islice(frames, wait, None) if isinstance(frame, av.VideoFrame)]


def _patches(size: tuple[int, int], rng: Generator) -> npt.NDArray[np.uint8]:
    """A grid of rectangles in two, in few or in any colours, as on charts and chequered grounds."""
    across, down = (int(n) for n in rng.integers(2, 25, 2))
    colours = rng.integers(0, 256, (int(rng.choice([2, 2, 3, 6, 64])), 3))
    chosen = rng.integers(0, len(colours), (down, across))
    if len(colours) == 2:
        chosen = np.add.outer(np.arange(down), np.arange(across)) % 2
    rows, columns = np.arange(size[1]) * down // size[1], np.arange(size[0]) * across // size[0]
    return colours[chosen[np.ix_(rows, columns)]].astype(np.uint8)


def _moving(image: npt.NDArray[np.uint8], rng: Generator) -> list[av.VideoFrame]:
    """FRAMES frames of an image that stands or moves."""
    speed = rng.integers(-8, 9, 2) if rng.random() < 0.4 else np.zeros(2, np.int64)
    return [
        av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(image, speed * n, (0, 1))), format="rgb24")
        for n in range(FRAMES)
    ]


def _seed(rng: Generator) -> str:
    return str(int(rng.integers(1 << 30)))


def _nothing(_: Generator) -> dict[str, str]:
    return {}


GENERATORS: dict[str, Callable[[Generator], dict[str, str]]] = {
    "testsrc": lambda rng: {"decimals": str(int(rng.integers(0, 4)))},
    "testsrc2": _nothing,
    "smptebars": _nothing,
    "smptehdbars": _nothing,
    "pal75bars": _nothing,
    "rgbtestsrc": _nothing,
    "yuvtestsrc": _nothing,
    "colorspectrum": lambda rng: {"type": str(rng.choice(["black", "white", "all"]))},
    "gradients": lambda rng: {"seed": _seed(rng), "nb_colors": str(int(rng.integers(2, 9))), "speed": "0.02"},
    "zoneplate": lambda rng: {"kx2": str(int(rng.integers(5, 200))), "ky2": str(int(rng.integers(5, 200))), "kt": "4"},
    "mandelbrot": lambda rng: {"start_scale": f"{10 ** rng.uniform(-3, 0.5):.6f}"},
    "life": lambda rng: {"seed": _seed(rng), "ratio": f"{rng.uniform(0.1, 0.6):.3f}", "mold": "10"},
    "cellauto": lambda rng: {"seed": _seed(rng), "rule": str(rng.choice([18, 30, 90, 110, 150]))},
    "sierpinski": lambda rng: {"seed": _seed(rng), "type": str(rng.choice(["carpet", "triangle"]))},
}
"""Source filters of FFmpeg with options by chance."""
