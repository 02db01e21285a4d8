"""Events as a person wants to read them: one line for an incident, and one for what comes again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from glasswatch.core.detection import Severity
from glasswatch.core.text import timecode
from glasswatch.report.model import ReportEvent
from glasswatch.report.wording import duration

RANKS = (
    ("black", "silence", "freeze", "solid_colour"),
    ("stream_error", "block_corruption", "av_length", "av_sync", "dropout"),
)
"""Defects by how much of the programme they take: all of the picture or the sound, then parts of it. What is in neither
is quality: it can be seen and heard, only worse."""

ORDER = "by severity, then loss of picture or sound before damage before quality, then by length"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event by itself, or all events of an incident; `heads` are no consequences of others."""

    events: tuple[ReportEvent, ...]

    @property
    def heads(self) -> tuple[ReportEvent, ...]:
        """The events that are alarms of their own, by onset; all where the cause is not among them."""
        ids = {event.id for event in self.events}
        return tuple(event for event in self.events if event.consequence_of not in ids)

    @property
    def worst(self) -> ReportEvent:
        """The event that stands for it."""
        return min(self.heads, key=badness)

    @property
    def start_s(self) -> float:
        """Where its first event starts."""
        return min(event.start_s for event in self.events)

    @property
    def end_s(self) -> float:
        """Where its last event ends."""
        return max(event.end_s for event in self.events)

    @property
    def length_s(self) -> float:
        """From start to end."""
        return self.end_s - self.start_s


class _Likeness(NamedTuple):
    """What is the same in all occurrences of a group."""

    severity: Severity
    incident: str | None
    defect: str
    kind: str | None
    track: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Occurrences of one defect, kind and track, or of one kind of incident, of one severity; by onset.

    Attributes:
        severity: The highest in each of them.
        incident: What the incident is called, None where one defect alone is at work, whatever it brought with it.
        occurrences: At least one.
    """

    severity: Severity
    incident: str | None
    occurrences: tuple[Occurrence, ...]

    @property
    def worst(self) -> ReportEvent:
        """The worst event of all."""
        return min((occurrence.worst for occurrence in self.occurrences), key=badness)

    @property
    def longest_s(self) -> float:
        """Length of the longest occurrence."""
        return max(occurrence.length_s for occurrence in self.occurrences)

    @property
    def total_s(self) -> float:
        """Length of all occurrences together."""
        return sum(occurrence.length_s for occurrence in self.occurrences)

    @property
    def consequences(self) -> list[tuple[str, int]]:
        """What was brought along, with the number of events; the kind is named where the defect is the cause's own."""
        heads = {event.id: event.defect for occurrence in self.occurrences for event in occurrence.heads}
        brought = (e for occurrence in self.occurrences for e in occurrence.events if e.id not in heads)
        own = set(heads.values())
        return sorted(
            Counter(f"{e.defect} {e.kind}" if e.defect in own and e.kind else e.defect for e in brought).items()
        )


def occurrences(events: Iterable[ReportEvent]) -> list[Occurrence]:
    """Incidents, and events without one, by onset."""
    by_incident: dict[str, list[ReportEvent]] = {}
    for event in sorted(events, key=lambda e: (e.start_s, e.end_s, e.id)):
        by_incident.setdefault(event.incident or f"event {event.id}", []).append(event)
    return [Occurrence(tuple(members)) for members in by_incident.values()]


def groups(events: Iterable[ReportEvent]) -> list[Group]:
    """All events in groups of what is alike, worst first: see `ORDER`."""
    alike: dict[_Likeness, list[Occurrence]] = {}
    for occurrence in occurrences(events):
        alike.setdefault(_likeness(occurrence), []).append(occurrence)
    found = [Group(likeness.severity, likeness.incident, tuple(members)) for likeness, members in alike.items()]
    return sorted(found, key=lambda g: (*badness(g.worst)[:2], -g.total_s, g.occurrences[0].start_s))


def badness(event: ReportEvent) -> tuple[int, int, float, float]:
    """Sorts events worst first."""
    rank = next((i for i, defects in enumerate(RANKS) if event.defect in defects), len(RANKS))
    return -event.severity, rank, event.start_s - event.end_s, event.start_s


def title(group: Group) -> str:
    """What it is, in identifiers: `silence audio:1`, `source_lost: black, silence`, `dropout with clicks`."""
    if group.incident is None:
        worst = group.worst
        what = " ".join(part for part in (worst.defect, worst.kind, worst.track) if part)
    else:
        heads = {event.defect for occurrence in group.occurrences for event in occurrence.heads}
        what = f"{group.incident}: {', '.join(sorted(heads))}"
    brought = ", ".join(defect for defect, _ in group.consequences)
    return f"{what} with {brought}" if brought else what


def repeats(group: Group) -> str:
    """How often, and how long at most: `41 times, first 0:03:12.000, longest 2.40 s`."""
    first = timecode(group.occurrences[0].start_s)
    return f"{len(group.occurrences)} times, first {first}, longest {duration(group.longest_s)}"


def incident_name(incident: str) -> str:
    """An incident's id without its hash."""
    return incident.rpartition("-")[0] or incident


def _likeness(occurrence: Occurrence) -> _Likeness:
    heads = {(event.defect, event.kind, event.track) for event in occurrence.heads}
    severity = max(event.severity for event in occurrence.events)
    incident = occurrence.events[0].incident
    if len(heads) == 1 or incident is None:
        defect, kind, track = next(iter(heads))
        return _Likeness(severity, None, defect, kind, track)
    return _Likeness(severity, incident_name(incident), "", None, None)
