"""A detector's lane of the timeline: a bar for each event, and columns of density where bars would run together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from glasswatch.report.wording import amount

COLUMNS = 250
"""Columns of the axis: four pixels and more on a usual screen, which is what two bars need between them."""

PALEST = 0.3
"""Opacity of a column that is hardly touched; one that is full is opaque."""


class Drawn(Protocol):
    """What a lane needs to know of an event; positions are percent of the axis."""

    @property
    def number(self) -> int:
        """What timeline, cards and table call it."""

    @property
    def severity(self) -> str:
        """Its severity in a word."""

    @property
    def summary(self) -> str:
        """One line, for hovering."""

    @property
    def left(self) -> float:
        """Where it starts."""

    @property
    def width(self) -> float:
        """How long it is."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, or a column that stands for `count` events; `opacity` is 1 for a bar."""

    number: int
    severity: str
    left: float
    width: float
    summary: str
    opacity: float = 1.0
    count: int = 1


def bars(events: Iterable[Drawn], length_s: float) -> list[Bar]:
    """What to draw for the events of one lane, the gravest last so that it lies on top.

    Args:
        events: Of one detector, by onset.
        length_s: Length of the axis.
    """
    drawn: list[Bar] = []
    by_severity: dict[str, list[Drawn]] = {"info": [], "warning": [], "error": []}
    for event in events:
        by_severity[event.severity].append(event)
    for alike in by_severity.values():
        crowded = _crowded(alike)
        drawn += [Bar(e.number, e.severity, e.left, e.width, e.summary) for e in alike if e.number not in crowded]
        drawn += _columns([e for e in alike if e.number in crowded], length_s)
    return drawn


def _crowded(events: Sequence[Drawn]) -> set[int]:
    """Numbers of short events whose neighbours are nearer than a column."""
    step = 100 / COLUMNS
    found = set()
    short = [event for event in events if event.width < step]
    for one, other in pairwise(short):
        if other.left - (one.left + one.width) < step:
            found |= {one.number, other.number}
    return found


def _columns(events: Iterable[Drawn], length_s: float) -> list[Bar]:
    step = 100 / COLUMNS
    columns: dict[int, list[Drawn]] = {}
    for event in events:
        columns.setdefault(min(int(event.left / step), COLUMNS - 1), []).append(event)
    found = []
    for column, members in columns.items():
        share = min(1.0, sum(event.width for event in members) / step)
        first = members[0]
        summary = first.summary
        if len(members) > 1:
            summary = f"{len(members)} times {first.severity} within {amount(length_s / COLUMNS)}, the first: {summary}"
        opacity = round(PALEST + (1 - PALEST) * share, 2)
        left = round(column * step, 4)
        found.append(Bar(first.number, first.severity, left, round(0.75 * step, 4), summary, opacity, len(members)))
    return found
