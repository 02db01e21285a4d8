from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.simulator import injectors, simulate
from glasswatch.simulator.effects.ambience_negatives import INJECTORS as AMBIENCE
from glasswatch.simulator.effects.instrument_negatives import INJECTORS as INSTRUMENTS
from glasswatch.simulator.effects.played import Played
from glasswatch.simulator.sound import Loudest
from tests.unit.simulator.clips import RATE, Decoded, decode, make_clip

Wave = npt.NDArray[np.floating]
EVERY = sorted(i.name for i in (*AMBIENCE, *INSTRUMENTS))
PLAYED = [name for name in EVERY if isinstance(injectors()[name].effect, type) and name != "telephone_voice"]
START, END = 1.0, 3.0


def made(name: str, source: Path, folder: Path, *, end: float = END, **given: str) -> Decoded:
    target = folder / "o.mkv"
    given = {"audio_codec": "pcm_s16le"} | given
    labels = simulate(name, source, target, start_s=START, duration_s=end - START, settings=given)
    assert labels.negative
    assert labels.defects == ()
    assert (labels.start_s, labels.end_s) == (START, end)
    return decode(target)


def lines(wave: Wave) -> Wave:
    return np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) / len(wave) * 4


def level_dbfs(wave: Wave) -> float:
    meter = Loudest(RATE)
    meter.add(wave.astype(np.float32))
    return float(10 * np.log10(meter.active))


@pytest.mark.parametrize("name", PLAYED)
def test_what_plays_replaces_the_programme_and_never_clips(chord: Path, tmp_path: Path, name: str) -> None:
    got, clean = made(name, chord, tmp_path, end=2.25, level_dbfs="-3"), decode(chord)
    assert np.array_equal(got.heard(0, START), clean.heard(0, START))
    assert np.array_equal(got.heard(2.25, 4), clean.heard(2.25, 4))
    # Without the fades.
    inside, before = got.heard(1.05, 2.2), clean.heard(1.05, 2.2)
    assert abs(np.corrcoef(inside[0], before[0])[0, 1]) < 0.1
    assert 0.3 < np.abs(inside).max() <= 0.975


@pytest.mark.parametrize("name", PLAYED)
def test_what_plays_has_the_level_asked_for(quiet: Path, tmp_path: Path, name: str) -> None:
    got = made(name, quiet, tmp_path, end=2.25, level_dbfs="-30", fade_ms="5")
    assert level_dbfs(got.heard(START, 2.25)) == pytest.approx(-30, abs=0.5)


@pytest.mark.parametrize("name", ["castanets", "surf"])
def test_the_programme_goes_on_below(chord: Path, tmp_path: Path, name: str) -> None:
    got = made(name, chord, tmp_path, programme_db="-6", level_dbfs="-35")
    clean = decode(chord)
    a, b = (w.heard(1.5, 2.5)[0].astype(np.float64) for w in (got, clean))
    assert 20 * np.log10((a * b).sum() / (b * b).sum()) == pytest.approx(-6, abs=0.2)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("quiet") / "in.mkv", picture=False, peak=0)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    return {
        layout: make_clip(folder / f"{layout}.mkv", picture=False, layouts=(layout,), rate=rate)
        for layout, rate in (("mono", 8000), ("5.1", 32000))
    }


@pytest.mark.parametrize(
    ("name", "layout"), [*((name, "mono") for name in EVERY), ("telephone_voice", "5.1"), ("surf", "5.1")]
)
def test_any_rate_and_layout(sources: dict[str, Path], tmp_path: Path, name: str, layout: str) -> None:
    source, target = sources[layout], tmp_path / "o.mkv"
    simulate(name, source, target, start_s=1, duration_s=0.4, settings={"audio_codec": "pcm_s16le"})
    got, clean = decode(target), decode(source)
    assert got.sound[0].shape == clean.sound[0].shape
    assert all((a != b).any() for a, b in zip(got.sound[0], clean.sound[0], strict=True))


