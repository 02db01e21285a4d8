"""Grouping events that have one cause, so that an operator gets one alarm and not five."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from glasswatch.aggregator.consequences import Consequence, ConsequenceRule, find_consequences, is_named
from glasswatch.core.detection import Event, EventState, Severity
from glasswatch.core.text import timecode


class IncidentRule(BaseModel):
    """Defects that together tell of one cause.

    Attributes:
        name: What the cause is called.
        needs: Groups of defects (`defect/kind` names one kind); an incident has at least one event of each group.
        within_s: Events belong together when the gap between them is at most this many seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    needs: tuple[frozenset[str], ...] = Field(min_length=2)
    within_s: Annotated[float, Field(ge=0)]

    @property
    def reach_s(self) -> float:
        """How far apart events may lie that this rule brings together."""
        return self.within_s

    @property
    def defects(self) -> frozenset[str]:
        """Every defect that it names."""
        return frozenset().union(*self.needs)


def _form(rule: Any) -> str:
    is_consequence = "causes" in rule if isinstance(rule, Mapping) else isinstance(rule, ConsequenceRule)
    return "consequence" if is_consequence else "incident"


Rule = Annotated[
    Annotated[IncidentRule, Tag("incident")] | Annotated[ConsequenceRule, Tag("consequence")], Discriminator(_form)
]
"""A rule as data; what has `causes` is a `ConsequenceRule`."""


def group_incidents(events: Sequence[Event], rules: Sequence[IncidentRule | ConsequenceRule]) -> list[Event]:
    """The same events, each with the id of its incident or None, and consequences folded into their causes.

    The result depends on the set of events only, not on their order: for each rule, events that chain together within
    `within_s` form a cluster, and a cluster that has every group is an incident, named after the rule and its first
    event. An event takes the first rule that claims it. A consequence becomes information, takes the incident of its
    cause, and hands its severity on to it.
    """
    ordered = sorted(events, key=lambda e: (e.span, e.id))
    incident_of: dict[str, str] = {}
    for rule in rules:
        if isinstance(rule, IncidentRule):
            _cluster(rule, ordered, incident_of)
    found = find_consequences(ordered, [rule for rule in rules if isinstance(rule, ConsequenceRule)])
    severity_of = {e.id: e.severity for e in events}
    for event, consequence in found:
        cause = consequence.cause
        incident = incident_of.setdefault(cause.id, _incident_id(consequence.rule.name, cause))
        incident_of[event.id] = incident
        if event.state is EventState.CLOSED:
            severity_of[cause.id] = max(severity_of[cause.id], event.severity)
    consequences = {event.id: consequence for event, consequence in found}
    return [
        _folded(e, consequences[e.id], incident_of[e.id])
        if e.id in consequences
        else replace(e, incident=incident_of.get(e.id), severity=severity_of[e.id])
        for e in events
    ]


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


def _cluster(rule: IncidentRule, ordered: Iterable[Event], incident_of: dict[str, str]) -> None:
    members = [e for e in ordered if is_named(e, rule.defects)]
    for cluster in clusters(members, rule.within_s):
        if all(any(is_named(e, group) for e in cluster) for group in rule.needs):
            incident = _incident_id(rule.name, cluster[0])
            for event in cluster:
                incident_of.setdefault(event.id, incident)


def _folded(event: Event, consequence: Consequence, incident: str) -> Event:
    cause = consequence.cause
    why = f"consequence of {cause.defect} at {timecode(float(cause.position))}"
    return replace(
        event,
        severity=Severity.INFO,
        incident=incident,
        consequence_of=cause.id,
        reason=f"{event.reason}; {why}" if event.reason else why,
    )


def _incident_id(rule: str, first: Event) -> str:
    return f"{rule}-{hashlib.sha256(first.id.encode()).hexdigest()[:8]}"
