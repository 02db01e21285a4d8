from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.detectors.sync.faces import Face
from glasswatch.detectors.sync.tracks import LONGEST_GAP_S, SHORTEST_S, link

FPS = 25


def face(x: float, y: float = 0, size: float = 100) -> Face:
    return Face((x, y, x + size, y + size), ((x + 30, y + 40), (x + 70, y + 40)), 0.9)


def times(count: int, fps: int = FPS) -> list[Fraction]:
    return [Fraction(n, fps) for n in range(count)]


def test_two_faces_that_move_are_two_tracks() -> None:
    faces = [[face(400 - n), face(3 * n)] for n in range(50)]
    first, second = link(times(50), faces, ())
    assert [f.box[0] for f in first.faces] == [3 * n for n in range(50)]
    assert [f.box[0] for f in second.faces] == [400 - n for n in range(50)]
    assert all(first.seen)


def test_a_cut_ends_all_tracks() -> None:
    tracks = link(times(80), [[face(0)]] * 80, {40})
    assert [(track.first, track.end) for track in tracks] == [(0, 40), (40, 80)]


def test_a_short_gap_is_bridged() -> None:
    # 0.28 s from where it was last seen to where it is seen again.
    faces = [[] if 30 <= n < 36 else [face(2 * n)] for n in range(60)]
    (track,) = link(times(60), faces, ())
    assert [f.box[0] for f in track.faces] == pytest.approx([2 * n for n in range(60)])
    assert track.seen == tuple(not 30 <= n < 36 for n in range(60))


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
    faces = [[face(0)], *([[face(20), face(5)]] * 40)]
    tracks = link(times(41), faces, ())
    assert [(track.first, track.faces[0].box[0], track.faces[1].box[0]) for track in tracks] == [(0, 0, 5), (1, 20, 20)]


@pytest.mark.parametrize(("count", "kept"), [(25, 0), (26, 1)])
def test_what_is_seen_for_less_than_a_second_is_dropped(count: int, kept: int) -> None:
    assert len(link(times(60), [[face(0)] if n < count else [] for n in range(60)], ())) == kept


def test_time_counts_and_not_pictures() -> None:
    assert len(link(times(14, fps=12), [[face(0)]] * 14, ())) == 1
    assert not link(times(50, fps=60), [[face(0)]] * 50, ())


spans = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 50), st.integers(1, 40)), max_size=8)
"""Where a face is, from which picture on, and in how many."""


@given(spans=spans, cuts=st.sets(st.integers(0, 60), max_size=3), fps=st.sampled_from([5, 12, 24, 50]))
def test_tracks_are_of_faces_that_are_there(spans: list[tuple[int, int, int]], cuts: set[int], fps: int) -> None:
    pts = times(60, fps)
    faces = [[face(45 * x) for x in sorted({x for x, a, length in spans if a <= n < a + length})] for n in range(60)]
    used: set[tuple[int, Face]] = set()
    for track in link(pts, faces, cuts):
        assert len(track.faces) == len(track.seen)
        assert track.seen[0]
        assert track.seen[-1]
        assert pts[track.end - 1] - pts[track.first] >= SHORTEST_S
        assert not any(track.first < cut < track.end for cut in cuts)
        seen = [track.first + i for i, there in enumerate(track.seen) if there]
        assert all(pts[b] - pts[a] <= LONGEST_GAP_S for a, b in pairwise(seen))
        for number in seen:
            found = track.faces[number - track.first]
            assert found in faces[number]
            assert (number, found) not in used
            used.add((number, found))


def test_the_order_of_faces_does_not_matter() -> None:
    faces = [[face(400 - n), face(3 * n), face(900)] for n in range(50)]
    expected = link(times(50), faces, ())
    assert link(times(50), [there[::-1] for there in faces], ()) == expected
    assert link(times(50), [sorted(there, key=lambda f: f.box[0] % 7) for there in faces], ()) == expected
