from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.aggregator.decisions import Decisions
from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.core.detection import Detection, Event, EventState, Severity, Verdict
from glasswatch.core.time import Span, Timeline

LADDER = {"info": 0, "warning": 0.5, "error": 2}


def detection(start: float, end: float, verdict: Verdict = Verdict.DEFECT, **more: Any) -> Detection:
    fields = {
        "channel": "c",
        "detector": "black",
        "version": "1",
        "defect": "black",
        "score": 0.9 if verdict is Verdict.DEFECT else 0.1,
        **more,
    }
    epoch = fields.pop("epoch", 0)
    span = Span(epoch, Fraction(str(start)), Fraction(str(end)))
    return Detection(span=span, verdict=verdict, reason="unreadable", **fields)


def ok(start: float, end: float, **more: Any) -> Detection:
    return detection(start, end, Verdict.OK, **more)


def changes(detections: list[Detection], rule: dict[str, Any] | None = None, **more: Any) -> list[Event]:
    decisions = Decisions({"black": DefectRule.model_validate({"severity": LADDER, **(rule or {})})}, **more)
    out = [event for d in detections for event in decisions.add(d)]
    return out + decisions.finish("c")


def closed(detections: list[Detection], rule: dict[str, Any] | None = None, **more: Any) -> list[Event]:
    events = [e for e in changes(detections, rule, **more) if e.state is EventState.CLOSED]
    return sorted(events, key=lambda e: (e.span, e.kind or ""))


def edges(events: list[Event]) -> list[tuple[float, float]]:
    return [(float(e.span.start), float(e.span.end)) for e in events]


def test_an_event_lasts_from_the_first_defect_to_the_last() -> None:
    assert edges(closed([ok(0, 1), detection(1, 2), detection(2, 2.5), ok(2.5, 4)])) == [(1, 2.5)]


def test_what_is_said_late_of_an_epoch_that_is_over_closes_nothing() -> None:
    late = detection(8, 9, Verdict.INCONCLUSIVE, epoch=0)
    assert edges(closed([detection(1, 2, epoch=1), late, detection(2, 3, epoch=1)])) == [(1, 3)]


def test_an_event_is_closed_as_soon_as_it_has_cleared() -> None:
    decisions = Decisions({"black": DefectRule(severity=LADDER)})
    decisions.add(detection(1, 2))
    (event,) = decisions.add(ok(2, 3))
    assert event.state is EventState.CLOSED


def test_a_kind_may_clear_sooner_than_its_defect() -> None:
    rule = {"clear_after_s": 2, "kinds": {"exact": {"clear_after_s": 0.2}}}
    seen = [(1, 1.1), (1.2, 1.3), (2, 2.1)]
    for kind, spans in (("spread", [(1, 2.1)]), ("exact", [(1, 1.3), (2, 2.1)])):
        assert edges(closed([detection(*span, kind=kind) for span in seen], rule)) == spans


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [(0.2, Severity.INFO), (0.5, Severity.WARNING), (1.9, Severity.WARNING), (2, Severity.ERROR)],
)
def test_severity_grows_with_duration(seconds: float, severity: Severity) -> None:
    (event,) = closed([detection(0, seconds), ok(seconds, seconds + 1)])
    assert event.severity is severity


def test_a_change_is_told_when_an_event_opens_rises_and_closes() -> None:
    told = changes([detection(0, 0.4), detection(0.4, 1), detection(1, 1.5), detection(1.5, 2.5), ok(2.5, 4)])
    assert [(e.state, e.severity) for e in told] == [
        (EventState.OPEN, Severity.INFO),
        (EventState.OPEN, Severity.WARNING),
        (EventState.OPEN, Severity.ERROR),
        (EventState.CLOSED, Severity.ERROR),
    ]
    assert len({e.id for e in told}) == 1


def test_nothing_is_told_before_the_least_duration() -> None:
    assert changes([detection(0, 0.4), ok(0.4, 1)], {"severity": {"warning": 0.5}}) == []


