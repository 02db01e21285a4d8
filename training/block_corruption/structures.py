"""What people build in rows: bricks, tiles, roofs, windows, slats and fences, as regular as blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Generator = np.random.Generator
Values = npt.NDArray[np.float32]

FINER = 2
"""Drawn at so many times the size and averaged, as a camera would."""

PERIOD_PX = (6.0, 120.0)
"""Of an element, in pixels of the picture."""


def structure(size: tuple[int, int], rng: Generator) -> npt.NDArray[np.uint8]:
    """A wall of one sort, seen from anywhere and unevenly lit: R'G'B' (height, width, 3)."""
    u, v = _seen(size, rng)
    element, edge = LAYOUTS[int(rng.integers(len(LAYOUTS)))](u, v, rng)
    spread = rng.uniform(0, 0.25)
    # A hash of the element's number, so that each has a shade of its own.
    shade = np.modf(np.sin(element * np.float32(12.9898)) * np.float32(43758.547))[0].astype(np.float32) * spread
    colours = rng.uniform(0.05, 0.9, (2, 3)).astype(np.float32)
    image = colours[0] * (1 - edge[..., None]) + colours[1] * edge[..., None] + (shade * (1 - edge))[..., None]
    height, width = size[1], size[0]
    image = image.reshape(height, FINER, width, FINER, 3).mean((1, 3))
    light = np.outer(*(np.linspace(*rng.uniform(0.6, 1.2, 2), length) for length in (height, width)))
    grain = rng.normal(0, rng.uniform(0, 0.03), (height, width, 1))
    found: npt.NDArray[np.uint8] = np.rint(np.clip(image * light[..., None] + grain, 0, 1) * 255).astype(np.uint8)
    return found


def _seen(size: tuple[int, int], rng: Generator) -> tuple[Values, Values]:
    """Coordinates on the wall, in elements, of each point of the finer picture."""
    x = ((np.arange(size[0] * FINER, dtype=np.float32) + 0.5) / FINER)[None, :]
    y = ((np.arange(size[1] * FINER, dtype=np.float32) + 0.5) / FINER)[:, None]
    period = np.exp(rng.uniform(*np.log(PERIOD_PX)))
    aspect = np.exp(rng.uniform(-1.2, 1.2))
    # Half of them are seen from the front and upright, as the grid of a codec is.
    is_turned = rng.random() < 0.5
    angle = rng.uniform(-0.5, 0.5) if is_turned else 0.0
    tilt = rng.uniform(-0.6, 0.6, 2) / np.array(size) if is_turned else np.zeros(2)
    depth = 1 + np.float32(tilt[0]) * (x - size[0] / 2) + np.float32(tilt[1]) * (y - size[1] / 2)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = (cosine * x + sine * y) / depth / np.float32(period * aspect)
    v = (cosine * y - sine * x) / depth / np.float32(period)
    corner = rng.uniform(0, 99, 2).astype(np.float32)
    return u + corner[0], v + corner[1]


def _bricks(u: Values, v: Values, rng: Generator) -> tuple[Values, Values]:
    """Bricks in courses, tiles and windows: the number of the element, and 1 where the joint is."""
    joint = np.exp(rng.uniform(np.log(0.02), np.log(0.5)))
    shift = float(rng.choice([0.0, 0.0, 0.5, 1 / 3]))
    row = np.floor(v)
    along = u + row * np.float32(shift)
    edge = ((v - row) < joint) | ((along - np.floor(along)) < joint * rng.uniform(0.3, 1))
    return row * 57 + np.floor(along), edge.astype(np.float32)


def _slats(u: Values, v: Values, rng: Generator) -> tuple[Values, Values]:
    """Blinds, boards, corrugated sheet: lines across or upright, sharp or round."""
    at = u if rng.random() < 0.5 else v
    part = at - np.floor(at)
    if rng.random() < 0.4:
        return np.floor(at), (0.5 + 0.5 * np.sin(2 * np.pi * part)).astype(np.float32)
    return np.floor(at), (part < rng.uniform(0.05, 0.6)).astype(np.float32)


def _fence(u: Values, v: Values, rng: Generator) -> tuple[Values, Values]:
    """Wire, lattice and chequers: two sets of lines that cross, upright or on their corners."""
    if rng.random() < 0.5:
        u, v = u + v, u - v
    width = rng.uniform(0.04, 0.3)
    across, down = u - np.floor(u), v - np.floor(v)
    if rng.random() < 0.3:
        return np.floor(u), ((across < 0.5) != (down < 0.5)).astype(np.float32)
    return np.floor(u) + 31 * np.floor(v), ((across < width) | (down < width)).astype(np.float32)


def _scales(u: Values, v: Values, rng: Generator) -> tuple[Values, Values]:
    """Roof tiles: rows that overlap, each tile with a round lower edge and its shadow."""
    row = np.floor(v)
    along = u + row * np.float32(0.5)
    across = along - np.floor(along) - np.float32(0.5)
    hang = np.float32(rng.uniform(0, 0.5)) * (1 - 4 * across * across)
    below = v - row - hang
    shadow = np.clip(1 - below / np.float32(rng.uniform(0.1, 0.6)), 0, 1) * (below >= 0)
    gap = np.abs(across) > 0.5 - rng.uniform(0, 0.06)
    return (row - (below < 0)) * 57 + np.floor(along), np.maximum(shadow, gap).astype(np.float32)


LAYOUTS: tuple[Callable[[Values, Values, Generator], tuple[Values, Values]], ...] = (_bricks, _slats, _fence, _scales)
