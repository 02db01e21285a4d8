from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from glasswatch.detectors.sync.offset import (
    OFFSETS,
    REACH,
    Calibration,
    estimate,
    likelihood,
    line,
    outside,
    posterior,
    similarity,
    vote,
)

CALIBRATION = Calibration(1.0, 3.0)


def peak(at: float, height: float = 12.0) -> np.ndarray:
    """Likelihoods of an offset that a fragment is sure of."""
    return np.asarray(np.maximum(height - 3 * np.abs(OFFSETS - at), 0))


@given(early=st.integers(-REACH, REACH), seed=st.integers(0, 99))
def test_the_offset_is_positive_where_sound_is_early(early: int, seed: int) -> None:
    programme = np.random.default_rng(seed).normal(0, 1, (240, 16))
    seen = programme[100:180]
    heard = programme[100 - REACH + early : 180 + REACH + early]
    found = similarity(seen, heard)
    assert OFFSETS[found.argmax()] == early
    assert found.max() == pytest.approx((seen**2).sum())


def test_similarity_needs_sound_on_both_sides() -> None:
    with pytest.raises(ValueError, match="10 steps need sound of 50, not of 49"):
        similarity(np.zeros((10, 4)), np.zeros((49, 4)))


@given(sums=npst.arrays(float, len(OFFSETS), elements=st.floats(-40, 40)))
def test_a_posterior_is_a_probability(sums: np.ndarray) -> None:
    found = posterior(likelihood(sums, CALIBRATION))
    assert (found >= 0).all()
    assert found.sum() <= 1 + 1e-9
    assert 0 <= estimate(likelihood(sums, CALIBRATION)).confidence <= 1 + 1e-9


@given(at=st.integers(-15, 15), others=st.integers(0, 5))
def test_tracks_that_fit_nowhere_tell_no_offset_from_another(at: int, others: int) -> None:
    silent = likelihood(np.full(len(OFFSETS), -50.0), CALIBRATION)
    alone, together = vote([peak(at)]), vote([peak(at), *[silent] * others])
    assert together == pytest.approx(alone - others * np.log(2), abs=1e-9)


def test_tracks_that_agree_are_surer_and_those_that_do_not_are_less() -> None:
    one = estimate(vote([peak(3, 6)]))
    assert estimate(vote([peak(3, 6), peak(3, 6)])).confidence > one.confidence
    assert estimate(vote([peak(3, 6), peak(-8, 6)])).confidence < 0.5
    assert one.steps == pytest.approx(3)


def test_without_a_track_nothing_is_known() -> None:
    assert estimate(vote([])).confidence < 0.1
    assert line(np.array([2.0]), [vote([])]).confidence < 0.15


def test_an_offset_between_steps() -> None:
    assert 2.2 < estimate(peak(2.5)).steps < 2.8
    times = np.arange(2.0, 40, 4)
    assert line(times, [peak(2.5)] * 10).steps == pytest.approx(2.5, abs=0.1)


@given(at=st.integers(-12, 12), seed=st.integers(0, 50))
def test_fragments_together_know_what_none_is_sure_of(at: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.arange(2.0, 60, 4)
    fragments = [peak(at, 2.5) + peak(int(rng.integers(-20, 21)), 2.5) for _ in times]
    assert all(estimate(f).confidence < 0.7 for f in fragments)
    found = line(times, fragments)
    assert abs(found.steps - at) < 0.6
    assert found.confidence > 0.95
    assert found.drifting < 0.5


@pytest.mark.parametrize("drift", [0.1, -0.05, 0.025])
def test_a_drift_is_seen_as_one(drift: float) -> None:
    times = np.arange(2.0, 80, 4)
    found = line(times, [peak(2 + drift * (t - 40)) for t in times])
    assert found.drift == pytest.approx(drift, abs=0.011)
    assert found.drifting > 0.95
    assert found.steps == pytest.approx(2 + drift * (times[-1] - 40), abs=0.5)


def test_the_probability_of_being_outside_limits() -> None:
    for at, expected in ((0, 0), (4, 1), (-3, 0), (-6, 1)):
        beyond, within = outside(peak(at, 20), 2.5, 4.5)
        assert beyond == pytest.approx(expected, abs=0.01)
        assert beyond + within == pytest.approx(1, abs=0.01)
        found = line(np.array([2.0, 6.0]), [peak(at, 20)] * 2, 2.5, 4.5)
        assert (found.outside, found.inside) == pytest.approx((expected, 1 - expected), abs=0.01)
    assert sum(outside(vote([]), 2.5, 4.5)) == pytest.approx(0.5)
