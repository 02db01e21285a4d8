"""What was not judged, in words: silence about it must not look like "nothing wrong"."""

from __future__ import annotations

from dataclasses import dataclass

from glasswatch.core.text import timecode
from glasswatch.report.model import Report
from glasswatch.report.wording import amount


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not judged.

    Attributes:
        what: What it is: a length of time, or who could not judge.
        reason: Why.
        status: "unread" for what was not read, "beside" for what the input holds besides what is judged, else the
            detector's status.
    """

    what: str
    reason: str
    status: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.what}: {self.reason}" if self.reason else self.what


def gaps(report: Report) -> list[Gap]:
    """Everything that was not judged, what was not read first."""
    found = []
    if report.unread is not None:
        start_s, end_s = report.unread
        where = f"from {timecode(start_s)} on" if end_s is None else f"{timecode(start_s)} to {timecode(end_s)}"
        found.append(Gap(unread_words(report), f"{where}, {report.stopped}", "unread"))
    found += [Gap(line, "", "beside") for line in report.input.not_judged]
    found += [Gap(d.name, d.reason or "", d.status.value) for d in report.unjudged]
    return found


def unread_words(report: Report) -> str:
    """How much was not read: a length, or that it is not known; empty where all was."""
    if report.unread is None:
        return ""
    start_s, end_s = report.unread
    return "the rest, of unknown length" if end_s is None else amount(end_s - start_s)
