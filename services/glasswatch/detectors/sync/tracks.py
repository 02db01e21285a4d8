"""Face tracks: the same face from picture to picture of one shot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from glasswatch.detectors.sync.faces import Face, between, overlap

LEAST_OVERLAP = 0.5
"""With the face a picture before (joonson/syncnet_python, run_pipeline.py, iouThres)."""

LONGEST_GAP_S = Fraction(3, 10)
"""A face may be missed for that long: a blink of the detector, a hand, a turn of the head."""

SHORTEST_S = Fraction(1)
"""Too little is said in less."""


@dataclass(frozen=True, slots=True)
class Track:
    """One face through consecutive pictures.

    Attributes:
        first: Number of its first picture.
        faces: In each picture; where it was missed, between those before and after.
        seen: Whether it was found there.
    """

    first: int
    faces: tuple[Face, ...]
    seen: tuple[bool, ...]

    @property
    def end(self) -> int:
        """Number of the picture after its last."""
        return self.first + len(self.faces)


@dataclass(slots=True)
class _Open:
    """A track that may go on."""

    found: dict[int, Face] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return next(reversed(self.found))


def link(pts: Sequence[Fraction], faces: Sequence[Sequence[Face]], cuts: Collection[int]) -> list[Track]:
    """The tracks in consecutive pictures, by their first picture and then from left to right.

    The faces of two pictures are joined where they overlap by LEAST_OVERLAP, those that overlap most first. A gap of up
    to LONGEST_GAP_S is bridged, never across a cut. What is seen for less than SHORTEST_S is dropped.

    Args:
        pts: When each picture is shown, in seconds, ascending; further apart than LONGEST_GAP_S nothing is joined.
        faces: Those in each picture.
        cuts: Numbers of the pictures with which a shot begins.
    """
    under_way: list[_Open] = []
    done: list[_Open] = []
    for number, there in enumerate(faces):
        lost = [each for each in under_way if number in cuts or pts[number] - pts[each.last] > LONGEST_GAP_S]
        done += lost
        under_way = [each for each in under_way if not any(each is other for other in lost)]
        pairs = [
            (overlap(each.found[each.last].box, face.box), -i, -j)
            for i, each in enumerate(under_way)
            for j, face in enumerate(there)
        ]
        free, waiting = set(range(len(there))), set(range(len(under_way)))
        for shared, i, j in sorted(pairs, reverse=True):
            if shared >= LEAST_OVERLAP and -i in waiting and -j in free:
                under_way[-i].found[number] = there[-j]
                waiting.remove(-i)
                free.remove(-j)
        under_way += [_Open({number: there[j]}) for j in sorted(free)]
    tracks = [_closed(each) for each in done + under_way if pts[each.last] - pts[next(iter(each.found))] >= SHORTEST_S]
    return sorted(tracks, key=lambda track: (track.first, track.faces[0].box))


def _closed(track: _Open) -> Track:
    """With the gaps filled."""
    numbers = list(track.found)
    faces = [track.found[numbers[0]]]
    for before, after in pairwise(numbers):
        ends = track.found[before], track.found[after]
        faces += [between(*ends, (n - before) / (after - before)) for n in range(before + 1, after)]
        faces.append(ends[1])
    return Track(numbers[0], tuple(faces), tuple(n in track.found for n in range(numbers[0], numbers[-1] + 1)))
