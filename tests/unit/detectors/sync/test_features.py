from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.detectors.sync.features import (
    BANDS,
    LIPS,
    MIDDLE,
    MOUTH_FEATURES,
    PAIRS,
    SOUND_STEPS,
    STEP_RATE,
    STILL_PAIRS,
    geometry,
    mouth,
    sound,
    steps,
)

UPPER_LIP, LOWER_LIP = 13, 14


def face(seed: int = 0) -> np.ndarray:
    """468 points; those in pairs are across from each other, eyes apart, the nose below the forehead."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 0.4, (468, 3))
    for left, right in (*PAIRS, *STILL_PAIRS):
        points[left, 0] = -abs(points[left, 0]) - 0.05
        points[right] = points[left] * (-1, 1, 1)
    for left, right in STILL_PAIRS:
        if left == right:
            points[left, 0] = 0
    points[list(MIDDLE), 0] = 0
    points[33], points[263] = (-0.5, 0, 0), (0.5, 0, 0)
    points[10], points[4] = (0, -0.6, -0.2), (0, 0.4, -0.2)
    return points


def turned(points: np.ndarray, angles: tuple[float, float, float]) -> np.ndarray:
    for axis, angle in enumerate(angles):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[a, a], turn[b, b], turn[a, b], turn[b, a] = (
            math.cos(angle),
            math.cos(angle),
            -math.sin(angle),
            math.sin(angle),
        )
        points = points @ turn.T
    return points


def talking(count: int) -> np.ndarray:
    """Pictures of a face whose lower lip goes up and down."""
    faces = np.repeat(face()[None], count, axis=0)
    faces[:, LOWER_LIP, 1] += 0.1 * np.sin(np.arange(count) / 3)
    return faces


@settings(max_examples=25, deadline=None)
@given(
    angles=st.tuples(*[st.floats(-0.6, 0.6)] * 3),
    scale=st.floats(0.1, 500),
    x=st.floats(-900, 900),
    y=st.floats(-900, 900),
)
def test_how_a_head_is_held_does_not_matter(
    angles: tuple[float, float, float], scale: float, x: float, y: float
) -> None:
    still = talking(9)
    held = turned(still, angles) * scale + (x, y, 0)
    assert geometry(held) == pytest.approx(geometry(still), abs=1e-3)


def test_a_head_that_moves_while_it_talks() -> None:
    still = talking(20)
    moving = np.stack(
        [turned(f, (0.02 * i, 0.3 * math.sin(i), -0.01 * i)) * (1 + 0.05 * i) + i for i, f in enumerate(still)]
    )
    assert geometry(moving) == pytest.approx(geometry(still), abs=1e-3)


def test_a_face_and_its_mirror_image_are_the_same() -> None:
    faces = talking(5)
    rng = np.random.default_rng(1)
    faces += rng.normal(0, 0.01, faces.shape)
    mirrored = faces * (-1, 1, 1)
    for left, right in (*PAIRS, *STILL_PAIRS):
        mirrored[:, [left, right]] = mirrored[:, [right, left]]
    assert geometry(mirrored) == pytest.approx(geometry(faces), abs=1e-6)


def test_only_what_moves_is_seen_to_move() -> None:
    faces = talking(30)
    values = geometry(faces)
    moving = np.flatnonzero(np.ptp(values, axis=0) > 1e-6)
    assert moving.tolist() == [3 * len(PAIRS) + MIDDLE.index(LOWER_LIP)]
    assert np.ptp(values[:, moving]) == pytest.approx(100 * np.ptp(faces[:, LOWER_LIP, 1]), rel=1e-6)


def test_widths_are_half_of_the_distance() -> None:
    faces = np.repeat(face()[None], 2, axis=0)
    left, right = LIPS[0]
    faces[1, left, 0] -= 0.1
    faces[1, right, 0] += 0.1
    change = np.diff(geometry(faces), axis=0)[0]
    assert change[0] == pytest.approx(10, abs=1e-6)
    assert change[1:] == pytest.approx(np.zeros(MOUTH_FEATURES - 1), abs=1e-6)


@pytest.mark.parametrize("rate", [24000 / 1001, 29.97, 50, 60])
def test_any_frame_rate_gives_the_same_steps(rate: float) -> None:
    def at(pts: np.ndarray) -> np.ndarray:
        faces = np.repeat(face()[None], len(pts), axis=0)
        faces[:, UPPER_LIP, 1] += 0.1 * np.sin(2 * np.pi * pts)
        return faces

    times = steps(0.32, 2.32)
    pts = np.arange(0, 3, 1 / rate)
    expected = np.sin(2 * np.pi * times)
    found = mouth(at(pts), pts, times)
    assert found.shape == (51, MOUTH_FEATURES)
    assert found.mean(axis=0) == pytest.approx(np.zeros(MOUTH_FEATURES), abs=1e-5)
    column = 3 * len(PAIRS) + MIDDLE.index(UPPER_LIP)
    assert found[:, column] == pytest.approx(10 * (expected - expected.mean()), abs=0.15)


def test_steps_are_on_the_clock_of_the_media() -> None:
    assert steps(0.9, 1.01).tolist() == [0.92, 0.96, 1.0]
    assert steps(1.0, 1.04).tolist() == [1.0, 1.04]


def speech(rate: int, seconds: float = 3.0) -> np.ndarray:
    """Tones that come and go."""
    t = np.arange(int(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * hz * t) * (1 + np.sin(2 * np.pi * 2.3 * t + hz)) for hz in (300, 700, 1500, 3000))
    return np.asarray(0.05 * tones, np.float32)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
def test_any_sample_rate_sounds_the_same(rate: int) -> None:
    times = steps(0.2, 2.6)
    one, other = sound(speech(16_000), 16_000, 0.0, times), sound(speech(rate), rate, 0.0, times)
    assert one.shape == (SOUND_STEPS * len(times), BANDS)
    # Half-way up, where an 8 kHz recording still has something and no band is silent.
    loud = one[:, 5:26].std(axis=0) > 0.1
    assert loud.sum() > 10
    assert np.corrcoef(one[:, 5:26][:, loud].ravel(), other[:, 5:26][:, loud].ravel())[0, 1] > 0.98


def test_level_and_colour_do_not_matter() -> None:
    times = steps(0.2, 2.6)
    loud = speech(16_000)
    found = sound(loud, 16_000, 0.0, times)
    assert sound(0.01 * loud, 16_000, 0.0, times) == pytest.approx(found, abs=1e-3)
    assert found.mean(axis=0) == pytest.approx(np.zeros(BANDS), abs=1e-5)


def test_sound_that_starts_later_is_heard_later() -> None:
    times = steps(0.0, 3.6)
    early, late = (sound(speech(16_000), 16_000, start, times) for start in (0.2, 0.2 + 3 / STEP_RATE))
    moved = 3 * SOUND_STEPS
    assert late[moved:] - late[moved:].mean(axis=0) == pytest.approx(
        early[:-moved] - early[:-moved].mean(axis=0), abs=0.02
    )


def test_a_burst_is_in_the_columns_around_its_step() -> None:
    rate = 48_000
    samples = np.zeros(2 * rate, np.float32)
    samples[rate - 96 : rate + 96] = np.random.default_rng(0).normal(0, 0.3, 192)
    found = sound(samples, rate, 0.0, steps(0, 2)).max(axis=1)
    at = SOUND_STEPS * STEP_RATE
    assert sorted(np.argsort(found)[-2:].tolist()) == [at + 1, at + 2]


def test_beyond_the_sound_there_is_silence() -> None:
    times = steps(-2, 5)
    found = sound(speech(16_000), 16_000, 0.0, times)
    silent = np.concatenate([found[: SOUND_STEPS * 48], found[-SOUND_STEPS * 48 :]])
    assert np.ptp(silent, axis=0).max() == 0
    assert (silent[0] <= found.min(axis=0) + 1e-6).all()
    assert np.isfinite(sound(np.zeros(0, np.float32), 16_000, 0.0, times)).all()


@pytest.mark.parametrize("rate", [4_000, 384_000])
def test_rates_beyond_the_bounds_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="the rate is 8000 to 192000 Hz"):
        sound(np.zeros(rate, np.float32), rate, 0.0, steps(0, 1))
