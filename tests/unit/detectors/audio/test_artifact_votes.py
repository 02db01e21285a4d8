"""Votes: which seconds count, from when they are told, and where the stretches are cut."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from glasswatch.core.detection import Verdict
from glasswatch.core.runs import Reading
from glasswatch.detectors.audio.artifact_votes import Agreement, Ballot, Poll, Told, Voice

LENGTH = 100
"""Samples of a second."""

LEFT, RIGHT = 0, 1


def ballot(at: int, channels: Sequence[int], *, counts: bool = True, edge: int | None = None) -> Ballot:
    first = at * LENGTH
    voices = dict.fromkeys(channels, Voice(0.9))
    return Ballot(first, first + LENGTH, voices, Reading(Verdict.OK, 0.5), counts, edge)


def heard(votes: str) -> list[Ballot]:
    """A second for each letter: l, r or b of both channels say yes, a dot no."""
    channels = {"l": (LEFT,), "r": (RIGHT,), "b": (LEFT, RIGHT), ".": ()}
    return [ballot(at, channels[letter]) for at, letter in enumerate(votes)]


def tell(ballots: Sequence[Ballot], votes: int = 2, window: int = 3) -> list[Told]:
    return decided(ballots, Agreement(threshold=0.5, votes=votes, window=window))


def decided(ballots: Sequence[Ballot], *agreements: Agreement) -> list[Told]:
    poll = Poll()
    return [told for each in ballots for told in poll.add(each, agreements)] + list(poll.end(agreements))


def measured(*voices: tuple[float, float] | tuple[float, float, str] | None) -> list[Ballot]:
    """A second for each: probability, value and perhaps a doubt, of the left channel; None says no."""
    ballots = [ballot(at, ()) for at in range(len(voices))]
    return [
        b if voice is None else Ballot(b.first, b.last, {LEFT: Voice(*voice)}, b.reading)
        for b, voice in zip(ballots, voices, strict=True)
    ]


def defective(told: Sequence[Told]) -> list[tuple[int, int]]:
    return [(each.first, each.last) for each in told if each.agreement is not None]


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        pytest.param("....", [], id="none"),
        pytest.param("..l..", [], id="one"),
        pytest.param(".ll..", [1, 2], id="two in a row"),
        pytest.param(".l.l.", [1, 3], id="two of three"),
        pytest.param(".l..l", [], id="too far apart"),
        pytest.param(".lr..", [], id="in different channels"),
        pytest.param(".lb..", [1, 2], id="in one of both channels"),
        pytest.param("l.r.l", [], id="in turns"),
        pytest.param("ll", [0, 1], id="to the end"),
        pytest.param("l", [], id="nothing but one"),
        pytest.param("llll.", [0, 1, 2, 3], id="many"),
    ],
)
def test_which_seconds_count(votes: str, expected: list[int]) -> None:
    assert [first // LENGTH for first, _ in defective(tell(heard(votes)))] == expected


def test_one_vote_of_one_is_enough_where_so_asked() -> None:
    assert defective(tell(heard(".l."), votes=1, window=1)) == [(100, 200)]


def test_three_of_four() -> None:
    assert defective(tell(heard("l.ll...l.l"), votes=3, window=4)) == [(0, 100), (200, 300), (300, 400)]


def test_it_is_told_as_soon_as_it_is_decided() -> None:
    poll = Poll()
    two = (Agreement(threshold=0.5, votes=2, window=3),)
    seen = [[(t.first, t.agreement is not None) for t in poll.add(each, two)] for each in heard(".ll....l...")]
    # A second that says no waits for the next one, in which it may turn out that the defect began within it.
    assert seen[:4] == [[], [], [(0, False), (100, True)], [(200, True)]]
    assert seen[7:] == [[], [], [(600, False), (700, False), (800, False)], [(900, False)]]


def test_what_overlaps_the_second_before_is_no_second_vote() -> None:
    last = ballot(2, (LEFT,), counts=False)
    assert defective(tell([*heard(".l"), last])) == []
    assert defective(tell([*heard("ll"), last])) == [(0, 100), (100, 200), (200, 300)]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({2: 150}, (150, 400)),
        ({2: 250}, (250, 400)),
        ({4: 350}, (200, 350)),
        ({4: 480}, (200, 480)),
        ({2: 101, 4: 499}, (101, 499)),
    ],
    ids=["began before", "began within", "ended before", "ended after", "both"],
)
def test_edges_move_the_cuts(edges: dict[int, int], expected: tuple[int, int]) -> None:
    ballots = [ballot(at, tuple(b.voices), edge=edges.get(at)) for at, b in enumerate(heard("..ll.."))]
    told = tell(ballots)
    (first, _), (_, last) = defective(told)
    assert (first, last) == expected
    assert_tiles(told, 600)


def test_the_edge_of_what_does_not_count_moves_nothing() -> None:
    ballots = [ballot(at, tuple(b.voices), edge=150 if at == 2 else None) for at, b in enumerate(heard("..l..."))]
    assert [(t.first, t.last) for t in tell(ballots)] == [(n, n + 100) for n in range(0, 600, 100)]


SURE = Agreement(threshold=0.9, votes=2, window=3)
STEADY = Agreement(threshold=0.5, votes=4, window=5, spread=2)
PERHAPS = Agreement(threshold=0.5, votes=2, window=3, doubtful=True, ceiling="info")


def test_the_surer_the_classifier_is_the_fewer_seconds_it_takes() -> None:
    sure, less = (0.95, -40.0), (0.6, -40.0)
    assert defective(decided(measured(None, sure, sure, None), SURE, STEADY)) == [(100, 200), (200, 300)]
    assert defective(decided(measured(None, less, less, less, None), SURE, STEADY)) == []
    assert len(defective(decided(measured(less, less, None, less, less), SURE, STEADY))) == 4


@pytest.mark.parametrize(
    ("values", "count"), [((-40, -41, -42, -40), 4), ((-40, -43, -40, -43), 0), ((-9, -40, -41, -42, -40), 4)]
)
def test_what_agrees_has_values_in_the_spread(values: Sequence[float], count: int) -> None:
    assert len(defective(decided(measured(*((0.6, value) for value in values)), STEADY))) == count


def test_what_the_signal_leaves_in_doubt_counts_only_where_it_may() -> None:
    ballots = measured((0.95, 0, "notes"), (0.95, 0, "notes"), (0.95, 0, "notes"))
    assert {told.agreement for told in decided(ballots, SURE)} == {None}
    assert {told.agreement for told in decided(ballots, SURE, PERHAPS)} == {PERHAPS}


def test_what_seconds_to_come_may_make_sure_is_not_told_before() -> None:
    poll, less = Poll(), (0.6, -40.0)
    seen = [len(list(poll.add(each, (STEADY, PERHAPS)))) for each in measured(less, less, less, less, less)]
    assert seen == [0, 0, 0, 3, 1]


def test_more_votes_than_seconds_cannot_be() -> None:
    with pytest.raises(ValidationError, match="4 votes of 3"):
        Agreement(threshold=0.5, votes=4, window=3)


@given(
    st.lists(st.tuples(st.sampled_from([(), (LEFT,), (RIGHT,), (LEFT, RIGHT)]), st.booleans(), st.integers(-50, 150))),
    st.integers(1, 3),
    st.integers(0, 1),
)
def test_stretches_follow_each_other_whatever_the_edges(
    cases: list[tuple[tuple[int, ...], bool, int]], votes: int, more: int
) -> None:
    ballots = [
        ballot(at, channels, edge=min(at * LENGTH + edge, len(cases) * LENGTH) if has_edge else None)
        for at, (channels, has_edge, edge) in enumerate(cases)
    ]
    told = tell(ballots, votes, votes + more)
    assert_tiles(told, len(cases) * LENGTH)


def assert_tiles(told: Sequence[Told], end: int) -> None:
    bounds = [0, *(t.last for t in told)]
    assert bounds[-1] == end
    assert [t.first for t in told] == bounds[:-1]
    assert all(a < b for a, b in pairwise(bounds))
