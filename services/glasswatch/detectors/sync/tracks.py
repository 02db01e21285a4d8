"""Face tracks: the same face from picture to picture of one shot."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from glasswatch.detectors.sync.faces import Face, overlap

LEAST_OVERLAP = 0.5
"""With the face a picture before (joonson/syncnet_python, run_pipeline.py, iouThres)."""

LONGEST_GAP_S = Fraction(3, 10)
"""A face may be missed for that long: a blink of the detector, a hand, a turn of the head."""

SHORTEST_S = Fraction(1)
"""Too little is said in less."""


def matches(under_way: Sequence[Face], there: Sequence[Face]) -> dict[int, int]:
    """Which of the faces that are `there` goes on with which of those under way: their numbers, in this order.

    They are joined where they overlap by LEAST_OVERLAP, those that overlap most first.
    """
    pairs = [
        (overlap(face.box, other.box), -i, -j) for i, face in enumerate(under_way) for j, other in enumerate(there)
    ]
    found: dict[int, int] = {}
    for shared, i, j in sorted(pairs, reverse=True):
        if shared >= LEAST_OVERLAP and -j not in found and -i not in found.values():
            found[-j] = -i
    return found
