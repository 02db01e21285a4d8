"""Events for these tests."""

from __future__ import annotations

from fractions import Fraction

from glasswatch.core.detection import Event, EventState, Severity, event_id
from glasswatch.core.time import Span

STEPS = [
    (Fraction(1), Severity.INFO, EventState.OPEN),
    (Fraction(2), Severity.WARNING, EventState.OPEN),
    (Fraction(5), Severity.ERROR, EventState.OPEN),
    (Fraction(7), Severity.ERROR, EventState.CLOSED),
]


def history(channel: str, onset: int = 0) -> list[Event]:
    """The versions of one event, oldest first."""
    start = Fraction(onset)
    return [
        Event(
            id=event_id(channel, "freeze", None, None, 0, start),
            channel=channel,
            defect="freeze",
            detector="freeze",
            version="1",
            severity=severity,
            span=Span(0, start, start + length),
            score=0.75,
            state=state,
            measurements={"motion": 0.5},
            position=start,
        )
        for length, severity, state in STEPS
    ]
