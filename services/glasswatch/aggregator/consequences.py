"""Which events are consequences of others: the click at the edge of a hole is no defect of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from glasswatch.core.detection import Event, EventState, Severity

Seconds = Annotated[float, Field(ge=0)]


class ConsequenceRule(BaseModel):
    """Defects that bring others with them.

    A consequence lies wholly where its cause reaches: from `before_s` before the cause to `after_s` behind it, or, with
    `inside` false, so near to one of its two edges. Causes that lie near to each other reach from the first to the
    last, since a detector makes one event of what they bring.

    Attributes:
        name: What the incident is called, where the cause has none.
        causes: Defects that bring others; `defect/kind` names one kind of a defect.
        consequences: What they bring, in the same way.
        before_s: How long before the cause, or an edge of it, a consequence may begin, in seconds.
        after_s: How long behind it a consequence may end.
        inside: Whether what lies between the edges is a consequence too.
        apart_s: Gaps between causes that are bridged: those that the detector of the consequence bridges.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    causes: frozenset[str] = Field(min_length=1)
    consequences: frozenset[str] = Field(min_length=1)
    before_s: Seconds
    after_s: Seconds
    inside: bool = True
    apart_s: Seconds = 0.0

    @property
    def reach_s(self) -> float:
        """How far apart events may lie that this rule brings together."""
        return max(self.before_s, self.after_s) + self.apart_s

    @property
    def defects(self) -> frozenset[str]:
        """Every defect that it names."""
        return self.causes | self.consequences


def is_named(event: Event, names: Collection[str]) -> bool:
    """Whether its defect, or `defect/kind`, is among the names."""
    return event.defect in names or f"{event.defect}/{event.kind}" in names


@dataclass(frozen=True, slots=True)
class Consequence:
    """Of what an event is a consequence; the cause is none itself."""

    rule: ConsequenceRule
    cause: Event


@dataclass(frozen=True, slots=True)
class _Window:
    """Where a cause reaches, in seconds of its epoch."""

    start: Fraction
    end: Fraction
    cause: Event


@dataclass(slots=True)
class _Chain:
    """Windows by where they start, without a gap that is not bridged; `end` is as far as they reach."""

    windows: list[_Window]
    end: Fraction


def find_consequences(ordered: Sequence[Event], rules: Sequence[ConsequenceRule]) -> list[tuple[Event, Consequence]]:
    """Every consequence with its cause, which may be the cause of a cause; the first rule that fits decides.

    Information explains no alarm: a cause is a warning at least. An event that still lasts is only folded into one as
    severe as itself; once it has ended it hands its severity on. So nothing becomes less severe as a whole, and what
    has been folded stays so, since causes only grow.

    Args:
        ordered: Events by span and id, as the detectors' rules made them.
        rules: In order of precedence.
    """
    direct: dict[str, Consequence] = {}
    for rule in rules:
        for event, cause in _pairs(ordered, rule):
            if event.id not in direct and _root(direct, cause).id != event.id:
                direct[event.id] = Consequence(rule, cause)
    found = []
    for event in ordered:
        if event.id in direct:
            cause = _root(direct, event)
            found.append((event, Consequence(direct[event.id].rule, cause)))
    return found


def _root(direct: dict[str, Consequence], event: Event) -> Event:
    while event.id in direct:
        event = direct[event.id].cause
    return event


def _pairs(ordered: Sequence[Event], rule: ConsequenceRule) -> Iterator[tuple[Event, Event]]:
    """Events and what would have caused them by one rule."""
    causes = [e for e in ordered if is_named(e, rule.causes) and e.severity >= Severity.WARNING]
    if not causes:
        return
    chains: dict[tuple[int, str | None], list[_Chain]] = {}
    for event in ordered:
        if not is_named(event, rule.consequences):
            continue
        place = event.span.epoch, event.track
        if place not in chains:
            chains[place] = _chains([c for c in causes if _may_touch(c, *place)], rule)
        window = _window_around(event, chains[place])
        if window is not None and (event.state is EventState.CLOSED or event.severity <= window.cause.severity):
            yield event, window.cause


def _may_touch(cause: Event, epoch: int, track: str | None) -> bool:
    """Whether a cause may show on a track: one without a track may show on all."""
    return cause.span.epoch == epoch and (cause.track is None or track is None or cause.track == track)


def _chains(causes: Iterable[Event], rule: ConsequenceRule) -> list[_Chain]:
    """Where the causes reach, in order."""
    chains: list[_Chain] = []
    for window in sorted((w for c in causes for w in _windows(c, rule)), key=lambda w: (w.start, w.end, w.cause.id)):
        if chains and window.start - chains[-1].end <= rule.apart_s:
            chains[-1].windows.append(window)
            chains[-1].end = max(chains[-1].end, window.end)
        else:
            chains.append(_Chain([window], window.end))
    return chains


def _windows(cause: Event, rule: ConsequenceRule) -> Iterator[_Window]:
    before, after = Fraction(rule.before_s), Fraction(rule.after_s)
    start, end = cause.span.start, cause.span.end
    if rule.inside:
        yield _Window(start - before, end + after, cause)
        return
    yield _Window(start - before, start + after, cause)
    if cause.state is EventState.CLOSED:
        yield _Window(end - before, end + after, cause)


def _window_around(event: Event, chains: Sequence[_Chain]) -> _Window | None:
    """The last window that is open when the event begins, if its chain reaches beyond the event's end."""
    index = bisect_right(chains, event.span.start, key=lambda chain: chain.windows[0].start) - 1
    if index < 0 or event.span.end > chains[index].end:
        return None
    windows = chains[index].windows
    window = windows[bisect_right(windows, event.span.start, key=lambda w: w.start) - 1]
    return window if window.cause.id != event.id else None
