"""What every frame detector keeps, however the media is cut."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from glasswatch.core.detection import Detection
from glasswatch.core.media import FrameChunk
from glasswatch.core.time import Instant
from tests.support import detect, make_detector

cuts = st.lists(st.integers(1, 13), min_size=5, max_size=5).map(lambda lengths: lengths * 14)
"""Lengths of chunks, enough for 70 frames and more."""


def detect_through_snapshots(name: str, chunks: list[FrameChunk]) -> list[Detection]:
    """As `tests.support.detect`, but each chunk is judged by a new instance restored from the last one's snapshot."""
    found: list[Detection] = []
    detector = make_detector(name)
    for chunk in chunks:
        successor = make_detector(name)
        successor.restore(detector.snapshot())
        detector = successor
        found += detector.process(chunk)
    return found + list(detector.flush(Instant(chunks[-1].epoch, chunks[-1].ends[-1])))


def assert_tiles(found: list[Detection], chunks: list[FrameChunk]) -> None:
    """Detections follow each other without gap or overlap from the first frame to the end, none much over a second."""
    edges = [chunks[0].pts[0]] + [d.span.end for d in found]
    assert [d.span.start for d in found] + [chunks[-1].ends[-1]] == edges
    assert max(d.span.duration for d in found) <= Fraction(3, 2)


def assert_same_however_cut(name: str, whole: list[FrameChunk], pieces: list[FrameChunk]) -> None:
    """Chunk lengths and hand-overs between chunks change nothing."""
    expected = detect(make_detector(name), whole)
    assert detect_through_snapshots(name, pieces) == expected
    assert_tiles(expected, whole)