def test_short_gaps_are_bridged_and_long_ones_are_not() -> None:
    row = [detection(0, 1), ok(1, 1.5), detection(1.5, 2), ok(2, 3.5), detection(3.5, 4)]
    assert edges(closed(row, {"clear_after_s": 1})) == [(0, 2), (3.5, 4)]


def test_a_gap_is_measured_over_several_detections() -> None:
    row = [detection(0, 1), ok(1, 1.6), ok(1.6, 2.2), detection(2.2, 3)]
    assert edges(closed(row, {"clear_after_s": 1})) == [(0, 1), (2.2, 3)]


def test_weak_evidence_keeps_an_event_open_but_opens_none() -> None:
    row = [ok(0, 1, score=0.4), detection(1, 2), ok(2, 3, score=0.4), ok(3, 4, score=0.1)]
    assert edges(closed(row, {"clear_score": 0.3})) == [(1, 3)]


def test_a_cut_in_the_timeline_ends_an_event() -> None:
    row = [detection(5, 6), detection(6, 7, epoch=1)]
    assert [e.span.epoch for e in closed(row)] == [0, 1]


def test_forms_of_a_defect_are_separate_events() -> None:
    row = [
        detection(0, 1, kind="a"),
        detection(0, 1, kind="b"),
        detection(1, 2, kind="b"),
        detection(1, 2, kind="a"),
        ok(2, 3),
    ]
    assert [(e.kind, *edge) for e, edge in zip(closed(row), edges(closed(row)), strict=True)] == [
        ("a", 0, 2),
        ("b", 0, 2),
    ]


def test_an_ok_about_one_form_leaves_the_others_open() -> None:
    row = [detection(0, 1, kind="a"), detection(0, 1, kind="b"), ok(1, 2, kind="a"), detection(1, 2, kind="b")]
    assert sorted((e.kind or "", float(e.span.end)) for e in closed(row)) == [("a", 1.0), ("b", 2.0)]


def test_tracks_are_separate_events() -> None:
    row = [detection(0, 1, track="audio:0"), ok(0, 1, track="audio:1"), detection(1, 2, track="audio:0")]
    assert edges(closed(row)) == [(0, 2)]


def test_the_strongest_evidence_speaks_for_the_event() -> None:
    row = [detection(0, 1, measurements={"luma": 20.0}), detection(1, 2, score=0.99, measurements={"luma": 16.0})]
    (event,) = closed(row)
    assert (event.score, event.measurements) == (0.99, {"luma": 16.0})


def test_a_ceiling_caps_severity_until_stronger_evidence_lifts_it() -> None:
    capped = [detection(0, 3, ceiling=Severity.INFO)]
    assert [e.severity for e in closed(capped)] == [Severity.INFO]
    assert [e.severity for e in closed([*capped, detection(3, 4)])] == [Severity.ERROR]


def test_what_only_keeps_an_event_open_lifts_no_ceiling() -> None:
    row = [detection(0, 3, ceiling=Severity.INFO), ok(3, 4, score=0.45)]
    (event,) = closed(row, {"clear_score": 0.3})
    assert (event.severity, event.reason, event.span.end) == (Severity.INFO, "unreadable", 4)


def test_why_evidence_is_capped_is_not_said_of_an_event_that_is_not() -> None:
    capped = replace(detection(0, 3, score=0.99, ceiling=Severity.INFO), reason="it may be meant")
    (event,) = closed([capped, detection(3, 4, score=0.9)])
    assert (event.severity, event.reason) == (Severity.ERROR, "unreadable")


def test_inconclusive_is_neither_a_defect_nor_a_continuation() -> None:
    row = [detection(0, 1), detection(1, 2, Verdict.INCONCLUSIVE, score=0.0), detection(2, 3)]
    assert edges(closed(row)) == [(0, 1), (2, 3)]
    assert closed([detection(0, 9, Verdict.INCONCLUSIVE, score=0.0)]) == []


