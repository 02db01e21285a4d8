from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.time import Span
from glasswatch.detectors.sync.av_sync import AvSyncParams
from glasswatch.detectors.sync.offset import OFFSETS
from glasswatch.evidence import panel
from glasswatch.evidence.painter import LEAST_WIDTH, LINES, MOUTH, Painter
from glasswatch.evidence.record import INNER_LIPS, OUTER_LIPS, Section, Trail
from glasswatch.evidence.style import BACKGROUND, CURSOR, TEXT, VERDICTS, Colour, colour_of

SIZE = (320, 240)
SKIN, MOUTH_COLOUR = (200, 120, 100), (10, 0, 120)
SCALE = LINES / SIZE[1]

Rgb = npt.NDArray[np.uint8]


def params(**changes: float) -> AvSyncParams:
    found = load_profile(only=["av_sync"]).params["av_sync"]
    assert isinstance(found, AvSyncParams)
    return found.model_copy(update={"bias_ms": 0.0, **changes})


def trail(left: float, movement: float | None = 0.05) -> Trail:
    """A face of 80 pixels at `left` and 60, its mouth 20 wide at the bottom, in 100 pictures."""
    angles = [2 * np.pi * np.arange(n) / n for n in (len(OUTER_LIPS), len(INNER_LIPS))]
    rings = [np.stack([r * 10 * np.cos(a), r * 5 * np.sin(a)], axis=1) for r, a in zip((1, 0.5), angles, strict=True)]
    lips = np.repeat((np.concatenate(rings) + np.array([left + 40, 120]))[None], 100, axis=0).astype(np.float32)
    boxes = np.tile(np.array([left, 60, left + 80, 140], np.float32), (100, 1))
    openings = np.linspace(0, 0.5, 100, dtype=np.float32)
    return Trail(np.arange(100) / 25, lips, boxes, openings, movement)


def picture(*lefts: float) -> Rgb:
    found = np.full((SIZE[1], SIZE[0], 3), SKIN, np.uint8)
    for left in map(int, lefts):
        found[112:129, left + 28 : left + 53] = MOUTH_COLOUR
    return found


def section(*trails: Trail, step: int | None = 0, verdict: Verdict = Verdict.OK, **more: object) -> Section:
    values = np.where(step == OFFSETS, 30.0, 0.0)
    reason = "no offset stands out" if verdict is Verdict.INCONCLUSIVE else None
    score = 0.9 if verdict is Verdict.DEFECT else 0.0
    said = Detection("c", "av_sync", "1", "av_sync", Span(0, Fraction(0), Fraction(4)), verdict, score, reason=reason)
    known = tuple(values if t.movement and step is not None else None for t in trails)
    levels = np.linspace(-60, 0, 400, dtype=np.float32)
    return Section(said, trails, known, values if step is not None else None, levels, 0.0)


def painted(found: Section | None, shown: Rgb, seconds: float = 2.0, **changes: float) -> Rgb:
    painter = Painter(SIZE, Fraction(1), params(**changes), None)
    image = painter.paint(shown, found, Fraction(seconds), Fraction(0))
    assert image.shape == (LINES + panel.HEIGHT, LEAST_WIDTH, 3)
    return image


def share(image: Rgb, colour: Colour) -> float:
    return float((image == colour).all(axis=-1).mean())


LEFT = (LEAST_WIDTH - MOUTH - round(SIZE[0] * SCALE)) // 2
"""Where the picture begins."""


