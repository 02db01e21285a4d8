from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from glasswatch.core.detection import Event, Severity
from tests.support import events_of, frame_chunks
from tests.unit.detectors.video.contract import assert_same_however_cut, cuts
from tests.unit.detectors.video.pictures import COLUMNS, LINES, Frames, flat, scene


def freeze_events(luma: Frames, fps: int = 25) -> list[Event]:
    return events_of("freeze", frame_chunks(np.rint(np.clip(luma, 0, 255)), fps=fps, rendition="luma-270"))


def frames_of(event: Event, fps: int = 25) -> tuple[int, int]:
    return int(event.span.start * fps), int(event.span.end * fps)


def frozen(repeats: int, before: int = 25, after: int = 15, lost: int = 0) -> Frames:
    """A scene whose picture `before - 1` is repeated; `lost` frames of the scene are not seen afterwards."""
    shot = scene(before + lost + after)
    return np.concatenate([shot[:before], np.repeat(shot[before - 1 : before], repeats, axis=0), shot[before + lost :]])


@pytest.mark.parametrize("lost", [0, 20], ids=["pause", "loss"])
@pytest.mark.parametrize(("repeats", "severity"), [(13, Severity.WARNING), (50, Severity.ERROR), (90, Severity.ERROR)])
def test_a_freeze_is_found_to_the_frame(repeats: int, severity: Severity, lost: int) -> None:
    (event,) = freeze_events(frozen(repeats, lost=lost))
    assert frames_of(event) == (25, 25 + repeats)
    assert event.severity is severity


def test_shorter_holds_are_no_event() -> None:
    assert not freeze_events(frozen(12))


def test_a_freeze_that_lasts_to_the_end() -> None:
    (event,) = freeze_events(frozen(30, after=0))
    assert frames_of(event) == (25, 55)


@pytest.mark.parametrize("fps", [8, 50])
def test_time_counts_and_not_frames(fps: int) -> None:
    (event,) = freeze_events(frozen(fps, before=fps), fps=fps)
    assert frames_of(event, fps) == (fps, 2 * fps)
    assert event.severity is Severity.WARNING


def test_bit_depth_counts() -> None:
    luma = np.rint(frozen(20) * 4)
    (event,) = events_of("freeze", frame_chunks(luma, bit_depth=10, rendition="luma-270"))
    assert frames_of(event) == (25, 45)


def test_a_repeat_that_was_coded_again_is_a_repeat() -> None:
    """After the onset the codec refines the picture, at a GOP it draws it anew, and picture types take turns."""
    rng = np.random.default_rng(1)
    luma = frozen(40)
    held = slice(25, 65)
    residue = rng.normal(0, 2.5, (LINES, COLUMNS)) * (0.5 ** np.arange(40))[:, None, None]
    redrawn = np.where(np.arange(40) >= 22, 1.0, 0.0)[:, None, None] * rng.normal(0, 3, (LINES, COLUMNS))
    types = np.where(np.arange(40) % 3 == 2, 0.7, 0.0)[:, None, None] * rng.normal(0, 1, (LINES, COLUMNS))
    luma[held] += residue + redrawn + types
    (event,) = freeze_events(luma)
    assert event.severity is Severity.WARNING
    onset, end = frames_of(event)
    assert abs(onset - 25) <= 2
    assert abs(end - 65) <= 2


def still_camera(mover: int) -> Frames:
    """Nothing but a square of `mover` samples moves, without grain, as after a low bit rate."""
    luma = np.repeat(scene(1), 60, axis=0)
    for i in range(60):
        x = 80 + 3 * (i % 10)
        luma[i, 60 : 60 + mover, x : x + mover] = 200
    return luma


def limited_animation() -> Frames:
    """Drawings of low contrast that are shown twice each, some eight times and one fifteen times."""
    shown = [2, 2, 2, 8, 2, 2, 2, 8, 2, 2, 2, 2, 2, 15, 2, 2]
    return np.repeat(125 + 0.3 * (scene(len(shown), speed=3) - 125), shown, axis=0)


@pytest.mark.parametrize(
    "clean",
    [
        pytest.param(scene(75), id="motion"),
        pytest.param(scene(75, speed=0), id="grain on a still"),
        pytest.param(still_camera(24), id="small mover"),
        pytest.param(np.repeat(scene(30), 2, axis=0), id="every picture twice"),
        pytest.param(np.concatenate([scene(20), flat(40, 16), scene(20)]), id="black"),
    ],
)
def test_clean_pictures_are_not_frozen(clean: Frames) -> None:
    assert not freeze_events(clean)


def test_a_scroll_that_stops_dead_is_frozen() -> None:
    (event,) = freeze_events(scroll([6.0] * 20 + [0.0] * 30))
    assert event.severity is Severity.WARNING


def slate(frames: int) -> Frames:
    return np.repeat(scene(1, seed=7), frames, axis=0)


def scroll(speeds: list[float]) -> Frames:
    """A soft pattern that moves this many samples with each frame."""
    row = 125 + 60 * np.sin((np.arange(COLUMNS) + np.cumsum(speeds)[:, None]) / 15)
    return np.repeat(row[:, None, :], LINES, axis=1)


def rolling_titles(moving: int) -> Frames:
    """Lines of writing on black that roll up at a steady pace and then stand."""
    rng = np.random.default_rng(5)
    roll = np.full((LINES * 4, COLUMNS), 16, np.uint8)
    for top in range(0, LINES * 4 - 12, 24):
        for left in range(COLUMNS // 4, 3 * COLUMNS // 4, 6):
            roll[top + 2 : top + 10, left : left + 4] = rng.integers(0, 2, (8, 4)) * 200 + 16
    frames = np.stack([roll[2 * i : 2 * i + LINES] for i in range(moving)])
    return np.concatenate([frames, np.repeat(frames[-1:], 40, axis=0)])


def dissolve() -> Frames:
    share = np.linspace(0, 1, 16)[:, None, None]
    return np.concatenate([slate(15), slate(1) * (1 - share) + scene(1) * share, np.repeat(scene(1), 30, axis=0)])


@pytest.mark.parametrize(
    "held",
    [
        pytest.param(slate(50), id="still from the start"),
        pytest.param(np.concatenate([scene(25), slate(40), scene(10)]), id="cut to a slate"),
        pytest.param(dissolve(), id="dissolve"),
        pytest.param(scroll([6.0] * 20 + [3.5, 1.8] + [0.0] * 30), id="coming to rest"),
        pytest.param(scroll([6.0] * 20 + [6 * 0.66**i for i in range(1, 12)] + [0.0] * 30), id="slowing down"),
        pytest.param(limited_animation(), id="limited animation"),
        pytest.param(rolling_titles(25), id="rolling titles that stand"),
    ],
)
def test_holds_that_nothing_interrupts_are_informative(held: Frames) -> None:
    events = freeze_events(held)
    assert events
    assert all(event.severity is Severity.INFO for event in events)


MIXED = np.concatenate([frozen(16, before=14, after=6), slate(14), scene(8, seed=2), flat(4, 16)])


@given(cuts)
@settings(max_examples=8, deadline=None)
def test_results_do_not_depend_on_the_cuts(lengths: list[int]) -> None:
    luma = np.rint(MIXED)
    whole = frame_chunks(luma, rendition="luma-270")
    assert_same_however_cut("freeze", whole, frame_chunks(luma, chunk=lengths, rendition="luma-270"))
