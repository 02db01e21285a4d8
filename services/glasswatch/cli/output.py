"""What a person sees on the terminal: a progress bar, a summary, lines on stderr."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from glasswatch.cli.table import line, show
from glasswatch.core.detection import Severity
from glasswatch.core.text import timecode
from glasswatch.report.gaps import gaps, unread_words
from glasswatch.report.groups import Group, groups, repeats, title
from glasswatch.report.harmless import harmless
from glasswatch.report.model import Report
from glasswatch.runtime.inspect import Progress

REFRESH_S = 0.1
STYLE = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "bold red"}


class ProgressBar:
    """Rate, remaining time and events so far, on a terminal only."""

    def __init__(self, *, shown: bool) -> None:
        console = Console(stderr=True)
        self._bar = RichProgress(
            TextColumn("{task.fields[position]}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[events]} events"),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self._task = self._bar.add_task("inspect", total=None, position="", rate="", events=0)
        self._due = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, progress: Progress) -> None:
        """Show how far it has come."""
        now = time.monotonic()
        if self._bar.disable or now < self._due:
            return
        self._due = now + REFRESH_S
        self._bar.update(
            self._task,
            total=progress.duration_s,
            completed=progress.position_s,
            position=timecode(progress.position_s),
            rate=f"{progress.position_s / max(progress.wall_s, 1e-3):.1f}x",
            events=progress.events,
        )


LISTED = 3
"""So many events that are alike are listed one by one; more are one line."""


def summarise(report: Report, html: Path | None) -> None:
    """Print the events, what was not judged, and where the HTML report lies."""
    report = harmless(report)
    if report.events:
        rows = [row for group in groups(report.events) for row in _rows(group)]
        show(("from", "to", "severity", "defect", "measured"), sorted(rows, key=lambda row: row[0]))
    missed = gaps(report)
    for gap in missed:
        line(str(gap), mark="not judged:", style="yellow")
    timing = report.timing
    rate = timing.media_s / timing.wall_s if timing.wall_s else 0.0
    counts = [
        f"{sum(event.severity is severity for event in report.events)} {severity.label}"
        for severity in reversed(Severity)
    ]
    if left := len(report.input.not_judged):
        counts.append(f"{left} part{'s' * (left > 1)} of the input not judged")
    if report.unread is not None:
        counts.append(f"not judged: {unread_words(report)}")
    line(f"{', '.join(counts)}; {timing.media_s:.1f} s of media in {timing.wall_s:.1f} s ({rate:.1f}x real time)")
    if html is not None:
        line(f"Report: {html.resolve()}")


def _rows(group: Group) -> list[tuple[str, str, tuple[str, str], str, str]]:
    """The table's rows for events that are alike."""
    count = len(group.occurrences)
    alone = [Group(group.severity, group.incident, (one,)) for one in group.occurrences]
    return [
        (
            timecode(each.occurrences[0].start_s),
            timecode(max(one.end_s for one in each.occurrences)),
            (each.severity.label, STYLE[each.severity]),
            title(each),
            repeats(each) if count > LISTED else _measured(each),
        )
        for each in (alone if count <= LISTED else [group])
    ]


def _measured(group: Group) -> str:
    """Readings of an event that stands by itself; those of an incident are many."""
    heads = group.occurrences[0].heads
    values = heads[0].measurements.items() if len(heads) == 1 else ()
    return ", ".join(f"{name} {value:.4g}" for name, value in values)
