from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasswatch.core.errors import UsageError
from glasswatch.simulator import Defect, simulate
from glasswatch.simulator.effects.stream import KINDS
from tests.unit.simulator.clips import Decoded, decode

PACKET = 188


def damaged(clip: Path, target: Path, mode: str, **settings: Any) -> Defect:
    words = {"mode": mode, "gop": "25", **{k: str(v) for k, v in settings.items()}}
    (defect,) = simulate("stream_error", clip, target, start_s=1.3, duration_s=1, settings=words).defects
    assert (defect.defect, defect.kind) == ("stream_error", KINDS[mode])
    return defect


def counter_errors(path: Path) -> int:
    data = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, PACKET)
    assert (data[:, 0] == 0x47).all()
    pids = (data[:, 1].astype(int) & 0x1F) << 8 | data[:, 2]
    errors = 0
    for pid in np.unique(pids):
        rows = data[(pids == pid) & (data[:, 3] & 0x10 > 0)]
        steps = np.diff(rows[:, 3].astype(int) & 0xF) % 16
        errors += int((steps != 1).sum())
    return errors


@pytest.fixture(scope="module")
def clean(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Decoded:
    target = tmp_path_factory.mktemp("clean") / "o.ts"
    simulate("silence", clip, target, start_s=0, duration_s=0.1, settings={"gop": "25"})
    return decode(target)


def test_packet_loss_breaks_counters_and_pictures_inside_the_label_only(
    clip: Path, tmp_path: Path, clean: Decoded
) -> None:
    defect = damaged(clip, tmp_path / "o.ts", "packet_loss", every=7)
    assert counter_errors(tmp_path / "o.ts") == pytest.approx(defect.strength["ts_packets_lost"], abs=2)
    got = decode(tmp_path / "o.ts")
    before, recovered = got.shown(0, defect.start_s), defect.start_s + defect.strength["recovery_s"]
    pictures = dict(zip(clean.times, clean.luma, strict=True))
    assert all(np.array_equal(got.luma[n], pictures[got.times[n]]) for n in before)
    assert all(np.array_equal(got.luma[n], pictures[got.times[n]]) for n in got.shown(recovered, 9))
    assert not all(np.array_equal(got.luma[n], pictures[got.times[n]]) for n in got.shown(defect.start_s, recovered))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_bit_flips(clip: Path, tmp_path: Path, suffix: str) -> None:
    defect = damaged(clip, tmp_path / f"o{suffix}", "bit_flips", every=3)
    got = decode(tmp_path / f"o{suffix}")
    assert 1.3 <= defect.start_s < defect.end_s < 2.4
    assert defect.strength["flipped_bits"] == 4 * defect.strength["packets_damaged"] > 0
    assert got.times[-1] > 3.9


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_truncation_ends_where_the_label_begins(clip: Path, tmp_path: Path, suffix: str) -> None:
    defect = damaged(clip, tmp_path / f"o{suffix}", "truncation")
    got = decode(tmp_path / f"o{suffix}")
    assert defect.end_s == pytest.approx(4, abs=0.06)
    assert 1.2 < defect.start_s < 1.4
    heard = float(got.starts[0]) + got.sound[0].shape[1] / got.rates[0]
    assert defect.start_s - 0.05 < max(heard, float(got.times[-1])) < defect.start_s + 0.2


@pytest.mark.parametrize(("mode", "jump"), [("pts_jump", 7), ("pts_backward", -7)])
def test_timestamps_jump_at_the_label(clip: Path, tmp_path: Path, clean: Decoded, mode: str, jump: int) -> None:
    defect = damaged(clip, tmp_path / "o.ts", mode, jump_s=7)
    got = decode(tmp_path / "o.ts")
    steps = np.diff([float(t) for t in got.times])
    (at,) = np.flatnonzero(np.abs(steps) > 1)
    assert steps[at] == pytest.approx(jump + 0.04, abs=1e-4)
    assert float(clean.times[at + 1]) == pytest.approx(defect.start_s)
    assert len(got.luma) == len(clean.luma)
    assert counter_errors(tmp_path / "o.ts") == 0


def test_missing_start_begins_without_a_key_frame(clip: Path, tmp_path: Path) -> None:
    defect = damaged(clip, tmp_path / "o.ts", "missing_start")
    got = decode(tmp_path / "o.ts")
    assert defect.start_s == 0
    assert 0.3 < defect.end_s == pytest.approx(float(got.times[0]), abs=1e-4)


def test_transport_errors_need_a_transport_stream(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.ts"):
        damaged(clip, tmp_path / "o.mp4", "packet_loss")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("stream", ["audio", "video"])
@pytest.mark.parametrize("edge", ["start", "end"])
def test_av_length(clip: Path, tmp_path: Path, stream: str, edge: str, suffix: str) -> None:
    settings = {"preset": "ultrafast", "stream": stream, "edge": edge, "by_s": "0.9"}
    (defect,) = simulate("av_length", clip, tmp_path / f"o{suffix}", settings=settings).defects
    assert (defect.kind, defect.track) == (edge, 0 if stream == "audio" else None)
    got = decode(tmp_path / f"o{suffix}")
    picture = (float(got.times[0]), float(got.times[-1]) + 0.04)
    sound = (float(got.starts[0]), float(got.starts[0]) + got.sound[0].shape[1] / 48000)
    short, whole = (sound, picture) if stream == "audio" else (picture, sound)
    frame = 1024 / 48000 + 0.001
    if edge == "start":
        assert short[0] == pytest.approx(defect.end_s, abs=0.001)
        assert (defect.start_s, whole[0]) == (0, pytest.approx(0, abs=0.001))
    else:
        assert short[1] == pytest.approx(defect.start_s, abs=frame)
        assert whole[1] == pytest.approx(defect.end_s, abs=frame)
    assert defect.strength["missing_s"] == pytest.approx(0.9, abs=0.041)
