from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from glasswatch.aggregator.incidents import IncidentRule, group_incidents
from glasswatch.core.detection import Event, EventState, Severity, event_id
from glasswatch.core.time import Span

LOST = IncidentRule(name="source_lost", needs=(frozenset({"freeze", "black"}), frozenset({"silence"})), within_s=1)


def event(defect: str, start: float, end: float, epoch: int = 0) -> Event:
    span = Span(epoch, Fraction(str(start)), Fraction(str(end)))
    return Event(
        id=event_id("c", defect, None, None, epoch, span.start),
        channel="c",
        defect=defect,
        detector=defect,
        version="1",
        severity=Severity.ERROR,
        span=span,
        score=1.0,
        state=EventState.CLOSED,
    )


def incidents(*events: Event) -> list[str | None]:
    return [e.incident for e in group_incidents(events, [LOST])]


def test_events_that_coincide_are_one_incident() -> None:
    first, second = incidents(event("freeze", 10, 15), event("silence", 10.2, 15.1))
    assert first is not None
    assert first == second
    assert first.startswith("source_lost-")


def test_events_apart_are_none() -> None:
    assert incidents(event("freeze", 10, 15), event("silence", 17, 19)) == [None, None]


def test_one_group_alone_is_none() -> None:
    assert incidents(event("freeze", 10, 15), event("black", 15, 19)) == [None, None]


def test_other_defects_stay_out() -> None:
    assert incidents(event("freeze", 10, 15), event("silence", 10, 15), event("phase", 10, 15))[2] is None


def test_events_chain_together() -> None:
    chained = incidents(event("freeze", 0, 5), event("black", 5.5, 8), event("silence", 8.5, 9))
    assert len(set(chained)) == 1
    assert chained[0] is not None


def test_epochs_are_not_compared() -> None:
    assert incidents(event("freeze", 10, 15), event("silence", 10, 15, epoch=1)) == [None, None]


def test_two_losses_are_two_incidents() -> None:
    row = [event("freeze", t, t + 1) for t in (0, 50)] + [event("silence", t, t + 1) for t in (0, 50)]
    assert len(set(incidents(*row))) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["freeze", "black", "silence"]), st.integers(0, 60), st.integers(1, 6)),
        unique_by=lambda row: (row[0], row[1]),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_events_does_not_matter(rows: list[tuple[str, int, int]], random: st.DataObject) -> None:
    events = [event(defect, start, start + length) for defect, start, length in rows]
    expected = {e.id: e.incident for e in group_incidents(events, [LOST])}
    random.shuffle(events)  # type: ignore[attr-defined]
    assert {e.id: e.incident for e in group_incidents(events, [LOST])} == expected