@pytest.mark.parametrize(
    ("mask", "hidden"),
    [
        pytest.param(Mask(start_s=0, end_s=10), True, id="all defects"),
        pytest.param(Mask(start_s=0, end_s=10, defects=frozenset({"black"})), True, id="this defect"),
        pytest.param(Mask(start_s=0, end_s=10, defects=frozenset({"silence"})), False, id="another defect"),
        pytest.param(Mask(start_s=2, end_s=10), False, id="begins before the mask"),
    ],
)
def test_masks_hide_what_lies_inside_them(mask: Mask, hidden: bool) -> None:
    timeline = Timeline()
    timeline.start(Fraction(100))
    events = closed([detection(101, 103)], masks=[mask], timeline=timeline)
    assert (events == []) is hidden


def test_an_event_that_outgrows_its_mask_is_told() -> None:
    row = [detection(0, 1), detection(1, 2), detection(2, 3)]
    told = changes(row, masks=[Mask(start_s=0, end_s=1.5)])
    assert float(told[0].span.end) == 2


stretches = st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=12)


@given(stretches, st.integers(0, 20))
def test_events_do_not_depend_on_how_detections_were_cut(runs: list[tuple[bool, int]], hold: int) -> None:
    """Judging in tenths of a second or in whole runs gives the same events."""
    whole, fine, at = [], [], 0
    for bad, length in runs:
        verdict = Verdict.DEFECT if bad else Verdict.OK
        whole.append(detection(at / 10, (at + length) / 10, verdict))
        fine += [detection(i / 10, (i + 1) / 10, verdict) for i in range(at, at + length)]
        at += length
    rule = {"clear_after_s": hold / 10}
    ids = [[(e.id, e.span, e.severity) for e in closed(row, rule)] for row in (whole, fine)]
    assert ids[0] == ids[1]


@given(stretches, st.randoms(use_true_random=False))
def test_detectors_may_be_heard_in_any_order(runs: list[tuple[bool, int]], random: Any) -> None:
    rule = DefectRule.model_validate({"severity": LADDER})
    queues: list[list[Detection]] = [[], []]
    at = 0
    for bad, length in runs:
        verdict = Verdict.DEFECT if bad else Verdict.OK
        for queue, name in zip(queues, ("black", "silence"), strict=True):
            queue.append(detection(at / 10, (at + length) / 10, verdict, detector=name, defect=name))
        at += length

    def decide(order: list[Detection]) -> set[tuple[str, Span]]:
        decisions = Decisions({"black": rule, "silence": rule})
        told = [e for d in order for e in decisions.add(d)] + decisions.finish("c")
        return {(e.id, e.span) for e in told if e.state is EventState.CLOSED}

    expected = decide([*queues[0], *queues[1]])
    mixed: list[Detection] = []
    left = [list(q) for q in queues]
    while any(left):
        mixed.append(random.choice([q for q in left if q]).pop(0))
    assert decide(mixed) == expected


@given(stretches)
def test_replaying_detections_gives_the_same_ids(runs: list[tuple[bool, int]]) -> None:
    row, at = [], 0
    for bad, length in runs:
        row.append(detection(at, at + length, Verdict.DEFECT if bad else Verdict.OK))
        at += length
    assert [e.id for e in closed(row)] == [e.id for e in closed(row)]


def test_a_detection_over_the_whole_event_is_the_last_word_on_it() -> None:
    pieces = [detection(n, n + 1, score=0.9) for n in range(1, 4)]
    whole = detection(1, 4.5, score=0.6, ceiling=Severity.INFO)
    (event,) = closed([*pieces, whole])
    assert (event.severity, event.score, edges([event])) == (Severity.INFO, 0.6, [(1, 4.5)])
    assert event.id == changes(pieces)[0].id


@pytest.mark.parametrize("span", [(2, 4.5), (3, 4)])
def test_a_detection_over_a_part_of_the_event_takes_nothing_back(span: tuple[float, float]) -> None:
    pieces = [detection(n, n + 1) for n in range(1, 4)]
    (event,) = closed([*pieces, detection(*span, ceiling=Severity.INFO)])
    assert event.severity is Severity.ERROR


def test_evidence_that_carries_the_severity_speaks_for_the_event() -> None:
    weak = detection(1, 2, score=0.9, ceiling=Severity.INFO, kind="a")
    strong = detection(2, 4, score=0.7, kind="a")
    (event,) = closed([weak, strong])
    assert (event.severity, event.score) == (Severity.ERROR, 0.7)
