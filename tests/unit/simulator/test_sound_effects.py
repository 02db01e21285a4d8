from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glasswatch.core.errors import UsageError
from glasswatch.simulator import injectors, simulate
from glasswatch.simulator.effect import Scene
from glasswatch.simulator.media import Sound
from glasswatch.simulator.settings import parse
from glasswatch.simulator.soundcoding import SoundCodec, recoded, resampled
from glasswatch.simulator.source import survey
from glasswatch.simulator.synthesis import Mixer, OnePole
from tests.unit.simulator.clips import RATE, decode, make_clip
from tests.unit.simulator.windows import Wave, clean, db, made, window


def test_silence_has_no_ratio(tmp_path: Path) -> None:
    quiet = make_clip(tmp_path / "in.mkv", picture=False, peak=0)
    for name, text in (("hiss", "level_dbfs in place"), ("distortion", "silent"), ("clicks", "silent")):
        with pytest.raises(UsageError, match=text):
            made(name, quiet, tmp_path)
    labels, _, added = made("hiss", quiet, tmp_path, level_dbfs="-50")
    assert labels.defects[0].strength == {"level_dbfs": -50}
    assert db(window(added)) == pytest.approx(-50, abs=0.3)


@pytest.mark.parametrize("name", ["hum", "hiss", "distortion", "clicks"])
def test_one_channel_alone(chord: Path, tmp_path: Path, name: str) -> None:
    _, _, added = made(name, chord, tmp_path, channels="FR")
    assert not added[0].any()
    assert added[1].any()
    with pytest.raises(UsageError, match="no channel is called LFE"):
        made(name, chord, tmp_path, channels="LFE")


def played(name: str, source: Path, chunks: list[int], seed: int, **given: str) -> Wave:
    """The window as an effect makes it of blocks of those lengths."""
    media = survey(source)
    injector = injectors()[name]
    chosen = parse(injector.settings, name, given)
    scene = Scene(source, media, Fraction(1), Fraction(2), np.random.default_rng(seed))
    effect = injector.effect(chosen, scene)
    samples = clean(source)
    done, at, n = [], RATE - 100, 0
    while at < 2 * RATE + 100:
        length = chunks[n % len(chunks)]
        out = effect.sound(Sound(0, at, samples[:, at : at + length], media.audio[0]))
        assert out is not None
        done.append(out.samples)
        at, n = at + length, n + 1
    assert effect.defects() or injector.negative
    return np.concatenate(done, axis=1)[:, : RATE + 200]


CASES: list[tuple[str, dict[str, Any]]] = [
    ("hum", {}),
    ("hiss", {"colour": "codec"}),
    ("clicks", {"mode": "vinyl", "rate_hz": "20"}),
    ("clicks", {"mode": "slip"}),
    ("clicks", {"mode": "packet_loss", "conceal": "repeat", "length_ms": "30"}),
    ("distortion", {"mode": "intermodulation"}),
    ("distortion", {"mode": "codec"}),
    ("rain", {}),
]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CASES), st.lists(st.integers(1, 9000), min_size=1, max_size=6).filter(lambda c: sum(c) > 600))
def test_blocks_of_any_length_give_the_same_sound(
    chord: Path, case: tuple[str, dict[str, Any]], chunks: list[int]
) -> None:
    name, given = case
    whole = played(name, chord, [2 * RATE], 3, **given)
    assert np.allclose(played(name, chord, chunks, 3, **given), whole, atol=1e-6)


