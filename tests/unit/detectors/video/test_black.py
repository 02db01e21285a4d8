from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from glasswatch.core.detection import Event, Severity
from tests.support import events_of, frame_chunks
from tests.unit.detectors.video.contract import assert_same_however_cut, cuts
from tests.unit.detectors.video.pictures import COLUMNS, LINES, chunks, fade, flat, neutral, scene


def black_events(luma: np.ndarray, **params: object) -> list[Event]:
    return events_of("black", chunks(luma), **params)


def frames_of(event: Event) -> tuple[int, int]:
    return int(event.span.start * 25), int(event.span.end * 25)


def inserted(black: np.ndarray) -> np.ndarray:
    return np.concatenate([scene(10), black, scene(10, seed=1)])


@pytest.mark.parametrize(
    ("frames", "severity"), [(3, Severity.INFO), (12, Severity.INFO), (13, Severity.WARNING), (50, Severity.ERROR)]
)
def test_black_is_found_to_the_frame(frames: int, severity: Severity) -> None:
    (event,) = black_events(inserted(flat(frames, 16)))
    assert frames_of(event) == (10, 10 + frames)
    assert event.severity is severity


def test_two_frames_are_too_few() -> None:
    assert not black_events(inserted(flat(2, 16)))


def with_logo() -> np.ndarray:
    black = flat(20, 16)
    black[:, 8:26, 205:230] = 200
    return black


def with_subtitles() -> np.ndarray:
    black = flat(20, 16)
    black[:, 112:124:3, 60:180:3] = 220
    return black


@pytest.mark.parametrize(
    "black",
    [
        pytest.param(flat(20, 16), id="nominal"),
        pytest.param(flat(20, 2), id="below nominal"),
        pytest.param(flat(20, 37), id="raised"),
        pytest.param(flat(20, 20) + np.random.default_rng(0).normal(0, 6, (20, LINES, COLUMNS)), id="noisy"),
        pytest.param(with_logo(), id="logo"),
        pytest.param(with_subtitles(), id="subtitles"),
    ],
)
def test_forms_of_black(black: np.ndarray) -> None:
    (event,) = black_events(inserted(np.clip(black, 0, 255)))
    assert frames_of(event) == (10, 30)


def starfield() -> np.ndarray:
    rng = np.random.default_rng(0)
    black = flat(20, 16)
    black[:, rng.integers(0, LINES, 300), rng.integers(0, COLUMNS, 300)] = 180
    return black


def dim_object() -> np.ndarray:
    """A tenth of the picture stands out, but less than a logo would."""
    black = flat(20, 16)
    black[:, 40:94, 100:160] = 30
    return black


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(flat(20, 39), id="above the ceiling"),
        pytest.param(16 + (scene(20) - 40) * 0.1, id="dark scene"),
        pytest.param(starfield(), id="starfield"),
        pytest.param(dim_object(), id="dim object"),
    ],
)
def test_dark_pictures_are_not_black(picture: np.ndarray) -> None:
    assert not black_events(inserted(picture))


@pytest.mark.parametrize(("cb", "cr"), [(0, 0), (240, 118)])
def test_dark_colours_are_not_black(cb: int, cr: int) -> None:
    assert not events_of("black", chunks(flat(20, 30), cb, cr))


def test_range_and_bit_depth_of_the_signal_count() -> None:
    luma = np.rint(np.concatenate([scene(10), flat(10, 30), scene(10)]))
    chroma = neutral(30)
    assert events_of("black", frame_chunks(luma, chroma))
    assert not events_of("black", frame_chunks(luma, chroma, full_range=True))
    ten_bit = frame_chunks(luma * 4, tuple(c * 4 for c in chroma), bit_depth=10)
    (event,) = events_of("black", ten_bit)
    assert frames_of(event) == (10, 20)


def test_luma_alone_is_enough() -> None:
    assert len(events_of("black", frame_chunks(inserted(flat(5, 16))))) == 1


def test_black_after_a_fade_is_planned() -> None:
    faded = np.concatenate([scene(10), fade(scene(8), 16), flat(30, 16), scene(10)])
    assert not black_events(faded)
    (event,) = black_events(np.concatenate([scene(10), fade(scene(8), 16), flat(60, 16), scene(10)]))
    assert event.severity is Severity.WARNING
    assert frames_of(event)[0] in (17, 18)
    assert frames_of(event)[1] == 78


def test_dimming_that_ends_in_a_cut_is_not_a_fade() -> None:
    dimmed = scene(20) * np.linspace(1, 0.7, 20)[:, None, None]
    (event,) = black_events(np.concatenate([dimmed, flat(15, 16), scene(10)]))
    assert frames_of(event) == (20, 35)
    assert event.severity is Severity.WARNING


def test_opening_black_is_informative_until_it_lasts() -> None:
    (event,) = black_events(np.concatenate([flat(50, 16), scene(10)]))
    assert event.severity is Severity.INFO
    (event,) = black_events(flat(100, 16))
    assert event.severity is Severity.ERROR
    assert event.span.duration == Fraction(4)


def test_black_of_a_later_epoch_is_no_opening() -> None:
    later = frame_chunks(flat(50, 16), neutral(50), epoch=1)
    (event,) = events_of("black", later)
    assert event.severity is Severity.ERROR


MIXED = np.concatenate([flat(4, 16), scene(8), flat(3, 16), scene(4), fade(scene(6), 16), flat(9, 16), scene(6)])


@given(cuts)
@settings(max_examples=15, deadline=None)
def test_results_do_not_depend_on_the_cuts(lengths: list[int]) -> None:
    assert_same_however_cut("black", chunks(MIXED), chunks(MIXED, chunk=lengths))
