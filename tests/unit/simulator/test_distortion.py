from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.errors import UsageError
from glasswatch.simulator import simulate
from tests.unit.simulator.clips import RATE, make_clip
from tests.unit.simulator.windows import END, START, Wave, clean, db, made, window

BENT = ("hard", "soft", "crossover", "quantise", "mu_law", "intermodulation")


def ratio(clean: Wave, bent: Wave) -> float:
    r = np.square((clean * bent).mean()) / np.square(clean).mean() / np.square(bent).mean()
    return float(10 * np.log10(r / (1 - r)))


@pytest.mark.parametrize(("mode", "sdr_db"), [*zip(BENT, (8, 25, 8, 25, 12, 30), strict=True)])
def test_bent_waves_have_the_ratio_asked_for(chord: Path, tmp_path: Path, mode: str, sdr_db: float) -> None:
    labels, got, _ = made("distortion", chord, tmp_path, mode=mode, sdr_db=str(sdr_db))
    (defect,) = labels.defects
    before, bent = (window(w)[:, 960:-960].astype(np.float64) for w in (clean(chord), got.sound[0]))
    assert ratio(before, bent) == pytest.approx(defect.strength["sdr_db"], abs=0.3)
    assert ratio(before, bent) == pytest.approx(sdr_db, abs=1)
    assert db(bent) == pytest.approx(db(before), abs=0.5)
    assert np.abs(bent).max() <= 0.98


def test_intermodulation_makes_sums_and_differences(chord: Path, tmp_path: Path) -> None:
    _, _, added = made("distortion", chord, tmp_path, mode="intermodulation", sdr_db="12")
    inside = added[0, round(1.5 * RATE) :][:RATE]
    lines = np.abs(np.fft.rfft(inside * np.hanning(RATE)))
    floor = np.median(lines)
    assert all(lines[f] > 100 * floor for f in (880, 1234 - 440, 1234 + 440, 2468))
    assert lines[3 * 440] < lines[880] / 50


@pytest.mark.parametrize("codec", ["libmp3lame", "aac", "libopus"])
def test_a_starved_codec_keeps_the_time(chord: Path, tmp_path: Path, codec: str) -> None:
    noisy = tmp_path / "noisy.mkv"
    simulate(
        "hiss",
        chord,
        noisy,
        settings={"level_dbfs": "-30", "colour": "pink", "audio_codec": "pcm_s16le"},
        start_s=0.0,
        duration_s=4,
    )
    labels, got, added = made("distortion", noisy, tmp_path, mode="codec", codec=codec, codec_bit_rate="16000")
    assert not added[:, : round(START * RATE)].any()
    assert not added[:, round(END * RATE) :].any()
    before, coded = (window(w)[0, 9600:-9600].astype(np.float64) for w in (clean(noisy), got.sound[0]))
    cross = np.fft.irfft(np.fft.rfft(before).conj() * np.fft.rfft(coded), len(before))
    lag = (int(np.argmax(cross)) + len(before) // 2) % len(before) - len(before) // 2
    assert abs(lag) <= 5
    assert 3 < labels.defects[0].strength["sdr_db"] < 30
    assert db(coded) == pytest.approx(db(before), abs=3)


def test_wrong_rates(chord: Path, tmp_path: Path) -> None:
    _, got, _ = made("distortion", chord, tmp_path, mode="decimate", rate_hz="1500")
    inside = got.heard(1.1, 2.9)[0].astype(np.float64)
    # 48 kHz by 1.5 kHz: each sample is heard 32 times.
    assert set(np.diff(np.flatnonzero(np.diff(inside))).tolist()) == {32}
    _, got, _ = made("distortion", chord, tmp_path, mode="alias", rate_hz="1500")
    lines = np.abs(np.fft.rfft(got.sound[0][0, round(1.5 * RATE) :][:RATE] * np.hanning(RATE)))
    # 1234 Hz is above half the rate and comes back at 1500 - 1234 Hz; no images are left above.
    assert lines[266] > 0.3 * lines[440] * 3 / 7
    assert lines[1000:].max() < lines[266] / 30
    with pytest.raises(UsageError, match="rate_hz must be below"):
        made(
            "distortion",
            make_clip(tmp_path / "8k.mkv", picture=False, rate=8000),
            tmp_path,
            mode="alias",
            rate_hz="8000",
        )


def silenced(path: Path, start_s: float, end_s: float) -> Path:
    """The chord, digital silence between these times."""
    source = make_clip(path.with_suffix(".mkv"), picture=False)
    target = path.with_name(f"silenced-{path.name}.mkv")
    given = {"audio_codec": "pcm_s16le"}
    simulate("silence", source, target, start_s=start_s, duration_s=end_s - start_s, settings=given)
    return target


@pytest.mark.parametrize("mode", ["codec", "decimate", "alias", "hard"])
def test_silence_is_not_labelled(tmp_path: Path, mode: str) -> None:
    labels, *_ = made("distortion", silenced(tmp_path / "begin", 0.5, 1.75), tmp_path, mode=mode)
    assert [(d.start_s, d.end_s) for d in labels.defects] == [pytest.approx((1.75, END), abs=0.001)]
    labels, *_ = made("distortion", silenced(tmp_path / "end", 2.25, 3.5), tmp_path, mode=mode)
    assert [(d.start_s, d.end_s) for d in labels.defects] == [pytest.approx((START, 2.25), abs=0.001)]
    with pytest.raises(UsageError, match=r"nothing was changed|silent there"):
        made("distortion", silenced(tmp_path / "all", 0.5, 3.5), tmp_path, mode=mode)
