from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.errors import InputError, UsageError
from glasswatch.simulator import simulate
from glasswatch.simulator.loudness import integrated_lufs
from glasswatch.simulator.source import survey
from tests.unit.simulator.clips import decode, make_clip

WINDOW = {"start_s": 1.25, "duration_s": 1.0}


def test_silence_is_exactly_where_the_label_says(tone: Path, tmp_path: Path) -> None:
    (defect,) = simulate("silence", tone, tmp_path / "o.wav", **WINDOW).defects
    assert (defect.start_s, defect.end_s, defect.track) == (1.25, 2.25, 0)
    got, clean = decode(tmp_path / "o.wav"), decode(tone)
    assert not got.heard(1.25, 2.25).any()
    # What was not to be changed is the same to the last bit.
    assert np.array_equal(got.heard(0, 1.25), clean.heard(0, 1.25))
    assert np.array_equal(got.heard(2.25, 4), clean.heard(2.25, 4))


def test_silence_keeps_the_noise_asked_for(tone: Path, tmp_path: Path) -> None:
    simulate("silence", tone, tmp_path / "o.wav", settings={"level_dbfs": "-66"}, **WINDOW)
    peak = np.abs(decode(tmp_path / "o.wav").heard(1.25, 2.25)).max()
    assert 20 * np.log10(peak) == pytest.approx(-66, abs=0.6)


def test_every_dropout_has_a_label_on_the_channels_asked_for(tone: Path, tmp_path: Path) -> None:
    settings = {"length_ms": "12.5", "count": "4", "channels": "FR"}
    defects = simulate("dropout", tone, tmp_path / "o.wav", start_s=0.5, duration_s=3, settings=settings).defects
    got, clean = decode(tmp_path / "o.wav"), decode(tone)
    assert len(defects) == 4
    holes = np.zeros(got.sound[0].shape[1], bool)
    for defect in defects:
        assert defect.end_s - defect.start_s == pytest.approx(0.0125)
        holes[round(defect.start_s * 48000) : round(defect.end_s * 48000)] = True
    assert np.array_equal(got.sound[0][0], clean.sound[0][0])
    assert np.array_equal(got.sound[0][1], np.where(holes, 0, clean.sound[0][1]))


def test_dropouts_wait_for_sound(tmp_path: Path) -> None:
    quiet = make_clip(tmp_path / "in.wav", picture=False, peak=0.001)
    with pytest.raises(UsageError, match="nothing was changed"):
        simulate("dropout", quiet, tmp_path / "o.wav")
    assert not (tmp_path / "o.wav").exists()


def test_clipping_spans_the_clipped_samples(tone: Path, tmp_path: Path) -> None:
    (defect,) = simulate("clipping", tone, tmp_path / "o.wav", settings={"gain_db": "14"}, **WINDOW).defects
    got = decode(tmp_path / "o.wav")
    full = np.flatnonzero((np.abs(got.sound[0]) >= 32767 / 32768).any(axis=0))
    assert (full[0] / 48000, (full[-1] + 1) / 48000) == pytest.approx((defect.start_s, defect.end_s), abs=1e-9)
    assert 1.25 <= defect.start_s < defect.end_s <= 2.25
    assert 0.01 < defect.strength["clipped_fraction"] < 0.9


def test_clipping_that_clips_nothing_is_an_error(tone: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was changed"):
        simulate("clipping", tone, tmp_path / "o.wav", settings={"gain_db": "1"})


def test_programme_loudness_reaches_its_target(tone: Path, tmp_path: Path) -> None:
    labels = simulate("loudness", tone, tmp_path / "o.wav", settings={"target_lufs": "-18"})
    (defect,) = labels.defects
    output = tmp_path / "o.wav"
    assert integrated_lufs(output, survey(output), 0) == pytest.approx(-18, abs=0.1)
    assert defect.strength["programme_lufs"] == pytest.approx(-18)
    assert (defect.kind, defect.start_s, defect.end_s) == ("programme", 0, 4)


def test_loudness_jump(tone: Path, tmp_path: Path) -> None:
    settings = {"mode": "jump", "gain_db": "-12"}
    (defect,) = simulate("loudness", tone, tmp_path / "o.wav", settings=settings, **WINDOW).defects
    got = decode(tmp_path / "o.wav")
    ratio = got.heard(1.25, 2.25).std() / got.heard(2.25, 3.25).std()
    assert 20 * np.log10(ratio) == pytest.approx(-12, abs=0.1)
    assert (defect.kind, defect.start_s, defect.end_s) == ("jump", 1.25, 2.25)


@pytest.mark.parametrize(("mode", "expected"), [("inverted", -1), ("dual_mono", 1), ("dead_channel", 0)])
def test_phase(tone: Path, tmp_path: Path, mode: str, expected: int) -> None:
    (defect,) = simulate("phase", tone, tmp_path / "o.wav", settings={"mode": mode}, **WINDOW).defects
    left, right = decode(tmp_path / "o.wav").heard(1.25, 2.25)
    assert np.sign((left * right).sum()) == expected
    assert np.array_equal(left, right) is (mode == "dual_mono")
    assert right.any() or mode == "dead_channel"
    assert defect.kind == mode
    assert defect.strength.get("correlation", 0) == pytest.approx(expected, abs=1e-3)


def test_phase_needs_a_pair(tmp_path: Path) -> None:
    mono = make_clip(tmp_path / "in.wav", picture=False, layouts=("mono",))
    with pytest.raises(UsageError, match="1 channel"):
        simulate("phase", mono, tmp_path / "o.wav")


def test_only_the_chosen_track_is_touched(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", picture=False, layouts=("stereo", "5.1"))
    settings = {"track": "1", "audio_codec": "pcm_s16le"}
    (defect,) = simulate("silence", source, tmp_path / "o.mkv", settings=settings, **WINDOW).defects
    got, clean = decode(tmp_path / "o.mkv"), decode(source)
    assert defect.track == 1
    assert np.array_equal(got.sound[0], clean.sound[0])
    assert got.sound[1].shape == clean.sound[1].shape
    assert not got.heard(1.25, 2.25, track=1).any()
    with pytest.raises(UsageError, match="no audio track 2"):
        simulate("silence", source, tmp_path / "o.mkv", settings={"track": "2"})


def test_sound_is_needed(tmp_path: Path) -> None:
    mute = make_clip(tmp_path / "in.mkv", layouts=())
    with pytest.raises(InputError, match="needs audio"):
        simulate("silence", mute, tmp_path / "o.mkv")