def test_boxes_lips_and_mouths_of_all_faces_are_drawn() -> None:
    image = painted(section(trail(40), trail(200)), picture(40, 200))
    for number, left in enumerate((40, 200)):
        colour = colour_of(number)
        x, y = round(LEFT + left * SCALE), round(60 * SCALE)
        side = round(80 * SCALE)
        for edge in (image[y, x : x + side], image[y + side, x : x + side], image[y : y + side, x + side]):
            assert share(edge[None], colour) > 0.95
        lips = image[round(115 * SCALE) : round(125 * SCALE), x + side // 2 : x + side // 2 + round(10.5 * SCALE)]
        assert share(lips, colour) > 0.02
        enlarged = image[number * MOUTH : (number + 1) * MOUTH, -MOUTH:]
        # The mouth fills the middle, and its landmarks lie on it.
        assert share(enlarged[30:90, 10:-10], MOUTH_COLOUR) > 0.5
        assert share(enlarged[30:90, 10:-10], colour) > 0.01
        assert share(enlarged[:2], colour) > 0.4
    assert share(image[2 * MOUTH : LINES, -MOUTH:], BACKGROUND) == 1
    assert share(image[:LINES, LEFT : LEFT + 20], SKIN) == 1


def test_a_face_is_drawn_only_where_it_is_followed() -> None:
    image = painted(section(trail(40)), picture(40), seconds=2.01)
    assert share(image[:LINES], colour_of(0)) == 0


def test_a_face_that_was_not_compared_stands_back() -> None:
    image = painted(section(trail(40, movement=0.0)), picture(40))
    assert share(image[:LINES], colour_of(0)) == 0
    assert share(image[:LINES, -MOUTH:], BACKGROUND) < 0.8


def bars(image: Rgb) -> Rgb:
    """The plot of offsets."""
    return image[LINES + 95 : LINES + panel.HEIGHT - 22, round(LEAST_WIDTH * 0.52) + 13 : -13]


@pytest.mark.parametrize("step", [-20, -7, 0, 12, 20])
def test_the_bar_of_the_likeliest_offset_is_the_highest(step: int) -> None:
    plot = bars(painted(section(trail(40), step=step), picture(40)))
    columns = (plot == TEXT).all(axis=-1).sum(axis=0)
    highest = np.flatnonzero(columns == columns.max())
    # 41 columns, a gap, and one for none.
    assert highest.mean() / plot.shape[1] * 44 == pytest.approx(step + 20.5, abs=0.5)


def test_limits_are_where_they_are_told() -> None:
    """The ground of offsets that are in sync: from 125 ms late to 45 ms early, whatever the bias."""
    for bias_ms in (0.0, -45.0, 80.0):
        plot = bars(painted(section(trail(40), step=None), picture(40), bias_ms=bias_ms))[-20:]
        within = np.flatnonzero((plot == (26, 50, 38)).all(axis=-1).any(axis=0)) / plot.shape[1] * 44 - 20.5
        assert within.min() * 40 - bias_ms == pytest.approx(-125, abs=15)
        assert within.max() * 40 - bias_ms == pytest.approx(45, abs=15)


def test_the_cursor_is_at_the_moment_that_is_shown() -> None:
    found = section(trail(40))
    left, right = 12, round(LEAST_WIDTH * 0.52) - 12
    for seconds in (0.0, 1.0, 3.6):
        row = painted(found, picture(40), seconds)[LINES + 105, : right + 4]
        at = np.flatnonzero((row == CURSOR).all(axis=-1)).mean()
        assert at == pytest.approx(left + (right - left) * seconds / 4, abs=2)


def test_curves_rise_with_lips_and_sound() -> None:
    image = painted(section(trail(40)), picture(40), seconds=0)
    right = round(LEAST_WIDTH * 0.52) - 14
    for rows, colour in (((95, 150), colour_of(0)), ((170, 238), TEXT)):
        plot = image[LINES + rows[0] : LINES + rows[1], 18:right]
        heights = [np.flatnonzero((plot[:, x] == colour).all(axis=-1)) for x in (150, 250, 350)]
        assert all(h.size for h in heights)
        assert heights[0].mean() > heights[1].mean() + 3 > heights[2].mean() + 6


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_has_its_colour(verdict: Verdict) -> None:
    image = painted(section(trail(40), verdict=verdict), picture(40))
    assert share(image[LINES + 7 : LINES + 20, 12:30], VERDICTS[verdict]) > 0.5


def test_the_reason_is_written() -> None:
    sure, unsure = (
        painted(section(trail(40), step=None, verdict=v), picture(40)) for v in (Verdict.OK, Verdict.INCONCLUSIVE)
    )
    assert share(sure[LINES + 30 : LINES + 50], BACKGROUND) == 1
    assert share(unsure[LINES + 30 : LINES + 50], BACKGROUND) < 0.99


def test_what_was_not_judged_has_no_plots() -> None:
    image = painted(None, picture(40))
    assert share(image[LINES + 40 :], BACKGROUND) == 1
    assert share(image[:LINES], colour_of(0)) == 0


def test_a_picture_keeps_its_shape() -> None:
    """Pixels that are not square, pictures that are high, and ones of another size than the first."""
    wide = Painter((720, 480), Fraction(32, 27), params(), None)
    assert wide.width == round(480 * 16 / 9) + MOUTH + 1
    high = Painter((270, 480), Fraction(1), params(), None)
    assert high.width == LEAST_WIDTH
    small = np.full((60, 80, 3), SKIN, np.uint8)
    image = Painter(SIZE, Fraction(1), params(), None).paint(small, None, Fraction(0), Fraction(0))
    assert share(image[:LINES, LEFT : LEFT + 640], SKIN) == 1


def test_what_there_is_no_room_for_is_cut() -> None:
    """Many short shots, and a reason with a path in it: neither runs into what stands beside, or out of the picture."""
    found = section(*(trail(40, movement=0.0) for _ in range(20)), step=None)
    said = dataclasses.replace(found.detection, verdict=Verdict.INCONCLUSIVE, reason="no model in " + "folder/" * 60)
    image = painted(dataclasses.replace(found, detection=said), picture(40))
    middle = round(LEAST_WIDTH * 0.52)
    headings = image[LINES + panel.WORDS : LINES + panel.WORDS + 15]
    assert share(headings[:, middle - 10 : middle + 10], BACKGROUND) == 1
    assert share(headings[:, middle - 200 : middle - 40], BACKGROUND) < 1
    assert share(image[LINES + 30 : LINES + 50, -11:], BACKGROUND) == 1
