"""Grouping events that have one cause, so that an operator gets one alarm and not five."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from glasswatch.core.detection import Event


class IncidentRule(BaseModel):
    """Defects that together tell of one cause.

    Attributes:
        name: What the cause is called.
        needs: Groups of defects; an incident has at least one event of each group.
        within_s: Events belong together when the gap between them is at most this many seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    needs: tuple[frozenset[str], ...] = Field(min_length=2)
    within_s: Annotated[float, Field(ge=0)]


def group_incidents(events: Sequence[Event], rules: Sequence[IncidentRule]) -> list[Event]:
    """The same events, each with the id of its incident or None.

    The result depends on the set of events only, not on their order: for each rule, events that chain together within
    `within_s` form a cluster, and a cluster that has every group is an incident, named after the rule and its first
    event. An event takes the first rule that claims it.
    """
    ordered = sorted(events, key=lambda e: (e.span, e.id))
    incident_of: dict[str, str] = {}
    for rule in rules:
        members = [e for e in ordered if any(e.defect in group for group in rule.needs)]
        for cluster in clusters(members, rule.within_s):
            if all(any(e.defect in group for e in cluster) for group in rule.needs):
                incident = _incident_id(rule.name, cluster[0])
                for event in cluster:
                    incident_of.setdefault(event.id, incident)
    return [replace(e, incident=incident_of.get(e.id)) for e in events]


def clusters(members: Sequence[Event], within_s: float | Fraction) -> list[list[Event]]:
    """Members in order of onset, cut wherever the next starts too long after all before have ended."""
    clusters: list[list[Event]] = []
    reach: tuple[int, Fraction] | None = None
    for event in members:
        joins = reach is not None and reach[0] == event.span.epoch and event.span.start - reach[1] <= within_s
        if joins and reach is not None:
            clusters[-1].append(event)
            reach = (reach[0], max(reach[1], event.span.end))
        else:
            clusters.append([event])
            reach = (event.span.epoch, event.span.end)
    return clusters


def _incident_id(rule: str, first: Event) -> str:
    return f"{rule}-{hashlib.sha256(first.id.encode()).hexdigest()[:8]}"
