from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.errors import UsageError
from glasswatch.simulator import simulate
from tests.unit.simulator.clips import RATE, decode
from tests.unit.simulator.windows import clean, db, made, window


@pytest.mark.parametrize("mode", ["single", "train", "vinyl"])
def test_impulses_lie_inside_their_labels_and_are_as_high_as_they_say(chord: Path, tmp_path: Path, mode: str) -> None:
    labels, _, added = made("clicks", chord, tmp_path, mode=mode, peak_db="6", rate_hz="10", count="2", seed=4)
    labelled = np.zeros(added.shape[1], bool)
    for defect in labels.defects:
        first, last = round(defect.start_s * RATE), round(defect.end_s * RATE)
        labelled[first:last] = True
        assert 20 * np.log10(np.abs(added[:, first:last]).max()) == pytest.approx(
            defect.strength["peak_dbfs"], abs=0.05
        )
        assert defect.strength["peak_db"] == pytest.approx(6, abs=0 if mode != "vinyl" else 12)
    assert added.any()
    assert not added[:, ~labelled].any()
    assert sum(d.strength["clicks"] for d in labels.defects) == pytest.approx(2 if mode == "single" else 20, abs=8)


def test_a_train_is_regular_and_vinyl_is_not(chord: Path, tmp_path: Path) -> None:
    spread = {}
    for mode in ("train", "vinyl"):
        _, _, added = made("clicks", chord, tmp_path, mode=mode, rate_hz="10", peak_db="8", seed=1)
        heard = np.flatnonzero(np.abs(added[0]) > 0.01)
        begins = heard[np.flatnonzero(np.diff(heard, prepend=-RATE) > RATE // 50)]
        heights = [np.abs(added[0, b : b + 240]).max() for b in begins]
        spread[mode] = (np.std(np.diff(begins)) / np.mean(np.diff(begins)), np.std(heights) / np.mean(heights))
    assert max(spread["train"]) < 0.05
    assert min(spread["vinyl"]) > 0.3


def test_a_slip_is_late_for_a_while_and_labelled_at_its_joins(chord: Path, tmp_path: Path) -> None:
    labels, got, _ = made("clicks", chord, tmp_path, mode="slip", count="1", slip_samples="30", least_step_db="0")
    before = clean(chord)
    out, late = got.sound[0], np.roll(before, 30, axis=1)
    joins = np.flatnonzero(np.diff((out != before).any(axis=0).astype(int)))
    (defect,) = labels.defects
    assert np.where((out == before).all(axis=0), True, (out == late).all(axis=0)).all()
    assert round(defect.start_s * RATE) == joins[0]
    assert round(defect.end_s * RATE) == joins[-1] + 2
    assert defect.strength["clicks"] == 2
    active = db(window(before)[0])
    step = np.abs(out[0, joins[0] + 1] - out[0, joins[0]])
    assert 20 * np.log10(step) >= active - 0.01


@pytest.mark.parametrize("conceal", ["zero", "repeat"])
def test_lost_packets_have_their_length_and_hard_edges(chord: Path, tmp_path: Path, conceal: str) -> None:
    given = {"mode": "packet_loss", "conceal": conceal, "length_ms": "37.5", "count": "1"}
    labels, got, _ = made("clicks", chord, tmp_path, **given)
    before = clean(chord)
    expected = before.copy()
    clicks = [d for d in labels.defects if d.defect == "clicks"]
    assert len(clicks) == 1
    for defect in clicks:
        first, last = round(defect.start_s * RATE), round(defect.end_s * RATE)
        assert last - first == 1800
        expected[:, first:last] = 0 if conceal == "zero" else before[:, first - 1800 : last - 1800]
    assert np.array_equal(got.sound[0], expected)
    # A hole of zeros is what the catalogue calls a dropout.
    dropouts = [(d.start_s, d.end_s) for d in labels.defects if d.defect == "dropout"]
    assert dropouts == ([(d.start_s, d.end_s) for d in clicks] if conceal == "zero" else [])


def test_spliced_packets_keep_the_length(chord: Path, tmp_path: Path) -> None:
    labels, got, _ = made("clicks", chord, tmp_path, mode="packet_loss", conceal="splice", length_ms="20")
    before = clean(chord)
    late = np.roll(before, 960, axis=1)
    assert got.sound[0].shape == before.shape
    assert ((got.sound[0] == before) | (got.sound[0] == late)).all()
    assert sum(d.strength["clicks"] for d in labels.defects) == 6
    with pytest.raises(UsageError, match="too short"):
        made("clicks", chord, tmp_path, mode="packet_loss", length_ms="200", count="3")


def test_cuts_wait_for_a_step(chord: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was changed"):
        made("clicks", chord, tmp_path, mode="slip", least_step_db="15")


@pytest.mark.parametrize(("suffix", "codec"), [(".ts", "aac"), (".mp4", "libmp3lame"), (".mkv", "libopus")])
def test_labels_hold_behind_a_real_codec(chord: Path, tmp_path: Path, suffix: str, codec: str) -> None:
    given = {"peak_db": "20", "count": "2", "audio_codec": codec, "audio_bit_rate": "192000"}
    labels = simulate("clicks", chord, tmp_path / f"o{suffix}", start_s=1, duration_s=3, settings=given, seed=2)
    got = decode(tmp_path / f"o{suffix}")
    sharp = np.abs(np.diff(got.sound[0][0], 2))
    clicks = [d for d in labels.defects if d.defect == "clicks"]
    assert clicks
    for defect in clicks:
        first = round((defect.start_s - float(got.starts[0])) * RATE)
        near = sharp[first - 4800 : first + 4800]
        assert abs(int(near.argmax()) - 4800) < 0.005 * RATE
        assert near.max() > 5 * np.median(near)
