"""Consequences are folded into their causes, and no alarm is lost by it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.aggregator.consequences import ConsequenceRule
from glasswatch.aggregator.incidents import IncidentRule, group_incidents
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Event, EventState, Severity, event_id
from glasswatch.core.time import Span

INFO, WARNING, ERROR = Severity
EDGES = ConsequenceRule(
    name="switched",
    causes=frozenset({"phase"}),
    consequences=frozenset({"clicks"}),
    before_s=0.1,
    after_s=0.1,
    inside=False,
)
HOLE = ConsequenceRule(
    name="broken",
    causes=frozenset({"dropout"}),
    consequences=frozenset({"clicks"}),
    before_s=0.05,
    after_s=0.05,
    apart_s=1,
)
DAMAGE = ConsequenceRule(
    name="damaged",
    causes=frozenset({"stream_error"}),
    consequences=frozenset({"dropout", "blocks"}),
    before_s=1,
    after_s=5,
)
RULES = [HOLE, EDGES, DAMAGE]


def event(
    defect: str,
    start: float,
    end: float,
    severity: Severity = WARNING,
    *,
    track: str | None = None,
    kind: str | None = None,
    epoch: int = 0,
    state: EventState = EventState.CLOSED,
    reason: str | None = None,
) -> Event:
    span = Span(epoch, Fraction(str(start)), Fraction(str(end)))
    return Event(
        id=event_id("c", defect, kind, track, epoch, span.start),
        channel="c",
        defect=defect,
        detector=defect,
        version="1",
        severity=severity,
        span=span,
        score=1.0,
        state=state,
        kind=kind,
        track=track,
        reason=reason,
        position=span.start + 100,
    )


def grouped(*events: Event, rules: list[ConsequenceRule | IncidentRule] | None = None) -> list[Event]:
    return group_incidents(events, RULES if rules is None else rules)


def test_a_click_at_the_edge_of_a_hole_is_information_in_the_incident_of_the_hole() -> None:
    hole, click = grouped(event("dropout", 5, 5.04), event("clicks", 4.99, 5.0))
    assert (hole.severity, click.severity) == (WARNING, INFO)
    assert click.incident == hole.incident is not None
    assert click.incident.startswith("broken-")
    assert (click.consequence_of, hole.consequence_of) == (hole.id, None)
    assert click.reason == "consequence of dropout at 0:01:45.000"


def test_what_was_seen_stays_in_the_reason() -> None:
    _, click = grouped(event("dropout", 5, 5.04), event("clicks", 5, 5.01, reason="loud"))
    assert click.reason == "loud; consequence of dropout at 0:01:45.000"


@pytest.mark.parametrize(
    "alone",
    [
        pytest.param((event("dropout", 5, 5.04), event("clicks", 5.2, 5.21)), id="too late"),
        pytest.param((event("dropout", 5, 5.04), event("clicks", 4.9, 4.91)), id="too early"),
        pytest.param((event("dropout", 5, 5.04), event("clicks", 5.04, 6)), id="goes on"),
        pytest.param((event("dropout", 5, 5.04, INFO), event("clicks", 5, 5.01)), id="information explains no alarm"),
        pytest.param((event("dropout", 5, 5.04, epoch=1), event("clicks", 5, 5.01)), id="another epoch"),
        pytest.param((event("dropout", 5, 5.04, track="a"), event("clicks", 5, 5.01, track="b")), id="another track"),
        pytest.param((event("phase", 5, 9), event("clicks", 7, 7.01)), id="between the edges"),
        pytest.param(
            (event("phase", 5, 9, state=EventState.OPEN), event("clicks", 9, 9.01)),
            id="where an open cause has come to",
        ),
        pytest.param((event("black", 5, 9), event("clicks", 5, 5.01)), id="no rule"),
    ],
)
def test_what_lies_elsewhere_is_an_alarm_of_its_own(alone: tuple[Event, Event]) -> None:
    assert grouped(*alone) == list(alone)


@pytest.mark.parametrize("at", [4.95, 5.05, 8.95, 9.05])
def test_both_edges_bring_clicks(at: float) -> None:
    assert grouped(event("phase", 5, 9), event("clicks", at, at + 0.01))[1].severity is INFO


def test_a_cause_without_a_track_shows_on_all_tracks() -> None:
    assert grouped(event("stream_error", 5, 5.1), event("dropout", 5, 5.1, track="b"))[1].severity is INFO


def test_clicks_of_a_row_of_holes_are_one_event_and_are_folded() -> None:
    holes = [event("dropout", t, t + 0.04) for t in (5, 5.9, 6.8)]
    assert grouped(*holes, event("clicks", 5, 6.84))[-1].severity is INFO
    far_apart = [event("dropout", t, t + 0.04) for t in (5, 6.9)]
    assert grouped(*far_apart, event("clicks", 5, 6.94))[-1].severity is WARNING


def test_a_consequence_hands_its_severity_on() -> None:
    damage, blocks = grouped(event("stream_error", 5, 5.1), event("blocks", 5.2, 9, ERROR))
    assert (damage.severity, blocks.severity) == (ERROR, INFO)


def test_what_lasts_is_only_folded_into_something_as_severe() -> None:
    damage = event("stream_error", 5, 5.1)
    lasting = [event("blocks", 5.2, 9, severity, state=EventState.OPEN) for severity in (WARNING, ERROR)]
    assert [grouped(damage, blocks)[1].severity for blocks in lasting] == [INFO, ERROR]


def test_a_consequence_of_a_consequence_belongs_to_the_first_cause() -> None:
    damage, hole, click = grouped(
        event("stream_error", 5, 5.1), event("dropout", 5.5, 5.6, ERROR), event("clicks", 5.5, 5.51)
    )
    assert [e.severity for e in (damage, hole, click)] == [ERROR, INFO, INFO]
    assert {e.incident for e in (damage, hole, click)} == {damage.incident}
    assert hole.consequence_of == click.consequence_of == damage.id


def test_rules_that_go_round_in_a_circle_leave_one_alarm() -> None:
    back = HOLE.model_copy(update={"causes": HOLE.consequences, "consequences": HOLE.causes})
    seen = grouped(event("dropout", 5, 5.04), event("clicks", 5, 5.01), rules=[HOLE, back])
    assert sorted(e.severity for e in seen) == [INFO, WARNING]


def test_a_kind_can_be_named() -> None:
    rule = ConsequenceRule(
        name="overdriven", causes=frozenset({"clipping/full_scale"}), consequences=frozenset({"clipping/true_peak"}),
        before_s=1, after_s=1,
    )  # fmt: skip
    full, peak = grouped(
        event("clipping", 5, 9, ERROR, kind="full_scale"), event("clipping", 5, 9, kind="true_peak"), rules=[rule]
    )
    assert (full.severity, peak.severity) == (ERROR, INFO)


def test_a_cause_keeps_the_incident_that_it_has() -> None:
    lost = IncidentRule(name="lost", needs=(frozenset({"dropout"}), frozenset({"black"})), within_s=1)
    seen = grouped(event("dropout", 5, 5.04), event("clicks", 5, 5.01), event("black", 5, 9), rules=[HOLE, lost])
    (incident,) = {e.incident for e in seen}
    assert incident is not None
    assert incident.startswith("lost-")


DEFECTS = ["stream_error", "dropout", "clicks", "phase", "blocks"]
EVENTS = st.lists(
    st.builds(
        lambda defect, start, length, severity, track, state: event(
            defect, start / 10, (start + length) / 10, severity, track=track, state=state
        ),
        st.sampled_from(DEFECTS),
        st.integers(0, 200),
        st.integers(0, 40),
        st.sampled_from(Severity),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from(EventState),
    ),
    unique_by=lambda e: e.id,
    max_size=12,
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_neither_order_nor_grouping_loses_an_alarm(events: list[Event], random: st.DataObject) -> None:
    seen = {e.id: e for e in grouped(*events)}
    assert max((e.severity for e in seen.values()), default=None) == max((e.severity for e in events), default=None)
    for e in seen.values():
        if e.consequence_of is not None:
            cause = seen[e.consequence_of]
            assert cause.severity >= WARNING
            assert cause.incident == e.incident is not None
            assert cause.consequence_of is None
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {e.id: e for e in grouped(*shuffled)} == seen


def test_thousands_of_events_take_no_time() -> None:
    rules = list(load_profile().incidents)
    events = [event("dropout", t, t + 0.02) for t in range(2000)] + [event("clicks", t, t + 0.01) for t in range(2000)]
    assert {e.severity for e in group_incidents(events, rules) if e.defect == "clicks"} == {INFO}
