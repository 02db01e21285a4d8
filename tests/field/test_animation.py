"""Drawn pictures that come to stand are no freeze, and pictures that are stuck are one, again and again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.detection import Severity
from glasswatch.simulator.drawing import text_mask
from tests.field.drawn import SIZE, Frame, dark, drawn, held, live, write, written
from tests.field.making import events, ffmpeg, inspect

FPS = 25
ONES = np.ones


def ground(seed: int = 0) -> Frame:
    """A drawn ground: flat fields with outlines."""
    rng = np.random.default_rng(seed)
    frame = dark(level=int(rng.integers(120, 220)))
    for _ in range(6):
        x, y = int(rng.integers(0, 500)), int(rng.integers(0, 260))
        frame = drawn(frame, ONES((90, 130), np.float32), x, y, int(rng.integers(60, 240)))
    return frame


def flights(seed: int, count: int, moves: int, stands: int) -> list[Frame]:
    """Things that fly in at full speed and stand, one after the other, on one ground."""
    rng = np.random.default_rng(seed)
    frame = ground(seed)
    frames: list[Frame] = list(held(frame, stands))
    for _ in range(count):
        thing = ONES((int(rng.integers(50, 120)), int(rng.integers(80, 200))), np.float32)
        x, y, level = int(rng.integers(100, 400)), int(rng.integers(20, 220)), int(rng.integers(20, 250))
        start = -thing.shape[1] if rng.random() < 0.5 else SIZE[0]
        way = [round(start + (x - start) * i / moves) for i in range(1, moves + 1)]
        frames += [drawn(frame, thing, at, y, level) for at in way]
        frame = frames[-1]
        frames += held(frame, stands)
    return frames


def slides_pushed() -> list[Frame]:
    """Whole pictures that push each other out within half a second, and stand for two."""
    shots = [live(1, seed=n, grain=0)[0] for n in range(6)]
    frames: list[Frame] = list(held(shots[0], 50))
    for old, new in itertools.pairwise(shots):
        both = np.concatenate([old, new], axis=1)
        frames += [both[:, 53 * i : 53 * i + SIZE[0]] for i in range(1, 13)] + list(held(new, 50))
    return frames


def long_flight() -> list[Frame]:
    """A title crosses a plain ground for three seconds and stands."""
    title = text_mask(["A FILM"], 8)
    frames = [drawn(dark(level=170), title, -300 + 6 * i, 150, 30) for i in range(75)]
    return [*frames, *held(frames[-1], 50)]


def lip_flaps() -> list[Frame]:
    """Limited animation: drawings on twos, a mouth that opens and shuts, pauses of a second."""
    face = drawn(ground(3), ONES((160, 120), np.float32), 250, 100, 200)
    frames: list[Frame] = []
    for n in range(8):
        for i in range(12):
            frames += held(drawn(face, ONES((4 + 14 * (i % 2), 40), np.float32), 290, 210, 40), 2)
        frames += held(drawn(face, ONES((4, 40), np.float32), 290, 210, 40), 18 + n)
    return frames


def stop_motion() -> list[Frame]:
    """Puppets on threes; the animator lets them stand for a second now and then."""
    rng = np.random.default_rng(9)
    scene = live(1, seed=5, grain=3)[0]
    frames: list[Frame] = []
    for n in range(40):
        puppet = drawn(scene, ONES((120, 60), np.float32), 100 + 9 * n, 180 + int(rng.integers(-3, 3)), 60)
        frames += held(puppet, 3 if n % 13 else 28)
    return frames


def menu() -> list[Frame]:
    """A game's menu: the choice moves down a line, at once, when a key is pressed."""
    frames: list[Frame] = []
    for n in range(12):
        frame = ground(7)
        for line in range(5):
            frame = written(frame, [f"CHOICE {line}"], 3, x=80, y=60 + 50 * line)
        frames += held(drawn(frame, ONES((30, 8), np.float32), 60, 60 + 50 * (n % 5), 250), 10 + 4 * (n % 4))
    return frames


