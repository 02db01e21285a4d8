from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.detectors.audio.mains import Hum, hum_edge, hum_of

RATE = 48_000
Floats = npt.NDArray[np.float64]


def tones(partials: Mapping[float, float], rate: int = RATE, seed: int = 3) -> Floats:
    """A second of sines, RMS dBFS by frequency, over noise at -80 dBFS."""
    t = np.arange(rate) / rate
    rng = np.random.default_rng(seed)
    noise = 1e-4 * rng.standard_normal(rate)
    sines = [
        np.sqrt(2) * 10 ** (db / 20) * np.sin(2 * np.pi * hz * t + rng.uniform(0, 6)) for hz, db in partials.items()
    ]
    return noise + np.sum(sines, axis=0)


def heard(samples: Floats) -> Hum | None:
    return hum_of(samples.astype(np.float32), len(samples))


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000, 96000, 192000])
@pytest.mark.parametrize("mains", [49.6, 50.0, 50.31, 59.97, 60.4])
def test_measures_frequency_and_level_at_any_rate(rate: int, mains: float) -> None:
    found = heard(tones({mains: -40, 2 * mains: -43, 3 * mains: -46}, rate))
    assert found is not None
    assert found.frequency_hz == pytest.approx(mains, abs=0.05)
    assert found.level_dbfs == pytest.approx(10 * np.log10(10**-4 + 10**-4.3 + 10**-4.6), abs=0.3)
    assert found.partials == 3


@pytest.mark.parametrize("first", [50.0, 100.0, 60.0, 120.0], ids=str)
def test_one_partial_is_enough_where_the_mains_are_strongest(first: float) -> None:
    found = heard(tones({first: -40}))
    assert found is not None
    assert found.level_dbfs == pytest.approx(-40, abs=0.3)


def test_finds_hum_below_louder_music() -> None:
    chord = {220.0: -25.0, 277.2: -25.0, 329.6: -25.0, 440.0: -30.0}
    found = heard(tones({**chord, 50.02: -45, 150.06: -48, 250.1: -50, 350.14: -53}))
    assert found is not None
    assert found.frequency_hz == pytest.approx(50.02, abs=0.05)


@pytest.mark.parametrize(
    "note", [41.20, 43.65, 46.25, 48.999, 51.913, 55.0, 58.270, 61.735, 65.406, 97.999, 116.54, 123.47]
)
@pytest.mark.parametrize("overtones", [(0,), (0, -6, -9, -12, -14)], ids=["sine", "rich"])
def test_notes_beside_the_mains_are_no_hum(note: float, overtones: tuple[float, ...]) -> None:
    assert heard(tones({note * n: -20 + db for n, db in enumerate(overtones, 1)})) is None


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_hum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert heard(0.1 * rng.standard_normal(RATE)) is None


@pytest.mark.parametrize(
    "envelope",
    [
        pytest.param(lambda t: (t % 0.5 < 0.3).astype(float), id="half-second notes"),
        pytest.param(lambda t: (t > 0.35).astype(float), id="begins"),
        pytest.param(lambda t: (t < 0.6).astype(float), id="ends"),
        pytest.param(lambda t: np.exp(-t / 0.4), id="dies away"),
    ],
)
def test_a_bass_note_at_the_very_frequency_comes_and_goes(envelope: object) -> None:
    assert callable(envelope)
    t = np.arange(RATE) / RATE
    assert heard(tones({50.0: -20, 100.0: -26, 150.0: -30}) * envelope(t)) is None


def test_hum_that_swells_a_little_is_hum() -> None:
    t = np.arange(RATE) / RATE
    swell = 1 + 0.2 * np.sin(2 * np.pi * 1.7 * t)
    assert heard(tones({60.0: -35, 180.0: -40, 300.0: -44}) * swell) is not None


def test_silence_is_no_hum() -> None:
    assert heard(np.zeros(RATE)) is None


def spans(seconds: float, start_s: float, end_s: float, rate: int = RATE, hz: float = 50.1) -> npt.NDArray[np.float32]:
    """Hum at -40 dBFS between these times, with noise at -50 dBFS and a note of 146.8 Hz throughout."""
    t = np.arange(round(seconds * rate)) / rate
    comb = sum(10 ** (-43 / 20) * np.sin(2 * np.pi * n * hz * t + n) for n in (1, 2, 3))
    inside = (t >= start_s) & (t < end_s)
    noise = 10 ** (-50 / 20) * np.random.default_rng(8).standard_normal(t.size)
    return np.asarray(comb * inside + noise + 0.02 * np.sin(2 * np.pi * 146.8 * t), np.float32)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("at_s", [0.04, 0.31, 0.77, 0.98])
def test_finds_where_hum_begins_and_ends(rate: int, at_s: float) -> None:
    begins, ends = spans(2, at_s, 9, rate), spans(2, -1, 1 + at_s, rate)
    onset, end = hum_edge(begins, rate, begins=True), hum_edge(ends, rate, begins=False)
    assert onset is not None
    assert end is not None
    assert onset / rate == pytest.approx(at_s, abs=0.06)
    assert end / rate == pytest.approx(1 + at_s, abs=0.06)


def test_hum_that_is_there_all_the_time_has_its_edges_at_the_ends() -> None:
    whole = spans(2, -1, 9)
    assert hum_edge(whole, RATE, begins=True) == 0
    assert hum_edge(whole, RATE, begins=False) == len(whole)


def test_where_nothing_hums_there_is_no_edge() -> None:
    assert hum_edge(spans(2, 9, 9), RATE, begins=True) is None
    assert hum_edge(spans(2, 1.5, 9), RATE, begins=False) is None
