"""Dark pictures with something to see are no black, and black with something laid over it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.detection import Severity
from tests.field.drawn import SIZE, Frame, Frames, dark, drawn, held, live, over, write, written
from tests.field.making import BASE, X264, events, ffmpeg, inspect, lavfi

FPS = 25


def dot(side: int) -> np.ndarray:
    return np.ones((side, side), np.float32)


def test_credits_that_roll_over_black(tmp_path: Path) -> None:
    """intro-skipper#1017: black from 4.0 s, and the first line is in the picture at 4.4 s."""
    size = (1280, 720)

    def roll(i: int) -> Frame:
        frame = dark(size)
        for line in range(20):
            y = round(size[1] - 80 * i / FPS + 84 * line)
            if -30 < y < size[1]:
                frame = written(frame, [f"NAME {line:02d} OF ROLE"], 3, y=y)
        return frame

    rolled = write(tmp_path / "roll.mp4", (roll(i) for i in range(6 * FPS)))
    ffmpeg("-i", BASE, "-i", rolled, "-filter_complex",
           f"[0:v]trim=end=4,scale={size[0]}:{size[1]},setsar=1[a];[1:v]setsar=1[b];[a][b]concat", *X264, "both.mp4",
           folder=tmp_path)  # fmt: skip
    found = events(inspect(tmp_path / "both.mp4", "black"), "black")
    assert all(e.severity is Severity.INFO and e.end_s <= 4.45 for e in found)


def test_a_lamp_that_moves_through_the_night(tmp_path: Path) -> None:
    """hyperion.ng#1031."""
    lamp = lavfi("color=black:s=640x360:r=25:d=6", "color=white:s=14x14:r=25:d=6")
    ffmpeg(*lamp, "-filter_complex", "overlay=x='50+60*t':y=150", *X264, "-crf", "18", "lamp.mp4", folder=tmp_path)
    assert not events(inspect(tmp_path / "lamp.mp4", "black"), "black")


def stars() -> list[Frame]:
    rng = np.random.default_rng(3)
    at = rng.uniform(0.05, 0.95, (60, 2))
    shown = []
    for i in range(75):
        sky = dark()
        for x, y in at:
            sky = drawn(sky, dot(2), round(x * SIZE[0] + 0.2 * i), round(y * SIZE[1]), rng.uniform(120, 220))
        shown.append(sky)
    return shown


