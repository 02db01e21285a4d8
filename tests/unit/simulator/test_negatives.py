from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.simulator import Labels, injectors, simulate
from tests.unit.simulator.clips import Decoded, decode

PICTURES = sorted(n for n, i in injectors().items() if i.negative and "video" in i.needs)


def made(name: str, source: Path, target: Path, **settings: str) -> tuple[Labels, Decoded]:
    if target.suffix != ".wav":
        settings = {"crf": "4", "preset": "ultrafast", "audio_codec": "flac"} | settings
    labels = simulate(name, source, target, start_s=1, duration_s=2.4, settings=settings)
    assert labels.negative
    assert labels.defects == ()
    return labels, decode(target)


def changes(got: Decoded) -> list[float]:
    return [float(np.abs(b - a).mean()) for a, b in zip(got.luma, got.luma[1:], strict=False)]


@pytest.mark.parametrize("name", PICTURES)
def test_only_the_window_is_changed(clip: Path, tmp_path: Path, name: str) -> None:
    labels, got = made(name, clip, tmp_path / "o.mkv")
    clean = decode(clip)
    assert (labels.start_s, labels.end_s) == (1, 3.4)
    assert got.times == clean.times
    differs = [n for n in range(100) if np.abs(got.luma[n] - clean.luma[n]).mean() > 3]
    # The ends of a dissolve are close to what was there.
    assert set(differs) <= set(got.shown(1, 3.4))
    assert len(differs) > 0.8 * 60


@pytest.mark.parametrize(("name", "extreme"), [("fade_to_black", 16), ("fade_to_white", 235)])
def test_fades_are_slow_and_stay_short(clip: Path, tmp_path: Path, name: str, extreme: int) -> None:
    _, got = made(name, clip, tmp_path / "o.mkv", hold_s="0.6")
    plain = [n for n, luma in enumerate(got.luma) if np.abs(luma - extreme).max() < 10]
    assert 0.5 * 25 <= len(plain) <= 0.9 * 25
    means = np.array([luma.mean() for luma in got.luma])
    assert np.abs(np.diff(means)).max() < 12


def test_slate_stands_still_between_dissolves(clip: Path, tmp_path: Path) -> None:
    _, got = made("still_slate", clip, tmp_path / "o.mkv")
    steps = changes(got)
    assert max(steps[n] for n in got.shown(1.6, 2.8)) < 0.5
    assert got.luma[50].std() > 10


def test_photo_is_cut_in_and_another_scene(clip: Path, tmp_path: Path) -> None:
    _, got = made("still_photo", clip, tmp_path / "o.mkv")
    steps = changes(got)
    assert steps[24] > 10
    assert max(steps[26:84]) < 1


def test_slow_zoom_moves_all_the_time(clip: Path, tmp_path: Path) -> None:
    _, got = made("slow_zoom", clip, tmp_path / "o.mkv", zoom="0.05")
    assert min(changes(got)[25:84]) > 0.05


def test_credits_scroll_and_come_to_rest(clip: Path, tmp_path: Path) -> None:
    _, got = made("credits", clip, tmp_path / "o.mkv")
    steps = changes(got)
    assert np.mean(steps[25:60]) > 1
    assert max(steps[68:84]) < 0.5
    assert all((got.luma[n] > 100).mean() > 0.02 for n in got.shown(1, 3.4))


def test_dark_scene_is_dark_and_not_black(clip: Path, tmp_path: Path) -> None:
    _, got = made("dark_scene", clip, tmp_path / "o.mkv")
    for n in got.shown(1, 3.4):
        level = (got.luma[n] - 16) / 219
        assert np.percentile(level, 85) < 0.15
        assert (level > 0.1).mean() > 0.05


def test_static_camera_keeps_a_small_mover(clip: Path, tmp_path: Path) -> None:
    _, got = made("static_camera", clip, tmp_path / "o.mkv", noise="0", timecode="false")
    window = got.shown(1.04, 3.36)
    spread = np.stack([got.luma[n] for n in window]).std(axis=0)
    assert spread[24, 32] > 5
    assert 0.05 < (spread > 4).mean() < 0.3


def test_quiet_passage_is_quiet_and_smooth(tone: Path, tmp_path: Path) -> None:
    _, got = made("quiet_passage", tone, tmp_path / "o.wav", peak_dbfs="-50")
    assert 20 * np.log10(np.abs(got.heard(1.6, 2.8)).max()) == pytest.approx(-50, abs=0.3)
    levels = np.abs(got.sound[0][0, : 48000 * 4].reshape(-1, 960)).max(axis=1)
    assert np.abs(np.diff(20 * np.log10(levels))).max() < 5


def test_staccato_decays_and_never_starts_at_once(tone: Path, tmp_path: Path) -> None:
    _, got = made("staccato", tone, tmp_path / "o.wav", period_s="0.4", decay_ms="40")
    levels = np.abs(got.heard(1, 3.4)[0].reshape(-1, 480)).max(axis=1).reshape(6, 40)
    assert (levels[:, 0] > 0.1).all()
    assert (levels[:, -1] < 0.001).all()
    assert (np.diff(levels[:, 1:30], axis=1) < 0.005).all()


def test_loud_mastering_stays_below_its_ceiling(tone: Path, tmp_path: Path) -> None:
    _, got = made("loud_mastered", tone, tmp_path / "o.wav", gain_db="18")
    inside = got.heard(1, 3.4)
    ceiling = 10 ** (-0.3 / 20)
    assert 0.9 * ceiling < np.abs(inside).max() <= ceiling + 1 / 32768
    # A wave that is cut off would rest at its peak.
    assert (np.abs(inside[0]) > ceiling - 1e-4).sum() < inside.shape[1] / 50
