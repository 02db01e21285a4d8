from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from glasswatch.detectors.sync.follow import looked_at
from glasswatch.detectors.sync.landmarks import tracked
from tests.talking_models import boxed

FRAME = Fraction(1, 25)


class Faces:
    """Stands for both models: a face is where the picture is bright."""

    def __init__(self) -> None:
        self.calls: dict[str, list[int]] = {"face_detection": [], "face_landmarks": []}

    def __call__(self, model: str, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
        frames = inputs["frames"]
        self.calls[model].append(len(frames))
        if model == "face_landmarks":
            middle = np.full((len(frames), 468, 3), 0.5, np.float32)
            return {"landmarks": middle, "presence": np.ones((len(frames), 1), np.float32)}
        return boxed(frames)


def pictures(count: int, speed: float = 1.0, missing: tuple[int, ...] = ()) -> list[np.ndarray]:
    """A bright square that moves to the right."""
    found = []
    for n in range(count):
        picture = np.zeros((100, 100, 3), np.uint8)
        if n not in missing:
            x = round(10 + speed * n)
            picture[30:60, x : x + 30] = 255
        found.append(picture)
    return found


def times(count: int) -> list[Fraction]:
    return [n * FRAME for n in range(count)]


def test_a_face_is_followed_and_its_landmarks_are_in_the_picture() -> None:
    models = Faces()
    (track,) = tracked(pictures(50), times(50), (), models)
    assert (track.first, len(track.pts)) == (0, 50)
    assert track.landmarks.shape == (50, 468, 3)
    # In the middle of the face, within what the small picture tells, between the pictures that were looked at too.
    assert track.landmarks[:, 0, 0] == pytest.approx(25 + np.arange(50), abs=1.5)
    assert track.landmarks[:, 0, 1] == pytest.approx(np.full(50, 45), abs=1.5)
    assert sum(models.calls["face_detection"]) == 18
    assert models.calls["face_landmarks"] == [1, *[3] * 16, 1]


def test_a_shot_ends_a_track_and_short_ones_are_dropped() -> None:
    tracks = tracked(pictures(80, 0.2), times(80), {30}, Faces())
    assert [(t.first, len(t.pts)) for t in tracks] == [(0, 30), (30, 50)]
    assert [(t.first, len(t.pts)) for t in tracked(pictures(60, 0.2), times(60), {10}, Faces())] == [(10, 50)]


def test_one_missed_face_ends_no_track() -> None:
    (track,) = tracked(pictures(50, 0.2, missing=(21,)), times(50), (), Faces())
    assert len(track.pts) == 50


def test_without_a_face_there_is_no_track() -> None:
    assert tracked(pictures(50, missing=tuple(range(50))), times(50), (), Faces()) == []


def test_faces_are_looked_for_at_both_ends_of_shots_and_in_between() -> None:
    for cuts, calls in (((), [1, 3, 3, 3, 2]), ({7}, [1, 3, 3, 1, 3, 1])):
        models = Faces()
        tracked(pictures(12, 0.2), times(12), cuts, models)
        assert models.calls["face_landmarks"] == calls
    models = Faces()
    tracked(pictures(4), [n * Fraction(1, 2) for n in range(4)], (), models)
    assert models.calls["face_detection"] == [1] * 4


def test_wide_pictures_are_looked_at_in_squares_of_their_height_too() -> None:
    assert [s.side for s in looked_at(np.zeros((90, 160, 3), np.uint8))] == [160, 90, 90, 90]
    assert [s.side for s in looked_at(np.zeros((100, 100, 3), np.uint8))] == [100]
