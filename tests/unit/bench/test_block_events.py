from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench.accuracy.model import Claim, Role
from bench.block.build import Subject, Truth
from bench.block.events import Event, Finding, Result, Score, sampled, score
from bench.block.frames import Seen
from bench.block.summary import by_length

TIMES = tuple(n / 25 for n in range(250))


def truth(*spans: tuple[float, float]) -> Truth:
    block = np.ones((1, 1), np.bool_)
    return Truth(spans, tuple((t, block) for a, b in spans for t in TIMES if a <= t < b))


def judged(
    labelled: Truth,
    *spans: tuple[float, float],
    visible: Truth | None = None,
    role: Role = Role.INJECTED,
    severity: str = "warning",
    error: str | None = None,
) -> Score:
    subject = Subject("x", Path("x"), "s", "validate", role, "damaged", {}, labelled, labelled)
    claims = tuple(Claim("block_corruption", None, a, b, severity) for a, b in spans)
    seen = Seen((), TIMES, labelled if visible is None else visible)
    return score([Result(subject, seen, Finding(claims, 3600.0, error=error))])


def test_alarms_and_events_are_each_counted_once() -> None:
    total = judged(truth((1.0, 2.0), (2.2, 3.0), (5.0, 6.0)), (1.5, 3.5), (8.0, 9.0))
    assert (total.found, total.recall) == (2, pytest.approx(2 / 3))
    assert (total.right, total.false, total.precision) == (1, 1, 0.5)
    assert total.events[0].onset_error_s == pytest.approx(0.5)
    assert total.onset(0.5) == pytest.approx((0.5 + 0.7) / 2)


def test_spans_that_only_touch_do_not_meet() -> None:
    total = judged(truth((1.0, 2.0)), (2.0, 3.0))
    assert (total.found, total.right, total.false) == (0, 0, 1)


def test_damage_that_is_not_seen_need_not_be_found_and_may_be() -> None:
    total = judged(truth((1.0, 2.0), (5.0, 6.0)), (1.0, 2.0), (5.0, 6.0), visible=truth((1.0, 2.0)))
    assert (len(total.events), total.found, total.right, total.false) == (1, 1, 2, 0)


def test_information_is_no_alarm() -> None:
    total = judged(truth((1.0, 2.0)), (1.0, 2.0), severity="info")
    assert (total.found, total.right, total.false) == (0, 0, 0)
    assert (total.precision, total.f1) == (None, None)


def test_any_alarm_in_clean_media_is_false() -> None:
    total = judged(Truth(), (1.0, 2.0), role=Role.CLEAN)
    assert (total.false_per_hour, total.recall) == (1.0, None)
    assert total.most_false_per_hour == pytest.approx(4.744, abs=2e-3)


def test_a_file_that_cannot_be_judged_misses_its_events_and_adds_no_hours() -> None:
    total = judged(truth((1.0, 2.0)), error="no model")
    assert (total.recall, total.hours, total.false_per_hour) == (0.0, 0.0, None)


def test_the_detector_looks_at_the_first_picture_of_each_quarter_second() -> None:
    assert sampled((0.1, 0.2, 0.26, 0.3, 0.5, 1.15)).tolist() == [0.1, 0.26, 0.5, 1.15]
    between, across = judged(truth((1.04, 1.2))), judged(truth((1.2, 1.3)))
    assert [e.is_sampled for e in (*between.events, *across.events)] == [False, True]


def test_every_event_is_of_one_length() -> None:
    events = [Event(0.0, length, is_sampled=length > 1, onset_error_s=None) for length in (0.04, 0.5, 1.0, 1.5, 9.0)]
    counts = [len(some) for some in by_length(events).values()]
    assert counts == [1, 1, 2, 1, 2, 3]
