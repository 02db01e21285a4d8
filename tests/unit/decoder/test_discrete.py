"""Joining discrete mono tracks: the same samples at the same time, whatever each track's chunks are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.media import AudioChunk
from glasswatch.decoder.discrete import Group, Tracks

RATE = 1000
PAIR = Group((0, 1), ("FL", "FR"))


def mono(track: int, samples: np.ndarray, cuts: Sequence[int], start: Fraction = Fraction(0)) -> list[AudioChunk]:
    """A track in chunks that end at the given samples."""
    bounds = [0, *sorted({cut for cut in cuts if 0 < cut < len(samples)}), len(samples)]
    return [
        AudioChunk("audio", track, 0, start + Fraction(a, RATE), samples[None, a:b], RATE, ("NONE",), a > 0, tracks=3)
        for a, b in pairwise(bounds)
    ]


def joined(*tracks: Sequence[AudioChunk], groups: Sequence[Group] = (PAIR,)) -> list[AudioChunk]:
    """What comes out where the tracks come one after the other in steps."""
    joiner = Tracks(list(groups), 2, frozenset({2}))
    out: list[AudioChunk] = []
    waiting = [list(track) for track in tracks]
    while any(waiting):
        for track in waiting:
            out += joiner.add(track.pop(0)) if track else ()
    return [*out, *joiner.finish()]


def ramp(length: int, sign: int = 1) -> np.ndarray:
    return (sign * np.arange(1, length + 1)).astype(np.float32)


cuts = st.lists(st.integers(1, 99), max_size=6)


@given(cuts, cuts)
def test_chunks_of_any_length_are_joined_sample_by_sample(left, right):
    out = joined(mono(0, ramp(100), left), mono(1, ramp(100, -1), right))
    samples = np.concatenate([chunk.samples for chunk in out], axis=1)
    assert np.array_equal(samples, np.stack([ramp(100), ramp(100, -1)]))
    assert all(a.span.end == b.start and b.contiguous for a, b in pairwise(out))
    assert {(c.channels, c.members, c.label, c.tracks) for c in out} == {(("FL", "FR"), (0, 1), "audio:0+1", 2)}


def test_a_track_that_ends_early_is_silent_from_there_on():
    out = joined(mono(0, ramp(100), [50]), mono(1, ramp(60), [50]))
    samples = np.concatenate([chunk.samples for chunk in out], axis=1)
    assert np.array_equal(samples[0], ramp(100))
    assert np.array_equal(samples[1], np.concatenate([ramp(60), np.zeros(40)]))


def test_a_track_that_starts_late_is_silent_before():
    out = joined(mono(0, ramp(100), [50]), mono(1, ramp(70), [], Fraction(30, RATE)))
    samples = np.concatenate([chunk.samples for chunk in out], axis=1)
    assert np.array_equal(samples[1], np.concatenate([np.zeros(30), ramp(70)]))


def test_a_track_that_never_comes_is_waited_for_for_five_seconds():
    joiner = Tracks([PAIR], 2, frozenset())
    chunks = mono(0, ramp(8000), range(500, 8000, 500))
    given_at = [n for n, chunk in enumerate(chunks) if list(joiner.add(chunk))]
    assert given_at[0] == 9


def test_other_tracks_go_through_and_learn_how_many_there_are():
    (chunk,) = joined(mono(2, ramp(10), []))
    assert (chunk.label, chunk.tracks > 1, chunk.may_be_unused, chunk.members) == ("audio:2", True, True, ())
