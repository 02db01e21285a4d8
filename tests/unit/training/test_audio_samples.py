from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from bench.sources import Source
from training.audio_artifacts import defects, samples
from training.audio_artifacts.defects import CODECS, RESEMBLING, SETTINGS, clip, coded
from training.audio_artifacts.programmes import PEAK, draw
from training.audio_artifacts.samples import UNSURE, make
from training.sources import Group

from glasswatch.detectors.audio.artifact_features import CLASSES
from glasswatch.simulator.registry import injectors

GROUP = Group("a")


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[Group, list[Source]]:
    """Ten seconds of notes in two channels."""
    path = tmp_path_factory.mktemp("media") / "a.wav"
    rate, rng = 32_000, np.random.default_rng(0)
    t = np.arange(10 * rate) / rate
    notes = rng.uniform(200, 2000, 40)[(t * 4).astype(int)]
    tone = 0.3 * np.sin(2 * np.pi * notes * t) * (0.2 + np.exp(-(t * 4 % 1) * 2))
    pcm = np.rint(np.stack([tone, 0.5 * tone], 1) * 32767 + rng.normal(0, 3, (len(t), 2))).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, rate, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    return {GROUP: [Source("a.wav", path, "train", 10.0, None, 2)]}


def test_programmes_are_never_clipped(groups: dict[Group, list[Source]]) -> None:
    for seed in range(8):
        found = draw(groups, np.random.default_rng(seed))
        assert 0.01 < np.abs(found.samples).max() <= PEAK + 1e-6
        assert found.samples.dtype == np.float32


@pytest.mark.parametrize("name", list(SETTINGS))
def test_a_defect_is_labelled_inside_and_not_outside(groups: dict[Group, list[Source]], name: str) -> None:
    labels = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        made = clip(draw(groups, rng), name, rng)
        rate, length = made.programme.rate, len(made.programme.samples)
        assert len(made.heard) == len(made.changed)
        labels += [samples._label(made, start) for start in range(0, length - rate, rate // 2)]
        spans = [(d.start_s, d.end_s) for d in made.defects if d.defect == name]
        assert samples._label(made, 0) != CLASSES.index(name) or min(s for s, _ in spans) < 1
    assert set(labels) <= {0, UNSURE, CLASSES.index(name)}
    assert labels.count(CLASSES.index(name)) > 10


@pytest.mark.parametrize("name", RESEMBLING)
def test_everything_that_resembles_a_defect_can_be_had(
    groups: dict[Group, list[Source]], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(defects, "RESEMBLING", (name,))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        programme = draw(groups, rng)
        found = defects._resembling(programme, tmp_path / "before.wav", tmp_path / "after.wav", rng)
        assert found.name.startswith(name)
        assert np.abs(found.samples - programme.samples).max() > 1e-3


def test_wrong_settings_are_no_matter_of_the_programme(
    groups: dict[Group, list[Source]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(defects.SETTINGS, "hum", lambda programme, rng: {"snr_db": "1000"})
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="snr_db"):
        clip(draw(groups, rng), "hum", rng)


def test_what_only_resembles_a_defect_has_none(groups: dict[Group, list[Source]]) -> None:
    rng = np.random.default_rng(3)
    made = clip(draw(groups, rng), "resembling", rng)

    assert made.defects == ()
    assert samples._label(made, 0) == 0
    assert {n for n in RESEMBLING if injectors()[n].negative} == set(RESEMBLING)


@pytest.mark.parametrize("codec", list(CODECS))
def test_codecs_keep_length_and_time(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.audio_artifacts.defects.CODECS", {codec: CODECS[codec]})
    rate = 44_100
    t = np.arange(2 * rate) / rate
    chirp = (0.3 * np.sin(2 * np.pi * (300 * t + 400 * t * t))).astype(np.float32)

    found = coded(chirp, rate, np.random.default_rng(0))

    assert len(found) == len(chirp)
    inner = slice(rate // 4, -rate // 4)
    assert np.sqrt(np.mean((found - chirp)[inner] ** 2)) < 0.03


def test_seconds_repeat_by_their_seed(groups: dict[Group, list[Source]]) -> None:
    first, second = (make(groups, np.random.default_rng([5, 2])) for _ in range(2))

    np.testing.assert_array_equal(first.samples, second.samples)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert first.samples.shape == (len(first.labels), first.rate)