def test_a_driven_guitar_has_more_harmonics_and_no_treble(chord: Path, tmp_path: Path) -> None:
    rich = {}
    for drive in (0, 36):
        inside = made("electric_guitar", chord, tmp_path, drive_db=str(drive)).heard(1.1, 2.9)[0]
        power = np.square(lines(inside))
        hz = RATE / len(inside)
        rich[drive] = power[round(1500 / hz) : round(5000 / hz)].sum() / power.sum()
        # Behind a loudspeaker: neither aliases of the saturation nor clicks.
        assert power[round(14000 / hz) :].sum() < 1e-6 * power.sum()
    assert rich[36] > 3 * rich[0]


@pytest.mark.parametrize("note", [50, 60])
def test_bass_notes_lie_on_the_mains_and_end(chord: Path, tmp_path: Path, note: int) -> None:
    inside = made("synth_bass", chord, tmp_path, note_hz=str(note), note_s="0.6").heard(1.1, 2.9)[0]
    hz = RATE / len(inside)
    low = lines(inside)[: round(130 / hz)]
    assert low.argmax() * hz == pytest.approx(note, abs=2)
    envelope = np.abs(inside[: len(inside) // 960 * 960].reshape(-1, 960)).max(axis=1)
    assert envelope.min() < 0.3 * envelope.max()


def test_a_telephone_passes_speech_band_only(quiet: Path, tmp_path: Path) -> None:
    noisy = tmp_path / "noisy.mkv"
    simulate(
        "hiss", quiet, noisy, start_s=0.0, duration_s=4, settings={"level_dbfs": "-20", "audio_codec": "pcm_s16le"}
    )
    inside = made("telephone_voice", noisy, tmp_path).heard(1.1, 2.9)[0]
    power, hz = np.square(lines(inside)), RATE / len(inside)

    def density(low: float, high: float) -> float:
        return float(10 * np.log10(power[round(low / hz) : round(high / hz)].mean()))

    speech = density(1400, 3000)
    assert density(3200, 3400) == pytest.approx(speech, abs=3)
    assert density(280, 320) == pytest.approx(speech - 3, abs=3)
    assert density(60, 110) < speech - 12
    assert density(4300, 20000) < speech - 40
    clean = decode(noisy).heard(1.1, 2.9)[0]
    cross = np.fft.irfft(np.fft.rfft(clean).conj() * np.fft.rfft(inside), len(clean))
    late = (int(np.abs(cross).argmax()) + len(clean) // 2) % len(clean) - len(clean) // 2
    assert abs(late) <= 0.0005 * RATE


def test_surf_swells_and_rain_does_not(chord: Path, tmp_path: Path) -> None:
    swing = {}
    for name, given in (("surf", {"period_s": "2"}), ("rain", {})):
        inside = made(name, chord, tmp_path, **given).heard(1.1, 2.9)[0]
        levels = 10 * np.log10(np.square(inside.reshape(9, -1)).mean(axis=1))
        swing[name] = np.ptp(levels)
    assert swing["surf"] > 6 > swing["rain"]


@pytest.mark.parametrize("name", ["castanets", "footsteps", "glockenspiel"])
def test_struck_things_are_sharp_and_die_away(chord: Path, tmp_path: Path, name: str) -> None:
    inside = made(name, chord, tmp_path, **({} if name == "footsteps" else {"beat_s": "0.5"})).heard(1.1, 2.9)[0]
    cells = np.abs(inside[: len(inside) // 240 * 240].reshape(-1, 240)).max(axis=1)
    rise = cells[1:] / np.maximum(cells[:-1], 1e-4)
    assert rise.max() > 3
    # Nothing falls as fast as it rises.
    assert (cells[:-1] / np.maximum(cells[1:], 1e-3)).max() < rise.max()


def test_played_sounds_are_what_the_base_class_rehearses() -> None:
    assert all(issubclass(injectors()[name].effect, Played) for name in PLAYED)
    assert len(PLAYED) == len(EVERY) - 1
