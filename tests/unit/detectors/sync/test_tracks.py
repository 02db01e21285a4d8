from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.detectors.sync import follow
from glasswatch.detectors.sync.faces import Face
from glasswatch.detectors.sync.landmarks import tracked
from glasswatch.detectors.sync.tracks import LONGEST_GAP_S, SHORTEST_S, matches

FPS = 25


@dataclass
class Track:
    """A track, and where the left edge of its face is in each of its pictures."""

    first: int
    end: int
    lefts: list[float]


@pytest.fixture(autouse=True, scope="module")
def every_picture() -> Any:
    """Faces are looked for in every picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follow, "DETECTION_EVERY_S", Fraction(0))
        yield


def face(x: float, y: float = 0, size: float = 100) -> Face:
    return Face((x, y, x + size, y + size), ((x + 30, y + 40), (x + 70, y + 40)), 0.9)


def times(count: int, fps: int = FPS) -> list[Fraction]:
    return [Fraction(n, fps) for n in range(count)]


def link(pts: Sequence[Fraction], faces: Sequence[Sequence[Face]], cuts: Collection[int]) -> list[Track]:
    """The tracks of faces that are found where these are."""
    script = iter(faces)

    def infer(model: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        count = len(inputs["frames"])
        if model == "face_landmarks":
            return {"landmarks": np.full((count, 468, 3), 0.5), "presence": np.ones((count, 1))}
        there = next(script)
        boxes = np.array([each.box for each in there]).reshape(1, -1, 4) / 1000
        eyes = np.array([each.eyes for each in there]).reshape(1, -1, 2, 2) / 1000
        return {"boxes": boxes, "keypoints": eyes, "scores": np.full(boxes.shape[:2], 0.9)}

    found = tracked([np.zeros((1000, 1000, 3), np.uint8)] * len(pts), pts, cuts, infer)
    return [Track(t.first, t.first + len(t.pts), (t.landmarks[:, 0, 0] - 50).tolist()) for t in found]


def test_two_faces_that_move_are_two_tracks() -> None:
    faces = [[face(400 - n), face(3 * n)] for n in range(50)]
    first, second = link(times(50), faces, ())
    assert first.lefts == pytest.approx([3 * n for n in range(50)], abs=1e-3)
    assert second.lefts == pytest.approx([400 - n for n in range(50)], abs=1e-3)


def test_a_cut_ends_all_tracks() -> None:
    tracks = link(times(80), [[face(0)]] * 80, {40})
    assert [(track.first, track.end) for track in tracks] == [(0, 40), (40, 80)]


def test_a_short_gap_is_bridged() -> None:
    # 0.28 s from where it was last seen to where it is seen again.
    faces = [[] if 30 <= n < 36 else [face(2 * n)] for n in range(60)]
    (track,) = link(times(60), faces, ())
    assert track.lefts == pytest.approx([2 * n for n in range(60)], abs=1e-3)


def test_a_gap_is_not_bridged_across_a_cut() -> None:
    faces = [[] if 38 <= n < 41 else [face(0)] for n in range(80)]
    tracks = link(times(80), faces, {39})
    assert [(track.first, track.end) for track in tracks] == [(0, 38), (41, 80)]


def test_a_longer_gap_is_the_end() -> None:
    faces = [[] if 30 <= n < 37 else [face(0)] for n in range(70)]
    assert [(track.first, track.end) for track in link(times(70), faces, ())] == [(0, 30), (37, 70)]


def test_a_leap_is_another_face() -> None:
    faces = [[face(0 if n < 40 else 60)] for n in range(80)]
    assert [(track.first, track.end) for track in link(times(80), faces, ())] == [(0, 40), (40, 80)]


def test_the_nearer_face_goes_on() -> None:
    assert matches([face(0)], [face(20), face(5)]) == {1: 0}


@pytest.mark.parametrize(("count", "kept"), [(25, 0), (26, 1)])
def test_what_is_seen_for_less_than_a_second_is_dropped(count: int, kept: int) -> None:
    assert len(link(times(60), [[face(0)] if n < count else [] for n in range(60)], ())) == kept


def test_time_counts_and_not_pictures() -> None:
    assert len(link(times(14, fps=12), [[face(0)]] * 14, ())) == 1
    assert not link(times(50, fps=60), [[face(0)]] * 50, ())


spans = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 50), st.integers(1, 40)), max_size=8)
"""Where a face is, from which picture on, and in how many."""


@given(spans=spans, cuts=st.sets(st.integers(0, 60), max_size=3), fps=st.sampled_from([5, 12, 24, 50]))
@settings(max_examples=20)
def test_tracks_are_of_faces_that_are_there(spans: list[tuple[int, int, int]], cuts: set[int], fps: int) -> None:
    pts = times(60, fps)
    there = [{100 * x for x, a, length in spans if a <= n < a + length} for n in range(60)]
    used: set[tuple[int, int]] = set()
    for track in link(pts, [[face(x) for x in sorted(lefts)] for lefts in there], cuts):
        assert pts[track.end - 1] - pts[track.first] >= SHORTEST_S
        assert not any(track.first < cut < track.end for cut in cuts)
        seen = [n for n, left in enumerate(track.lefts, track.first) if round(left) in there[n]]
        assert (seen[0], seen[-1]) == (track.first, track.end - 1)
        assert all(pts[b] - pts[a] <= LONGEST_GAP_S for a, b in pairwise(seen))
        assert not used & {(n, round(track.lefts[n - track.first])) for n in seen}
        used |= {(n, round(track.lefts[n - track.first])) for n in seen}


def test_the_order_of_faces_does_not_matter() -> None:
    faces = [[face(400 - n), face(3 * n), face(850)] for n in range(50)]
    expected = link(times(50), faces, ())
    assert link(times(50), [there[::-1] for there in faces], ()) == expected
    assert link(times(50), [sorted(there, key=lambda f: f.box[0] % 7) for there in faces], ()) == expected


def test_those_that_overlap_most_belong_together() -> None:
    assert matches([face(0), face(40)], [face(30), face(200), face(10)]) == {0: 1, 2: 0}
    assert matches([face(0)], [face(60)]) == matches([], [face(0)]) == {}


def test_of_a_crowd_the_largest_are_followed() -> None:
    crowd = [face(110 * n, size=60 + 5 * n) for n in range(7)]
    assert len(link(times(30), [crowd] * 30, ())) == follow.MOST_FACES
