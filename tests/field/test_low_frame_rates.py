"""Freeze at 1 to 5 frames per second, where pictures of other kinds stand by design."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.detection import Severity
from tests.field.drawn import Frame, dark, drawn, held, live, write, written
from tests.field.making import X264, events, ffmpeg, inspect, lavfi


@pytest.mark.parametrize(
    ("fps", "codec"), [(1, X264), (2, X264), (4, X264), (2, ("-c:v", "mjpeg", "-q:v", "4")), (5, X264)]
)
def test_a_freeze_is_one_at_any_rate(tmp_path: Path, fps: int, codec: tuple[str, ...]) -> None:
    """motion#1110, frigate#18335: full motion, 10 s frozen, full motion."""
    source = lavfi(f"testsrc2=s=640x360:r={fps}:d=40")
    stands = f"loop=loop={10 * fps}:size=1:start={12 * fps},setpts=N/{fps}/TB"
    ffmpeg(*source, "-vf", stands, "-r", str(fps), "-t", "40", *codec, "frozen.mkv", folder=tmp_path)
    found = events(inspect(tmp_path / "frozen.mkv", "freeze"), "freeze")
    (event,) = [e for e in found if e.severity is Severity.ERROR]
    assert event.start_s == pytest.approx(12 + 1 / fps, abs=1 / fps)
    assert event.end_s - event.start_s == pytest.approx(10, abs=1 / fps)


def test_a_camera_at_two_frames_per_second_that_stalls(tmp_path: Path) -> None:
    shot = live(40, speed=20)
    path = write(tmp_path / "camera.mp4", shot[:20], held(shot[19], 12), shot[20:], fps=2)
    (event,) = events(inspect(path, "freeze"), "freeze")
    assert event.severity is Severity.ERROR
    assert (event.start_s, event.end_s) == pytest.approx((10, 16), abs=0.5)


def slide(number: int) -> Frame:
    return written(dark(level=200), [f"SLIDE {number}", "ONE POINT", f"POINT {number * 7}"], 4)


def slide_show() -> list[Frame]:
    return [slide(n) for n in range(6) for _ in range(10)]


def presentation() -> list[Frame]:
    """Slides, and a pointer that is moved over them for 2 s now and then."""
    frames = []
    for n in range(4):
        for i in range(24):
            at = 60 + 40 * min(i, 4) + 25 * max(0, min(i - 12, 5))
            frames.append(drawn(slide(n), np.ones((12, 8), np.float32), at, 40 + at // 2, 20))
    return frames


def time_lapse() -> list[Frame]:
    """Clouds that never stand."""
    return live(60, speed=35, grain=1)


def scrolled_document() -> list[Frame]:
    """Ten pages of text are scrolled through, and then one is read."""
    rng = np.random.default_rng(0)
    sheet = dark((640, 360 + 3200), 250)
    for top in range(20, 3500, 24):
        sheet[top : top + 14, 80:480] = 250 - 230 * rng.integers(0, 2, (14, 200)).repeat(2, axis=1)
    frames = [sheet[100 * i : 100 * i + 360] for i in range(12)]
    return [
        *frames,
        *held(frames[-1], 20),
        *[sheet[1100 + 100 * i : 1460 + 100 * i] for i in range(8)],
        *held(sheet[1800:2160], 15),
    ]


@pytest.mark.parametrize("shot", [slide_show, presentation, time_lapse, scrolled_document])
@pytest.mark.parametrize("fps", [1, 2, 4])
def test_low_rates_by_design_are_no_freeze(tmp_path: Path, shot: type[list[Frame]], fps: int) -> None:
    found = events(inspect(write(tmp_path / "slow.mp4", shot(), fps=fps), "freeze"), "freeze", Severity.WARNING)
    assert not found


@pytest.mark.parametrize("container", ["mp4", "mkv"])
def test_a_recorder_that_writes_less_while_nothing_moves(tmp_path: Path, container: str) -> None:
    """QuickRecorder#206: 2 s and 4 s without a new picture; and one that repeats the last one each second."""
    source = lavfi("testsrc2=s=320x180:r=30:d=12")
    for name, chosen in (
        ("gaps", "lt(t,3)+eq(n,150)+gt(t,9)"),
        ("repeats", "lt(t,3)+gt(t,9)+eq(mod(n,30),0)"),
    ):
        stands = "loop=loop=179:size=1:start=90,trim=end=12," if name == "repeats" else ""
        path = tmp_path / f"{name}.{container}"
        ffmpeg(*source, "-vf", f"{stands}select='{chosen}'", "-fps_mode", "vfr", *X264, "-bf", "0", path)
        assert not events(inspect(path, "freeze"), "freeze", Severity.WARNING)
