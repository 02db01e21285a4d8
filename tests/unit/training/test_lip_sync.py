from __future__ import annotations

import numpy as np
import pytest
from training.lip_sync.augment import SOUND_RATE, Speech, heard, joined, watched

from glasswatch.detectors.sync.features import BANDS, MOUTH_FEATURES, SOUND_STEPS, STEP_RATE


def speech(seconds: float = 3.0, at_s: float = 1.5) -> Speech:
    """A mouth that opens once, with a sound."""
    pts = np.arange(0, seconds, 1 / STEP_RATE)
    columns = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    opening = np.exp(-(((pts - at_s) / 0.08) ** 2))
    loud = np.exp(-(((columns - at_s) / 0.08) ** 2)) + 1e-5
    geometry = np.outer(opening, np.full(MOUTH_FEATURES, 30.0)).astype(np.float32)
    return Speech(geometry, pts, np.outer(loud, np.full(BANDS, 1 / BANDS)).astype(np.float32))


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.2])
def test_picture_and_sound_are_altered_and_stay_together(speed: float) -> None:
    silence = np.zeros((SOUND_STEPS * 60, BANDS), np.float32)
    differences, mouths = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        first_s = rng.uniform(0.1, 0.4)
        mouth = watched(speech(), first_s, speed, 60, rng)
        sound = heard(speech(), first_s, speed, 60, silence, rng)
        assert (mouth.shape, sound.shape) == ((60, MOUTH_FEATURES), (SOUND_STEPS * 60, BANDS))
        assert np.isfinite(mouth).all()
        assert np.isfinite(sound).all()
        expected = (1.5 - first_s) / speed * STEP_RATE
        seen = int(mouth[:, ::7].mean(axis=1).argmax())
        loud = int(sound.mean(axis=1).argmax()) / SOUND_STEPS
        differences += [seen - expected, loud - expected]
        mouths.append(mouth)
    # Shown again instead of the next, pictures are late; rooms make sound late.
    assert abs(np.median(differences)) < 1
    assert np.mean(np.abs(differences) < 3) > 0.9
    assert np.ptp([m.max() for m in mouths]) > 10


def test_clips_follow_each_other_in_picture_and_sound() -> None:
    both = joined([speech(3.0, 1.0), speech(2.0, 0.5)])
    shown, loud = both.geometry.mean(axis=1), both.powers.sum(axis=1)
    first = int(loud[: 2 * SOUND_RATE].argmax()) / SOUND_RATE
    second = (2 * SOUND_RATE + int(loud[2 * SOUND_RATE :].argmax())) / SOUND_RATE
    assert first == pytest.approx(1.0, abs=0.02)
    assert both.pts[shown[:50].argmax()] == pytest.approx(first, abs=0.03)
    assert both.pts[50 + shown[50:].argmax()] == pytest.approx(second, abs=0.03)
    assert (np.diff(both.pts) > 0).all()
    assert both.length_s == pytest.approx(4.9, abs=0.1)


def test_backwards_is_only_the_picture() -> None:
    clip = speech(3.0, 1.0)
    other = clip.backwards()
    assert np.array_equal(other.geometry, clip.geometry[::-1])
    assert other.powers is clip.powers
    assert other.pts is clip.pts
