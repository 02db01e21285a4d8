"""Geometry of the report's charts: ticks, and curves as SVG path data.

A chart's x axis is the whole input; curves are drawn in a box of WIDTH x HEIGHT units that the page stretches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasswatch.report.model import Envelope
from glasswatch.report.wording import clock, number

WIDTH = 1000
HEIGHT = 100
MOST_COLUMNS = 1000
"""More would be finer than a screen's pixels."""
MOST_TICKS = 8
LOUDNESS_LINES = (-10, -20, -30, -40, -50)
"""In LUFS; the curve's scale goes from LOUDNESS_TOP to LOUDNESS_BOTTOM."""
LOUDNESS_TOP = -5.0
LOUDNESS_BOTTOM = -55.0

_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the time axis: how far along it, in percent, and what it says."""

    percent: float
    label: str


def ticks(length_s: float) -> list[Tick]:
    """Marks at round positions of an input that is `length_s` seconds long (more than 0)."""
    step = next((s for s in _STEPS_S if length_s / s <= MOST_TICKS), None)
    if step is None:
        step = 86400 * math.ceil(length_s / 86400 / MOST_TICKS)
    count = math.floor(length_s / step + 1e-9)
    label = clock if step >= 1 else lambda s: f"{number(round(s, 1))} s"
    return [Tick(percent(i * step, length_s), label(i * step)) for i in range(count + 1)]


def percent(position_s: float, length_s: float) -> float:
    """How far along the axis a position lies, within it."""
    return round(100 * min(max(position_s / length_s, 0.0), 1.0), 4)


def waveform_path(envelope: Envelope, length_s: float) -> str:
    """The area between the least and the greatest sample; silence is a thin line, a gap is nothing."""
    low, high = (np.clip(edge, -1.0, 1.0) for edge in (envelope.low, envelope.high))
    thin = 0.01
    return _area(50 - 50 * np.maximum(high, low + thin), 50 - 50 * np.minimum(low, high - thin), envelope, length_s)


def loudness_path(envelope: Envelope, length_s: float) -> str:
    """The area between the least and the greatest loudness; below the scale it runs along the bottom."""
    return _area(loudness_y(envelope.high), loudness_y(envelope.low), envelope, length_s)


def loudness_y(lufs: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Where a loudness lies between 0 (top) and HEIGHT (bottom)."""
    share = (LOUDNESS_TOP - np.asarray(lufs, np.float64)) / (LOUDNESS_TOP - LOUDNESS_BOTTOM)
    return np.clip(share, 0, 1) * HEIGHT


def _area(top: npt.NDArray[np.floating], bottom: npt.NDArray[np.floating], envelope: Envelope, length_s: float) -> str:
    """Path data of the area between two edges in y units; each stretch without NaN is a closed part of it."""
    group = max(1, math.ceil(len(top) / MOST_COLUMNS))
    top, bottom = _columns(np.fmin, top, group), _columns(np.fmax, bottom, group)
    x = np.arange(len(top) + 1) * (envelope.bucket_s * group * WIDTH / length_s)
    return "".join(_closed(x[a : b + 1], top[a:b], bottom[a:b]) for a, b in _stretches(~np.isnan(top)))


def _columns(join: np.ufunc, edge: npt.NDArray[np.floating], group: int) -> npt.NDArray[np.floating]:
    if not len(edge):
        return edge
    return np.asarray(join.reduceat(edge, np.arange(0, len(edge), group)))


def _stretches(is_there: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and one past last of each run of true."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], is_there, [False]]).astype(np.int8)))
    for first, last in steps.reshape(-1, 2):
        yield int(first), int(last)


def _closed(x: npt.NDArray[np.floating], top: npt.NDArray[np.floating], bottom: npt.NDArray[np.floating]) -> str:
    """Along the top to the right and along the bottom back; the first and last columns reach their outer edges."""
    middle = (x[:-1] + x[1:]) / 2
    xs = np.concatenate([x[:1], middle, x[-1:]])
    tops = np.concatenate([top[:1], top, top[-1:]])
    bottoms = np.concatenate([bottom[:1], bottom, bottom[-1:]])
    points = [f"{a:.5g} {b:.4g}" for a, b in zip(xs, tops, strict=True)]
    points += [f"{a:.5g} {b:.4g}" for a, b in zip(xs[::-1], bottoms[::-1], strict=True)]
    return "M" + "L".join(points) + "Z"
