from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.detectors.sync.faces import Face, between, chosen, overlap
from glasswatch.detectors.sync.squares import Square

UNIT = Square(0.5, 0.5, 1.0)
WIDE = Square(100, 50, 200)
"""Around a picture of 200 x 100."""

boxes = st.tuples(*[st.floats(0, 1)] * 4).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


def outputs(*found: tuple[float, float, float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of face_detection, for boxes and their scores; the eyes are at a quarter and three quarters of the first line."""
    box = np.array([f[:4] for f in found], np.float32).reshape(-1, 4)
    keypoints = np.zeros((len(found), 6, 2), np.float32)
    keypoints[:, 0] = np.stack([0.75 * box[:, 0] + 0.25 * box[:, 2], box[:, 1]], axis=1)
    keypoints[:, 1] = np.stack([0.25 * box[:, 0] + 0.75 * box[:, 2], box[:, 1]], axis=1)
    return box, keypoints, np.array([f[4] for f in found], np.float32)


@given(one=boxes, other=boxes)
def test_overlap_is_a_share(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    share = overlap(one, other)  # type: ignore[arg-type]
    assert 0 <= share <= 1 + 1e-9
    assert share == overlap(other, one)  # type: ignore[arg-type]


def test_overlap_is_what_is_shared_of_both_together() -> None:
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1
    assert overlap((0, 0, 1, 1), (1, 0, 2, 1)) == 0


def test_boxes_of_one_face_are_joined_by_their_scores() -> None:
    found = outputs(
        (0.1, 0.1, 0.3, 0.3, 0.6), (0.12, 0.1, 0.32, 0.3, 0.9), (0.6, 0.5, 0.8, 0.7, 0.7), (0, 0, 1, 1, 0.49)
    )
    first, second = chosen(*found, WIDE)
    left = (0.6 * 0.1 + 0.9 * 0.12) / 1.5
    # The square begins 50 pixels above the picture.
    assert first.box == pytest.approx((200 * left, 200 * 0.1 - 50, 200 * (left + 0.2), 200 * 0.3 - 50), abs=1e-4)
    assert first.eyes[0] == pytest.approx((200 * (left + 0.05), -30), abs=1e-4)
    assert first.score == pytest.approx(0.9)
    assert second.box == pytest.approx((120, 50, 160, 90), abs=1e-4)


def test_nothing_is_found_where_no_box_is_likely() -> None:
    assert chosen(*outputs((0, 0, 1, 1, 0.3)), UNIT) == []
    assert len(chosen(*outputs((0.5, 0.5, 0.5, 0.9, 0.8)), UNIT)) == 1


@given(found=st.lists(st.tuples(boxes, st.floats(0, 1)), max_size=12))
def test_faces_are_the_surest_first_and_no_more_than_boxes(found: list[tuple[tuple[float, ...], float]]) -> None:
    got = chosen(*outputs(*((*box, score) for box, score in found)), UNIT)  # type: ignore[arg-type]
    scores = [face.score for face in got]
    assert scores == sorted(scores, reverse=True)
    assert len(got) <= sum(np.float32(score) >= 0.5 for _, score in found)
    assert bool(got) == any(np.float32(score) >= 0.5 for _, score in found)


def test_eyes_are_level_in_the_square_for_landmarks() -> None:
    face = Face((40, 20, 80, 70), ((50, 40), (70, 60)), 0.9)
    square = face.square
    assert (square.x, square.y, square.side) == (60, 45, 75)
    assert square.angle == pytest.approx(math.pi / 4)
    level = square.place(np.array([[0.4, 0.5], [0.6, 0.5]]))
    assert level[1] - level[0] == pytest.approx([15 / math.sqrt(2)] * 2)


def test_between_two_faces() -> None:
    one = Face((0, 0, 10, 10), ((2, 2), (8, 2)), 0.9)
    other = Face((10, 20, 30, 40), ((14, 24), (26, 24)), 0.6)
    assert between(one, other, 0.25) == Face((2.5, 5, 15, 17.5), ((5, 7.5), (12.5, 7.5)), 0.6)
