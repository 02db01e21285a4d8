from __future__ import annotations

import wave

import numpy as np
import pytest
from bench.audio.labels import Label, label
from bench.sources import Source
from training.audio_artifacts import samples
from training.audio_artifacts.defects import SETTINGS, clip
from training.audio_artifacts.programmes import draw
from training.sources import Group

from glasswatch.detectors.audio.artifact_features import CLASSES

RATE = 16_000
TONE = (0.1 * np.sin(np.arange(4 * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[Group, list[Source]]:
    """Eight seconds of notes that swell and fade."""
    path = tmp_path_factory.mktemp("media") / "a.wav"
    t = np.arange(8 * RATE) / RATE
    notes = np.random.default_rng(0).uniform(200, 2000, 32)[(t * 4).astype(int)]
    tone = 0.4 * np.sin(2 * np.pi * notes * t) * np.sin(np.pi * t / 8) ** 4
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(np.rint(tone * 32767).astype("<i2").tobytes())
    return {Group("a"): [Source("a.wav", path, "train", 8.0, None, 1)]}


@pytest.mark.parametrize("name", list(SETTINGS))
def test_a_second_is_what_the_training_takes_it_for(groups: dict[Group, list[Source]], name: str) -> None:
    kinds = set()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        made = clip(draw(groups, rng), name, rng)
        rate, before = made.programme.rate, made.programme.samples
        spans = [(d.start_s, d.end_s) for d in made.defects if d.defect == name]
        for first in range(0, len(before) - rate, rate // 4):
            found = label(name, made.settings.get("mode", ""), before, made.changed[: len(before)], rate, spans, first)
            expected = samples._label(made, first)
            is_unsure = found.is_edge or found.is_faint
            assert expected == (samples.UNSURE if is_unsure else CLASSES.index(found.name))
            kinds.add(found)
    assert {Label(), Label(name)} <= kinds
    assert any(found.is_edge for found in kinds) or name == "clicks"


def _label(error: float, spans: list[tuple[float, float]], first: int = RATE) -> Label:
    noise = np.random.default_rng(1).normal(0, error, len(TONE)).astype(np.float32)
    return label("hiss", "white", TONE, TONE + noise, RATE, spans, first)


def test_outside_there_is_none() -> None:
    assert _label(0.01, [(2.5, 3.0)]) == Label()


def test_a_defect_that_reaches_into_a_second_is_an_edge() -> None:
    assert _label(0.01, [(1.5, 3.0)]) == Label("hiss", is_edge=True)
    assert _label(0.01, [(1.2, 3.0)]) == Label("hiss")


def test_what_can_hardly_be_heard_is_faint() -> None:
    assert _label(0.0001, [(0.0, 4.0)]) == Label("hiss", is_faint=True)
