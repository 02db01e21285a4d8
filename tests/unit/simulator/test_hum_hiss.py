from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.simulator.clips import RATE
from tests.unit.simulator.windows import END, START, clean, db, made, power, window


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("hum", {"shape": "dimmer", "modulation": "0.8"}),
        ("hiss", {"colour": "pink"}),
        ("hiss", {"colour": "codec"}),
    ],
    ids=["hum", "pink", "codec"],
)
def test_what_is_added_has_the_level_that_the_label_says(
    chord: Path, tmp_path: Path, name: str, given: dict[str, str]
) -> None:
    labels, _, added = made(name, chord, tmp_path, snr_db="17", fade_ms="0", **given)
    (defect,) = labels.defects
    assert (defect.defect, defect.start_s, defect.end_s) == (name, START, END)
    assert not added[:, : round(START * RATE)].any()
    assert not added[:, round(END * RATE) :].any()
    programme = db(window(clean(chord))[0])
    levels = [db(channel) for channel in window(added)]
    # The tone never pauses, so that its active level is its level, and its first channel is the loudest.
    assert defect.strength["snr_db"] == 17
    assert defect.strength["level_dbfs"] == pytest.approx(programme - 17, abs=0.02)
    assert max(levels) == pytest.approx(programme - 17, abs=0.1)
    assert min(levels) == pytest.approx(programme - 17, abs=0.2)


def test_noise_comes_and_goes_smoothly(chord: Path, tmp_path: Path) -> None:
    _, _, added = made("hum", chord, tmp_path, level_dbfs="-20", fade_ms="500")
    levels = np.abs(window(added)[0].reshape(40, -1)).max(axis=1)
    assert levels[0] < 0.1 * levels[20] > levels[-1] * 0.9
    assert 0.3 < levels[5] / levels[20] < 0.7


@pytest.mark.parametrize("shape", ["induction", "transformer", "rectifier", "dimmer", "ground_loop"])
def test_hum_has_the_harmonics_of_its_mains(chord: Path, tmp_path: Path, shape: str) -> None:
    given = {"mains_hz": "60", "drift_hz": "0", "modulation": "0", "level_dbfs": "-20"}
    _, _, added = made("hum", chord, tmp_path, shape=shape, **given)
    one_second = added[0, round(1.5 * RATE) :][:RATE]
    lines = np.abs(np.fft.rfft(one_second)) / RATE * 2
    harmonics = lines[60 : 60 * 61 : 60]
    odd, even = np.square(harmonics[::2]).sum(), np.square(harmonics[1::2]).sum()
    assert np.square(harmonics).sum() > 0.9 * np.square(lines).sum()
    expected = {"induction": odd > 20 * even, "transformer": odd > 1e4 * even, "rectifier": even > 1e4 * odd}
    assert expected.get(shape, odd > 3 * even)
    assert bool(harmonics[20:].max() > 0.02 * harmonics.max()) is (shape in ("rectifier", "dimmer", "ground_loop"))


def test_mains_wander_within_their_drift(chord: Path, tmp_path: Path) -> None:
    _, _, added = made("hum", chord, tmp_path, shape="induction", drift_hz="0.8", modulation="0", level_dbfs="-10")
    inside = window(added)[0, 4800:-4800]
    t = np.arange(len(inside)) / RATE
    # Of whole periods of 50 Hz, so that the image at 100 Hz averages out.
    turning = (inside * np.exp(-2j * np.pi * 50 * t)).reshape(-1, 9600).mean(axis=1)
    deviation = np.diff(np.unwrap(np.angle(turning))) / (2 * np.pi * 0.2)
    assert np.abs(deviation).max() <= 0.81
    assert np.ptp(deviation) > 0.02 or np.abs(deviation).min() > 0.02


def test_hiss_has_its_colour_and_is_independent_in_each_channel(chord: Path, tmp_path: Path) -> None:
    slopes = {}
    for colour in ("white", "pink", "tape"):
        _, _, added = made("hiss", chord, tmp_path, colour=colour, level_dbfs="-20")
        inside = window(added)
        slopes[colour] = power(inside[0], 7000, 9000) - power(inside[0], 900, 1100)
        assert abs(np.corrcoef(inside)[0, 1]) < 0.05
    assert slopes["white"] == pytest.approx(0, abs=1)
    assert slopes["pink"] == pytest.approx(-9, abs=1)
    assert slopes["tape"] == pytest.approx(8.5, abs=1.5)


def test_codec_noise_opens_and_shuts_in_bands(chord: Path, tmp_path: Path) -> None:
    _, _, added = made("hiss", chord, tmp_path, colour="codec", level_dbfs="-20")
    frames = window(added)[0].reshape(-1, 1920) * np.hanning(1920)
    band = np.square(np.abs(np.fft.rfft(frames, axis=1)))[:, 200:270].mean(axis=1)
    is_open = band > band.max() / 100
    assert 0.15 < is_open.mean() < 0.85
    assert power(window(added)[0], 17000, 20000) < power(window(added)[0], 1200, 1700) - 40