def terminal() -> list[Frame]:
    return [
        drawn(
            written(dark(), ["USER AT HOST"[: 4 + i // 8]], 2, x=4, y=4),
            np.ones((16, 8), np.float32) * (i // 12 % 2),
            170,
            4,
        )
        for i in range(75)
    ]


def candle() -> list[Frame]:
    rng = np.random.default_rng(4)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    shown = []
    for _ in range(75):
        flame = 220 * np.exp(-(((x - 320) / 6) ** 2) - ((y - 250) / (14 + rng.normal(0, 1))) ** 2)
        glow = 14 * np.exp(-(((x - 320) / 90) ** 2) - ((y - 250) / 90) ** 2)
        shown.append(np.clip(flame + glow, 0, 255).astype(np.uint8))
    return shown


def cursor() -> list[Frame]:
    return [drawn(dark(), np.ones((14, 8), np.float32) * (i // 12 % 2), 6, 6) for i in range(100)]


def night() -> Frames:
    street = dark()
    for x, y in ((90, 200), (210, 190), (400, 185), (520, 205)):
        street = drawn(street, dot(6), x, y, 150)
    return held(street, 75)


@pytest.mark.parametrize(
    "shot",
    [
        pytest.param(lambda: held(written(dark(), ["THE END"], 6), 75), id="title card"),
        pytest.param(lambda: held(written(dark((1920, 1080)), ["WRITTEN BY A NAME"], 3), 75), id="small line in HD"),
        pytest.param(lambda: held(written(dark(), ["AND SO HE LEFT", "NEVER TO RETURN"], 3), 75), id="silent film"),
        pytest.param(lambda: held(drawn(dark(), dot(20), 310, 170), 75), id="small logo"),
        pytest.param(stars, id="stars"),
        pytest.param(terminal, id="terminal"),
        pytest.param(candle, id="candle"),
        pytest.param(night, id="street lamps"),
    ],
)
@pytest.mark.parametrize("after_a_picture", [False, True])
def test_little_light_is_no_black(tmp_path: Path, shot: Callable[[], Frames], after_a_picture: bool) -> None:
    frames = list(shot())
    before = live(20, (frames[0].shape[1], frames[0].shape[0])) if after_a_picture else []
    found = events(inspect(write(tmp_path / "dark.mp4", before, frames), "black"), "black")
    assert not found


def test_a_cursor_that_blinks_is_to_be_seen(tmp_path: Path) -> None:
    """Between two blinks there is nothing; that is no black to warn of."""
    found = events(inspect(write(tmp_path / "cursor.mp4", cursor()), "black"), "black", Severity.WARNING)
    assert not found


def test_a_light_without_luma(tmp_path: Path) -> None:
    """Pure blue has 7 % of the luma of white: a sign in blue light is there to be seen."""
    sign = lavfi("color=black:s=640x360:r=25:d=3", "color=0x0000ff:s=60x12:r=25:d=3")
    ffmpeg(*sign, "-filter_complex", "overlay=x=290:y=170", *X264, "-crf", "20", "sign.mp4", folder=tmp_path)
    assert not events(inspect(tmp_path / "sign.mp4", "black"), "black")


def timecode(frame: Frame, i: int) -> Frame:
    return written(frame, [f"10 00 {i // FPS:02d} {i % FPS:02d}"], 2, x=8, y=SIZE[1] - 24)


def logo(frame: Frame, _: int) -> Frame:
    return written(frame, ["TV"], 4, x=SIZE[0] - 90, y=24)


def watermark(frame: Frame, _: int) -> Frame:
    return written(frame, ["PREVIEW COPY"], 3, y=170)


def subtitles(frame: Frame, i: int) -> Frame:
    return written(frame, ["WHERE ARE YOU NOW", "I AM HERE"][i // 30 % 2 :][:1], 2, y=SIZE[1] - 60)


def noise(frame: Frame, i: int) -> Frame:
    rng = np.random.default_rng(i)
    return np.clip(frame + rng.normal(8, 3.5, frame.shape), 0, 255).astype(np.uint8)


def tape(frame: Frame, i: int) -> Frame:
    """Head-switching noise in the lowest lines, and a drop-out now and then."""
    rng = np.random.default_rng(i)
    dirty = noise(frame, i)
    dirty[-6:, :] = rng.integers(0, 255, dirty[-6:, :].shape)
    if i % 7 == 0:
        x, y = rng.integers(20, 500), rng.integers(20, 340)
        dirty[y, x : x + 40] = 200
    return dirty


@pytest.mark.parametrize("overlay", [timecode, logo, watermark, subtitles, noise, tape])
def test_black_with_something_over_it_is_black(tmp_path: Path, overlay: Callable[[Frame, int], Frame]) -> None:
    """The picture is lost from 1 to 3.5 s; what is laid over it stays."""
    lost = [*live(25), *held(dark(), 62), *live(25, seed=1)]
    path = write(tmp_path / "lost.mp4", over(lost, overlay))
    (event,) = events(inspect(path, "black"), "black")
    assert event.severity is Severity.ERROR
    assert event.start_s == pytest.approx(1.0, abs=1 / FPS)
    assert event.end_s == pytest.approx(3.48, abs=1 / FPS)


def test_a_picture_that_is_lost_in_the_night_is_lost(tmp_path: Path) -> None:
    """The lamps go out by a cut; what was there to be seen is no longer."""
    path = write(tmp_path / "lost.mp4", live(20), night(), held(dark(), 60), live(20))
    (event,) = events(inspect(path, "black"), "black")
    assert (event.start_s, event.end_s) == pytest.approx((3.8, 6.2), abs=1 / FPS)
    assert event.severity is Severity.ERROR


def test_titles_that_fade_out_lead_to_planned_black(tmp_path: Path) -> None:
    card = written(dark(), ["THE END"], 4)
    faded = [(card * share).astype(np.uint8) for share in np.linspace(1, 0, 25)]
    path = write(tmp_path / "fade.mp4", live(20), held(card, 40), faded, held(dark(), 35))
    assert not events(inspect(path, "black"), "black", Severity.WARNING)


def test_a_small_caption_on_a_card_is_a_picture(tmp_path: Path) -> None:
    card = written(dark((1280, 720), 90), ["AD"], 2)
    found = events(
        inspect(write(tmp_path / "card.mp4", live(20, (1280, 720)), held(card, 50)), "solid_colour"), "solid_colour"
    )
    assert not found


def test_a_card_without_caption_is_none(tmp_path: Path) -> None:
    card = dark((1280, 720), 90)
    (event,) = events(
        inspect(write(tmp_path / "card.mp4", live(20, (1280, 720)), held(card, 50)), "solid_colour"), "solid_colour"
    )
    assert event.severity is Severity.ERROR


@pytest.mark.parametrize(("dark_s", "told"), [(1.5, 0), (2.5, 1)])
def test_cards_that_come_and_go_in_the_dark(tmp_path: Path, dark_s: float, told: int) -> None:
    """Titles stand one after the other, and between them is no picture for a moment, without a fade."""
    card, pause = written(dark(), ["A FILM BY", "SOMEBODY"], 4), held(dark(), round(dark_s * FPS))
    path = write(tmp_path / "cards.mp4", held(dark(), FPS), held(card, 2 * FPS), pause, held(card, 2 * FPS))
    assert len(events(inspect(path, "black"), "black", Severity.WARNING)) == told
