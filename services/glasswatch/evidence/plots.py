"""The two plots of a fragment: what was seen and heard, and how likely each offset is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

from glasswatch.detectors.sync.av_sync import STEP_MS, AvSyncParams
from glasswatch.detectors.sync.features import SOUND_STEPS, STEP_RATE
from glasswatch.detectors.sync.offset import OFFSETS, REACH, Values, estimate, posterior
from glasswatch.evidence.record import Section
from glasswatch.evidence.style import (
    FAINT,
    FRAME,
    PLOT,
    PROGRAMME,
    TEXT,
    Colour,
    Point,
    colour_of,
    dim,
    fitted,
    signed,
    write,
)
from glasswatch.report.wording import clock

LEAST_OPENING = 0.1
"""A plot of lips reaches up to this at least, so that the shaking of lips that are shut looks like nothing."""

LEVELS_DB = 60.0
"""Below the loudest of a fragment; what `features.levelled` keeps."""

TICK_MS = 200

HEADING, EDGE = 16, 28
"""Pixels above a plot for its heading, and between the middle of a label below it and its edge."""

WITHIN, WARNED, BEYOND = (26, 50, 38), (58, 50, 24), (60, 30, 30)
GROUNDS = (BEYOND, WARNED, WITHIN, WARNED, BEYOND)
"""Of offsets that are in sync, a warning and an error."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a plot is, in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """As Pillow takes it."""
        return self.left, self.top, self.right, self.bottom

    def across(self, part: float) -> float:
        """X of a part of the width."""
        return self.left + part * (self.right - self.left)

    def up(self, part: float) -> float:
        """Y of a part of the height, 0 at the bottom; what is beyond is at the edge."""
        return self.bottom - min(max(part, 0.0), 1.0) * (self.bottom - self.top)


def curve(
    draw: ImageDraw.ImageDraw,
    box: Box,
    across: npt.NDArray[np.floating],
    up: npt.NDArray[np.floating],
    colour: Colour,
    width: int = 2,
) -> None:
    """A line through points, which are parts of the box; it is broken where one is unknown, and ends at the edges."""
    run: list[Point] = []
    for x, y in zip(across, up, strict=True):
        if np.isfinite(y) and 0 <= x <= 1:
            run.append((box.across(float(x)), box.up(float(y))))
            continue
        if len(run) > 1:
            draw.line(run, colour, width)
        run = []
    if len(run) > 1:
        draw.line(run, colour, width)


def says(section: Section, number: int, params: AvSyncParams | None) -> str:
    """What a face track says by itself, behind its number."""
    values, movement = section.likelihoods[number], section.trails[number].movement
    if values is not None and params is not None:
        found = estimate(values)
        return f"{number + 1}: {signed(params.offset_ms(found.steps))}, {found.confidence:.2f}"
    if movement is None:
        return f"{number + 1}: no face"
    still = params is not None and movement < params.still
    return f"{number + 1}: {'still' if still else 'not compared'}"


def draw_curves(
    draw: ImageDraw.ImageDraw, lips: Box, sound: Box, section: Section, position_s: float, params: AvSyncParams | None
) -> None:
    """Lip opening of each track above, the level of the sound below; `position_s` is where the fragment begins."""
    span = section.detection.span
    start, length = float(span.start), max(float(span.duration), 1e-9)
    for box in (lips, sound):
        draw.rectangle(box.corners, PLOT, FRAME)
    for second in range(int(position_s) + 1, int(position_s + length) + 1):
        x = lips.across((second - position_s) / length)
        for box in (lips, sound):
            draw.line((x, box.top + 1, x, box.bottom - 1), dim(FRAME))
        # Not where it would run into what stands beside.
        if abs(x - lips.right) > EDGE and abs(x - lips.left) > EDGE:
            write(draw, (x, sound.bottom + 3), clock(second), FAINT, anchor="ma")
    openings = [t.openings[np.isfinite(t.openings)] for t in section.trails]
    top = max([LEAST_OPENING, *(float(o.max()) for o in openings if o.size)])
    for number, (trail, values) in enumerate(zip(section.trails, section.likelihoods, strict=True)):
        colour = colour_of(number) if values is not None else dim(colour_of(number))
        curve(draw, lips, (trail.times - start) / length, trail.openings / top, colour)
    x = write(draw, (lips.left, lips.top - HEADING), "lips open" if section.trails else "no face for a second", FAINT)
    for number in range(len(section.trails)):
        said = says(section, number, params)
        text = fitted(draw, said, lips.right - x - 14)
        colour = colour_of(number) if section.likelihoods[number] is not None else dim(colour_of(number), 0.6)
        x = write(draw, (x + 14, lips.top - HEADING), text, colour)
        if text != said:
            break
    if section.levels is not None and section.levels.size:
        times = section.first_s + np.arange(len(section.levels)) / (SOUND_STEPS * STEP_RATE)
        loudest = float(section.levels.max())
        curve(draw, sound, (times - start) / length, 1 + (section.levels - loudest) / LEVELS_DB, TEXT, 1)
    write(draw, (sound.left, sound.top - HEADING), f"level of the sound, 80 to 7600 Hz, {LEVELS_DB:.0f} dB", FAINT)


def draw_offsets(draw: ImageDraw.ImageDraw, box: Box, section: Section, params: AvSyncParams) -> None:
    """How likely each offset is, as bars; by each track alone, as lines; and, at the right, that nothing fits."""
    # A column for each offset, a gap, and one for none.
    columns = len(OFFSETS) + 3
    plot = Box(box.left, box.top, round(box.across(len(OFFSETS) / columns)), box.bottom)
    none = Box(round(box.across((len(OFFSETS) + 1) / columns)), box.top, box.right, box.bottom)
    axis = _Axis(plot, params)
    edges = (-params.late_error_ms, -params.late_warning_ms, params.early_warning_ms, params.early_error_ms)
    for low, high, ground in zip((-np.inf, *edges), (*edges, np.inf), GROUNDS, strict=True):
        if axis.x(high) > axis.x(low):
            draw.rectangle((axis.x(low), plot.top, axis.x(high), plot.bottom), ground)
    if section.votes is not None:
        _draw_likelihoods(draw, plot, none, section, section.votes)
    else:
        write(draw, (plot.across(0.22), plot.up(0.5)), "not compared", FAINT, anchor="mm")
    for each in (plot, none):
        draw.rectangle(each.corners, None, FRAME)
    for edge in edges:
        draw.line((axis.x(edge), plot.top, axis.x(edge), plot.bottom), FAINT)
    # By these a fragment is judged alone.
    for limit in (-params.late_warning_ms - params.margin_ms, params.early_warning_ms + params.margin_ms):
        for y in range(plot.top, plot.bottom, 6):
            draw.line((axis.x(limit), y, axis.x(limit), y + 2), TEXT)
    for tick in axis.ticks():
        if axis.x(tick) < none.left - EDGE / 2:
            write(draw, (axis.x(tick), box.bottom + 3), f"{tick:+d}" if tick else "0", FAINT, anchor="ma")
    write(draw, ((none.left + none.right) / 2, box.bottom + 3), "none", FAINT, anchor="ma")
    write(draw, (plot.left, plot.top - HEADING), "probability of each offset, 0 to 1", FAINT)
    write(draw, (plot.left + 4, plot.top + 3), "late", FAINT)
    write(draw, (plot.right - 4, plot.top + 3), "early, ms", FAINT, anchor="ra")
    if "programme_offset" in section.detection.measurements:
        x = axis.x(section.detection.measurements["programme_offset"])
        draw.polygon(((x, plot.top + 22), (x - 5, plot.top + 14), (x + 5, plot.top + 14)), PROGRAMME)


@dataclass(frozen=True, slots=True)
class _Axis:
    """Offsets as they are told, without the bias: it is not even about 0."""

    plot: Box
    params: AvSyncParams

    def x(self, offset_ms: float) -> float:
        """Where an offset is; what is beyond is at the edge."""
        steps = (offset_ms + self.params.bias_ms) / STEP_MS
        return self.plot.across(min(max((steps + REACH + 0.5) / len(OFFSETS), 0.0), 1.0))

    def ticks(self) -> range:
        """Round offsets that are looked at, in ms."""
        lowest, highest = (self.params.offset_ms(float(steps)) for steps in (-REACH, REACH))
        return range(-int(-lowest // TICK_MS) * TICK_MS, int(highest) + 1, TICK_MS)


def _draw_likelihoods(draw: ImageDraw.ImageDraw, plot: Box, none: Box, section: Section, votes: Values) -> None:
    parts, count = posterior(votes), len(OFFSETS)
    for number, part in enumerate(parts):
        left, right = (plot.across((number + edge) / count) for edge in (0.15, 0.85))
        draw.rectangle((left, plot.up(part), right, plot.bottom), TEXT)
    draw.rectangle((none.left + 2, none.up(1 - parts.sum()), none.right - 2, none.bottom), FAINT)
    compared = [(n, values) for n, values in enumerate(section.likelihoods) if values is not None]
    if len(compared) > 1:
        for number, values in compared:
            curve(draw, plot, (np.arange(count) + 0.5) / count, posterior(values), colour_of(number))
