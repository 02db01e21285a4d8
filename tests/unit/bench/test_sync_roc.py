from __future__ import annotations

import pytest
from bench.sync.cases import Case, Group
from bench.sync.roc import Limits, Sample, alone, roc, samples
from bench.sync.scores import of_zero

from glasswatch.core.detection import Verdict
from tests.unit.bench.test_sync import ONE, OTHER, fragment, moved, outcome, unseen

LIMITS = Limits(early=45, late=125, margin=40)


def test_a_curve_counts_fragments_that_reach_each_value() -> None:
    out = [Sample(True, True, v) for v in (0.9, 0.6, 0.2)] + [Sample(True, False, 0.0)]
    in_sync = [Sample(False, True, v) for v in (0.6, 0.1, 0.0)] + [Sample(False, False, 0.0)] * 2
    found = roc([*out, *in_sync])
    assert (found.in_sync, found.in_sync_talking, found.out, found.out_talking) == (5, 3, 4, 3)
    assert [p.threshold for p in found.points] == [0.9, 0.6, 0.2, 0.1]
    assert [p.recall_talking for p in found.points] == pytest.approx([1 / 3, 2 / 3, 1, 1])
    assert [p.false_talking for p in found.points] == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3])
    assert [p.recall_all for p in found.points] == pytest.approx([1 / 4, 2 / 4, 3 / 4, 3 / 4])
    assert [p.false_all for p in found.points] == pytest.approx([0, 1 / 5, 1 / 5, 2 / 5])
    # By the trapezoid over (0, 0), (0, 1/3), (1/3, 2/3), (1/3, 1), (2/3, 1), (1, 1).
    assert found.auc_talking == pytest.approx((1 / 3 + 2 / 3) / 2 / 3 + 2 / 3)
    # (0, 0), (0, 1/4), (1/5, 2/4), (1/5, 3/4), (2/5, 3/4), (1, 1).
    assert found.auc_all == pytest.approx((1 / 4 + 2 / 4) / 2 / 5 + 3 / 4 / 5 + (3 / 4 + 1) / 2 * 3 / 5)


def test_the_slackest_threshold_within_a_rate_is_told() -> None:
    found = roc([Sample(True, True, v) for v in (0.9, 0.5)] + [Sample(False, True, v) for v in (0.6, 0.1)])
    strict, slack = found.within(0.0), found.within(0.5)
    assert strict is not None
    assert slack is not None
    assert (strict.threshold, strict.recall_talking) == (0.9, 0.5)
    assert (slack.threshold, slack.recall_talking) == (0.5, 1.0)
    assert roc([Sample(True, True, 0.5), Sample(False, True, 0.5)]).within(0.4) is None
    assert roc([Sample(True, True, 0.5)]).auc_talking is None


def test_only_fragments_of_which_it_is_clear_what_they_are_count() -> None:
    done = [
        outcome(Case(ONE), fragment(0, 0.9), unseen(1)),
        outcome(Case(ONE, Group.RECODED), fragment(0, 0.9)),
        outcome(moved(2), fragment(80, 0.9)),  # Outside, but not by a frame.
        outcome(moved(3), fragment(120, 0.9)),
        outcome(moved(-3), fragment(-120, 0.9)),  # Within the limits, and moved.
        outcome(moved(-5), fragment(-200, 0.9), unseen(1)),
        outcome(Case(ONE, Group.VOICE, voice=OTHER), fragment(0, 0.9)),
        outcome(Case(ONE, Group.COURSE, 15), fragment(600, 0.9)),
    ]
    found = samples(done, of_zero, LIMITS, lambda _: 1.0)
    assert [(s.out, s.talking) for s in found] == [
        *((False, True), (False, False), (False, True)),
        *((True, True), (True, True), (True, False)),
    ]
    # A clip that is out of sync as it is by its own offset is no example of what is in sync.
    shifted = samples(done[:1], lambda _: 60.0, LIMITS, lambda _: 1.0)
    assert shifted == []


def test_a_fragment_alone_must_be_outside_with_the_margin() -> None:
    value = alone(LIMITS)
    assert value(fragment(90, 0.7)) == 0.7
    assert value(fragment(80, 0.7)) == 0
    assert value(fragment(-170, 0.7)) == 0.7
    assert value(fragment(-160, 0.7, Verdict.INCONCLUSIVE)) == 0
    assert value(unseen()) == 0