def walks_out() -> list[Frame]:
    """A fixed camera without grain: someone walks through the picture and out of it, three times."""
    room = live(1, seed=8, grain=0)[0]
    frames: list[Frame] = []
    for _ in range(3):
        frames += [drawn(room, ONES((180, 60), np.float32), -60 + 10 * i, 160, 30) for i in range(71)]
        frames += held(room, 60)
    return frames


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(lambda: flights(1, 8, 8, 30), id="things fly in"),
        pytest.param(lambda: flights(2, 8, 15, 55), id="things fly in and stand for long"),
        pytest.param(slides_pushed, id="slides pushed"),
        pytest.param(long_flight, id="long flight of a title"),
        pytest.param(lip_flaps, id="lip flaps"),
        pytest.param(stop_motion, id="stop motion"),
        pytest.param(menu, id="menu"),
        pytest.param(walks_out, id="someone walks out"),
    ],
)
@pytest.mark.parametrize("crf", ["16", "30"])
def test_what_stands_by_design_is_no_freeze(tmp_path: Path, film: Callable[[], Iterable[Frame]], crf: str) -> None:
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-crf", crf)
    found = events(inspect(write(tmp_path / "film.mp4", film(), codec=codec), "freeze"), "freeze")
    assert all(event.severity is Severity.INFO and event.reason for event in found)


def stuck(shot: list[Frame], at: int, repeats: int, lost: int = 0) -> list[Frame]:
    return [*shot[:at], *held(shot[at - 1], repeats), *shot[at + lost :]]


def figure_on_a_ground() -> list[Frame]:
    """An animated film in full motion: a figure that walks before a ground that pans, drawn anew in each frame."""
    wide = np.concatenate([ground(1), ground(2), ground(3)], axis=1)
    return [
        drawn(wide[:, 4 * i : 4 * i + SIZE[0]], ONES((120, 50), np.float32), 280, 200 + 8 * (i % 6), 30)
        for i in range(100)
    ]


def talking_head() -> list[Frame]:
    """Before a ground without grain only a face moves."""
    room = live(1, seed=6, grain=0)[0]
    face = live(150, (120, 140), seed=2, speed=1.5)
    frames = []
    for i in range(150):
        frame = room.copy()
        x, y = 260 + round(6 * np.sin(i / 6)), 100 + round(4 * np.sin(i / 9))
        frame[y : y + 140, x : x + 120] = face[i]
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    "shot", [figure_on_a_ground, talking_head, lambda: live(120)], ids=["film", "talking head", "pan"]
)
@pytest.mark.parametrize("lost", [0, 30], ids=["pause", "loss"])
def test_a_picture_that_is_stuck_is_frozen(tmp_path: Path, shot: Callable[[], list[Frame]], lost: int) -> None:
    path = write(tmp_path / "stuck.mp4", stuck(shot(), 60, 55, lost))
    (event,) = events(inspect(path, "freeze"), "freeze", Severity.WARNING)
    assert event.severity is Severity.ERROR
    assert (event.start_s, event.end_s) == pytest.approx((60 / FPS, 115 / FPS), abs=2 / FPS)


def test_equal_freezes_are_equally_severe(tmp_path: Path) -> None:
    """One clip with a freeze in it, five times over: five errors, and why in each that is none."""
    clip = write(tmp_path / "clip.ts", stuck(live(100), 60, 55))
    (tmp_path / "list.txt").write_text(f"file '{clip}'\n" * 5)
    ffmpeg("-f", "concat", "-safe", "0", "-i", "list.txt", "-c", "copy", "five.ts", folder=tmp_path)
    found = events(inspect(tmp_path / "five.ts", "freeze"), "freeze")
    assert [event.severity for event in found] == [Severity.ERROR] * 5


def test_a_stream_that_stutters_is_reported_each_time(tmp_path: Path) -> None:
    """A second of motion and a second of standing still, in turn, as players and links do that starve."""
    shot = live(200)
    frames: list[Frame] = list(shot[:50])
    for n in range(2, 7):
        frames += [*held(shot[25 * n - 1], 25), *shot[25 * n : 25 * n + 25]]
    found = events(inspect(write(tmp_path / "stutter.mp4", frames), "freeze"), "freeze", Severity.WARNING)
    assert len(found) == 5
