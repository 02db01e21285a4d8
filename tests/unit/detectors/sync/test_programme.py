from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glasswatch.detectors.sync.offset import OFFSETS, Calibration, likelihood
from glasswatch.detectors.sync.programme import MOST_FRAGMENTS, Programme

SURE = 0.9


def peak(at: float, height: float = 12.0) -> np.ndarray:
    """Likelihoods of an offset that a fragment is sure of."""
    return np.asarray(np.maximum(height - 3 * np.abs(OFFSETS - at), 0))


def after(*peaks: np.ndarray) -> Programme:
    programme = Programme()
    for n, votes in enumerate(peaks):
        programme.add(4.0 * n + 2, votes, SURE)
    return programme


def test_it_narrows() -> None:
    found = [after(*[peak(2, 5)] * count).line().confidence for count in (1, 2, 4)]
    assert found == sorted(found)
    assert found[0] < 0.9 < found[2]


def told(programme: Programme) -> list[bytes]:
    """What counts, without when it was said."""
    return [said.votes.tobytes() for said in programme.fragments if said.time != programme.apart]


offsets = st.integers(-15, 15)
shaking = st.lists(st.floats(-0.2, 0.2), min_size=2, max_size=12)


@given(true=offsets, shaken=shaking, wrong=offsets, data=st.data())
def test_one_that_is_wrong_changes_nothing_lasting(
    true: int, shaken: list[float], wrong: int, data: st.DataObject
) -> None:
    assume(abs(wrong - true) >= 3)
    right = [peak(true + by) for by in shaken]
    at = data.draw(st.integers(0, len(right)))
    found = after(*right[:at], peak(wrong), *right[at:])
    assert told(found) == [votes.tobytes() for votes in right]
    assert found.line().steps == pytest.approx(true, abs=0.3)
    assert found.is_last_apart == (at == len(right))


@given(before=offsets, step=st.integers(3, 15), shaken=shaking, weak=st.integers(0, 3))
def test_a_step_is_followed_with_the_second_that_is_sure(
    before: int, step: int, shaken: list[float], weak: int
) -> None:
    now = before - step if before > 0 else before + step
    old = [peak(before + by) for by in shaken]
    first = after(*old, peak(now))
    assert first.line().steps == pytest.approx(before, abs=0.3)
    assert first.is_last_apart
    unsure = [peak(now, 3)] * weak
    second = after(*old, peak(now), *unsure, peak(now))
    assert told(second) == [votes.tobytes() for votes in (peak(now), *unsure, peak(now))]
    assert second.line().steps == pytest.approx(now, abs=0.3)
    assert not second.is_last_apart


@given(first=st.floats(-10, 10), slope=st.floats(-0.1, 0.1), count=st.integers(2, 40))
def test_a_drift_is_no_step(first: float, slope: float, count: int) -> None:
    places = first + 4 * slope * np.arange(count)
    places = places[np.abs(places) <= 18]
    found = after(*map(peak, places))
    assert (len(found.fragments), found.apart) == (len(places), None)


def test_a_drift_is_seen_as_one() -> None:
    assert after(*[peak(0.4 * n) for n in range(30)]).line().drifting > SURE


def test_several_that_are_wrong_each_in_its_own_way_are_forgotten() -> None:
    found = after(*[peak(0)] * 5, peak(8), peak(-9), peak(14), peak(0))
    assert told(found) == [peak(0).tobytes()] * 6
    assert found.apart is None


def test_what_is_apart_is_no_evidence_of_the_programme() -> None:
    found = after(*[peak(0, 5)] * 4, peak(8))
    assert found.is_last_apart
    assert found.line().steps == pytest.approx(0, abs=0.1)


def test_what_belongs_to_nobody_adds_up_to_nothing() -> None:
    # Similarities of sound to mouths that it does not belong to: likelihood ratios of 1 in the mean.
    found = []
    for seed in range(20):
        rng, programme = np.random.default_rng(seed), Programme()
        for n in range(MOST_FRAGMENTS):
            fits = rng.normal(2.0 - 1.2**2 / 2, 1.2, len(OFFSETS))
            programme.add(4.0 * n + 2, likelihood(fits, Calibration(1.0, 2.0)), SURE)
        found.append(programme.line().confidence)
    assert np.mean(found) < 0.1
    assert max(found) < SURE


def test_what_is_apart_is_forgotten_in_time() -> None:
    found = after(*[peak(0)] * 5, peak(8), *[peak(0, 3)] * MOST_FRAGMENTS, peak(8))
    assert told(found) == [peak(0, 3).tobytes()] * (MOST_FRAGMENTS - 1)
    assert found.is_last_apart


def test_what_is_not_sure_makes_it_forget_nothing() -> None:
    assert len(told(after(*[peak(0)] * 10, peak(8, 3)))) == 11
    assert len(told(after(peak(0, 3), peak(8)))) == 2


def test_what_was_long_ago_is_forgotten() -> None:
    programme = after(*[peak(0)] * (MOST_FRAGMENTS + 5))
    assert len(programme.fragments) == MOST_FRAGMENTS
    assert programme.fragments[-1].time == 4.0 * (MOST_FRAGMENTS + 4) + 2
