from __future__ import annotations

import numpy as np
import pytest

from glasswatch.detectors.sync.offset import OFFSETS
from glasswatch.detectors.sync.programme import MOST_FRAGMENTS, Programme

SURE = 0.95


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


def test_a_step_makes_it_forget() -> None:
    stepped = after(*[peak(0)] * 10, peak(8), peak(8))
    assert len(stepped.times) == 2
    assert stepped.line().steps == pytest.approx(8, abs=0.1)


def test_what_is_not_sure_makes_it_forget_nothing() -> None:
    assert len(after(*[peak(0)] * 10, peak(8, 3)).times) == 11
    assert len(after(peak(0, 3), peak(8)).times) == 2


def test_a_drift_is_no_step() -> None:
    drifting = after(*[peak(0.4 * n) for n in range(30)])
    assert len(drifting.times) == 30
    assert drifting.line().drifting > SURE


def test_what_was_long_ago_is_forgotten() -> None:
    programme = after(*[peak(0)] * (MOST_FRAGMENTS + 5))
    assert len(programme.times) == len(programme.votes) == MOST_FRAGMENTS
    assert programme.times[-1] == 4.0 * (MOST_FRAGMENTS + 4) + 2