@pytest.mark.parametrize("name", ["hum", "hiss", "distortion", "clicks", "castanets", "telephone_voice"])
def test_tracks_of_any_rate_and_layout(tmp_path: Path, name: str) -> None:
    source = make_clip(tmp_path / "in.mkv", picture=False, layouts=("mono", "5.1"), rate=16000)
    given = {"audio_codec": "pcm_s16le"} | ({"mode": "alias"} if name == "distortion" else {})
    labels = simulate(name, source, tmp_path / "o.mkv", start_s=1, duration_s=1, settings=given)
    got, before = decode(tmp_path / "o.mkv"), decode(source)
    for track in (0, 1):
        assert got.sound[track].shape == before.sound[track].shape
        assert (got.sound[track] != before.sound[track]).any(axis=1).all()
    assert {d.track for d in labels.defects} == (set() if labels.negative else {0, 1})
    simulate(name, source, tmp_path / "o.mkv", start_s=1, duration_s=1, settings=given | {"track": "1"})
    assert np.array_equal(decode(tmp_path / "o.mkv").sound[0], before.sound[0])


def test_impulses_of_sound_that_begins_late_are_labelled_where_they_are(chord: Path) -> None:
    injector = injectors()["clicks"]
    chosen = parse(injector.settings, "clicks", {"count": "1"})
    scene = Scene(chord, survey(chord), Fraction(0), Fraction(2), np.random.default_rng(0))
    effect = injector.effect(chosen, scene)
    samples, late = clean(chord), RATE // 2
    sound = effect.sound(Sound(0, late, samples[:, late:], scene.media.audio[0]))
    assert sound is not None
    (defect,) = effect.defects()
    heard = np.flatnonzero((sound.samples != samples[:, late:]).any(axis=0))
    assert late + heard[0] == round(defect.start_s * RATE)


def test_a_mixer_sums_events_wherever_they_begin() -> None:
    events = [(-2, np.array([[9, 9, 1]])), (1, np.full((1, 4), 2)), (1, np.full((1, 1), 3)), (7, np.full((1, 2), 5))]
    mixer = Mixer(1, iter([(first, samples.astype(np.float32)) for first, samples in events]))
    heard = np.concatenate([mixer.take(n) for n in (2, 1, 5, 4)], axis=1)
    assert heard[0].tolist() == [1, 5, 2, 2, 2, 0, 0, 5, 5, 0, 0, 0]


def test_a_pole_passes_what_is_below_it_and_begins_at_rest() -> None:
    t = np.arange(8000) / 8000
    for hertz, gain in ((5, 1.0), (50, 0.5**0.5), (1000, 0.05)):
        low = OnePole(8000, 50, np.zeros(1)).low(np.sin(2 * np.pi * hertz * t)[None])
        assert np.abs(low[0, 4000:]).max() == pytest.approx(gain, abs=0.02)
    assert OnePole(8000, 50, np.array([0.3])).low(np.full((1, 999), 0.3)) == pytest.approx(0.3)


@pytest.mark.parametrize("codec", get_args(SoundCodec))
@pytest.mark.parametrize(("rate", "count"), [(8000, 5000), (44100, 30011), (96000, 40000), (48000, 1)])
def test_coding_keeps_rate_length_and_time(codec: SoundCodec, rate: int, count: int) -> None:
    # A chirp, which no shift resembles, within the band of a telephone.
    t = np.arange(count) / rate
    sound = 0.3 * np.sin(2 * np.pi * (400 * t + 900 * t * t)).astype(np.float32)[None]
    blocks = [sound[:, first : first + 700] for first in range(0, count, 700)]
    coded = np.concatenate([*recoded(blocks, rate, codec, 32_000)], axis=1)
    assert coded.shape == sound.shape
    if count > 1:
        cross = np.fft.irfft(np.fft.rfft(sound[0]).conj() * np.fft.rfft(coded[0]), count)
        late = (int(cross.argmax()) + count // 2) % count - count // 2
        assert abs(late) <= 0.0002 * rate + 1
        assert 20 * np.log10(coded.std() / sound.std()) == pytest.approx(0, abs=1.5)


def test_resampling_passes_over_empty_blocks() -> None:
    blocks = [np.ones((1, n), np.float32) for n in (0, 5, 0, 995)]
    assert np.concatenate([*resampled(blocks, 8000, 16000)], axis=1).shape == (1, 2000)
