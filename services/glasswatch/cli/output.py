"""What a person sees on the terminal: a progress bar, a summary, lines on stderr."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from glasswatch.core.detection import Severity
from glasswatch.core.text import timecode
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


def summarise(report: Report, html: Path | None) -> None:
    """Print the events, what was not judged, and where the HTML report lies."""
    console = Console(highlight=False)
    if report.events:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("from", "to", "severity", "defect", "measured"):
            table.add_column(heading, overflow="fold")
        for event in report.events:
            parts = [event.defect, event.kind, event.track]
            measured = ", ".join(f"{name} {value:.4g}" for name, value in event.measurements.items())
            table.add_row(
                timecode(event.start_s),
                timecode(event.end_s),
                f"[{STYLE[event.severity]}]{event.severity.label}[/]",
                escape(" ".join(part for part in parts if part)),
                escape(measured),
            )
        console.print(table)
    for detector in report.unjudged:
        console.print(f"[yellow]not judged[/] by {detector.name}: {escape(detector.reason or '')}")
    timing = report.timing
    rate = timing.media_s / timing.wall_s if timing.wall_s else 0.0
    counts = ", ".join(
        f"{sum(event.severity is severity for event in report.events)} {severity.label}"
        for severity in reversed(Severity)
    )
    console.print(f"{counts}; {timing.media_s:.1f} s of media in {timing.wall_s:.1f} s ({rate:.1f}x real time)")
    if html is not None:
        console.print(f"Report: {escape(str(html.resolve()))}", soft_wrap=True)
