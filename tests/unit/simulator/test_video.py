from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.errors import UsageError
from glasswatch.simulator import simulate
from tests.unit.simulator.clips import decode, make_clip

WINDOW = {"start_s": 1.5, "duration_s": 0.8}


def test_black_frames_are_exactly_those_of_the_label(clip: Path, tmp_path: Path) -> None:
    labels = simulate("black", clip, tmp_path / "o.mp4", start_s=1.49, duration_s=0.8)
    (defect,) = labels.defects
    got = decode(tmp_path / "o.mp4")
    # 1.49 lies between two frames: the first that begins in the window is the one at 1.52.
    assert (defect.start_s, defect.end_s) == (1.52, 2.32)
    black = [n for n, luma in enumerate(got.luma) if luma.max() < 30]
    assert black == got.shown(defect.start_s, defect.end_s)
    assert len(got.times) == 100


@pytest.mark.parametrize(
    ("pixel_format", "full_range", "expected"),
    [("yuv420p", False, 16 + 21.9), ("yuv420p10le", False, 4 * (16 + 21.9)), ("yuv420p", True, 25.5)],
    ids=["8-bit", "10-bit", "full-range"],
)
def test_level_is_of_the_signals_own_range(
    tmp_path: Path, pixel_format: str, full_range: bool, expected: float
) -> None:
    source = make_clip(tmp_path / "in.mkv", pixel_format=pixel_format, full_range=full_range, layouts=())
    simulate("black", source, tmp_path / "o.mkv", settings={"level": "0.1", "crf": "4"}, **WINDOW)
    got = decode(tmp_path / "o.mkv")
    assert np.mean([got.luma[n] for n in got.shown(1.6, 2.2)]) == pytest.approx(expected, rel=0.03)
    assert got.format.replace("yuvj", "yuv") == pixel_format
    assert (got.color_range == 2) is full_range


def test_black_keeps_noise_and_logo(clip: Path, tmp_path: Path) -> None:
    settings = {"noise": "3", "logo": "0.02", "crf": "4"}
    simulate("black", clip, tmp_path / "o.mp4", settings=settings, **WINDOW)
    got = decode(tmp_path / "o.mp4")
    pictures = np.stack([got.luma[n] for n in got.shown(1.6, 2.2)])
    lit = (pictures > 100).mean(axis=(1, 2))
    assert 0.002 < lit.min() <= lit.max() <= 0.02
    assert pictures[:, 24:].std() > 1


def test_freeze_label_starts_at_the_first_repeat(clip: Path, tmp_path: Path) -> None:
    labels = simulate("freeze", clip, tmp_path / "o.mp4", settings={"crf": "4"}, **WINDOW)
    (defect,) = labels.defects
    assert (defect.start_s, defect.end_s) == (1.52, 2.32)
    got, clean = decode(tmp_path / "o.mp4"), decode(clip)
    change = [np.abs(b - a).mean() for a, b in pairwise(got.luma)]
    still = [n + 1 for n, c in enumerate(change) if c < 1]
    assert still == got.shown(defect.start_s, defect.end_s)
    # Live pictures jump to where they would have been.
    assert np.abs(got.luma[60] - clean.luma[60]).mean() < 3
    assert defect.strength["lost_motion_fraction"] > 0.05


def test_freeze_in_mode_resume_goes_on_late_and_says_that_sync_is_lost(clip: Path, tmp_path: Path) -> None:
    settings = {"mode": "resume", "crf": "4"}
    labels = simulate("freeze", clip, tmp_path / "o.mp4", settings=settings, **WINDOW)
    freeze, sync = labels.defects
    got, clean = decode(tmp_path / "o.mp4"), decode(clip)
    assert len(got.times) == len(clean.times)
    assert np.abs(got.luma[70] - clean.luma[50]).mean() < 3
    assert (sync.defect, sync.start_s, sync.end_s) == ("av_sync", freeze.end_s, 4.0)
    assert sync.strength == {"audio_early_ms": 800.0}


def test_freeze_needs_a_picture_to_hold(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="first picture"):
        simulate("freeze", clip, tmp_path / "o.mp4", start_s=0)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("grey", (125.5, 128, 128)),
        ("green", (144.6, 53.6, 34.2)),
        ("blue", (41, 240, 109.8)),
        ("pink", (151.9, 141.7, 192.3)),
        ("decoder_green", (0, 0, 0)),
        ("decoder_grey", (128, 128, 128)),
    ],
)
def test_solid_colour(clip: Path, tmp_path: Path, colour: str, expected: tuple[float, ...]) -> None:
    labels = simulate("solid_colour", clip, tmp_path / "o.mp4", settings={"colour": colour}, **WINDOW)
    (defect,) = labels.defects
    got = decode(tmp_path / "o.mp4")
    for n in got.shown(defect.start_s, defect.end_s):
        assert (got.luma[n].mean(), *got.chroma[n]) == pytest.approx(expected, abs=3)
        assert got.luma[n].std() < 2
    assert got.luma[got.shown(defect.end_s, 4)[0]].std() > 10
    assert defect.kind == "uniform"


@pytest.mark.parametrize(("pattern", "columns"), [("bars_ebu", 8), ("bars_smpte", 7)])
def test_bars(clip: Path, tmp_path: Path, pattern: str, columns: int) -> None:
    labels = simulate("solid_colour", clip, tmp_path / "o.mp4", settings={"colour": pattern}, **WINDOW)
    got = decode(tmp_path / "o.mp4")
    line = got.luma[got.shown(2.0, 2.1)[0]][10]
    levels = [line[int((n + 0.5) * 64 / columns)] for n in range(columns)]
    assert all(a > b + 4 for a, b in pairwise(levels))
    assert labels.defects[0].kind == "bars"
