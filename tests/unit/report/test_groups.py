"""What is alike is one line, worst first."""

from __future__ import annotations

from dataclasses import replace

from glasswatch.core.detection import Severity
from glasswatch.report.groups import groups, repeats, title
from glasswatch.report.model import ReportEvent
from tests.unit.report.samples import BLACK, SILENCE


def event(defect: str, start: float, length: float = 1.0, **changes: object) -> ReportEvent:
    fields = {"kind": None, "track": None, "reason": None, "severity": Severity.ERROR, **changes}
    return replace(SILENCE, id=f"{defect}{start}", defect=defect, start_s=start, end_s=start + length, **fields)  # type: ignore[arg-type]


def lines(*events: ReportEvent) -> list[tuple[str, int]]:
    return [(title(group), len(group.occurrences)) for group in groups(events)]


def test_a_wall_of_incidents_is_one_line_with_its_count() -> None:
    wall = [event(defect, 10.0 * i, incident=f"source_lost-{i}") for i in range(40) for defect in ("black", "silence")]
    assert lines(*wall) == [("source_lost: black, silence", 40)]


def test_repeats_are_told_apart_by_kind_track_and_severity() -> None:
    alike = [event("silence", 10.0 * i, 1 + i, track="audio:1") for i in range(3)]
    other = event("silence", 1.0, track="audio:0"), event("silence", 2.0, track="audio:1", severity=Severity.INFO)
    assert sorted(lines(*alike, *other)) == [("silence audio:0", 1), ("silence audio:1", 1), ("silence audio:1", 3)]
    (first, *_) = groups(alike)
    assert repeats(first) == "3 times, first 0:00:00.000, longest 3.00 s"


def test_what_a_defect_brings_along_does_not_set_it_apart() -> None:
    with_click = (
        event("dropout", 5, incident="broken-1"),
        event("clicks", 5, severity=Severity.INFO, incident="broken-1", consequence_of="dropout5"),
    )
    (group,) = groups([*with_click, event("dropout", 9)])
    assert (title(group), len(group.occurrences), group.consequences) == ("dropout with clicks", 2, [("clicks", 1)])


def test_another_kind_of_the_same_defect_is_called_by_its_kind() -> None:
    row = (
        event("clipping", 5, kind="full_scale", incident="over-1"),
        event("clipping", 4, kind="true_peak", severity=Severity.INFO, incident="over-1", consequence_of="clipping5"),
    )
    assert lines(*row) == [("clipping full_scale with clipping true_peak", 1)]


def test_loss_of_sound_comes_before_a_longer_inverted_pair() -> None:
    assert lines(event("phase", 0, 60), event("silence", 3, 2), event("black", 90, 1)) == [
        ("silence", 1),
        ("black", 1),
        ("phase", 1),
    ]


def test_a_warning_comes_behind_every_error() -> None:
    assert lines(replace(BLACK, severity=Severity.WARNING), event("phase", 0, 1)) == [("phase", 1), ("black", 1)]


def test_of_equals_what_takes_longest_in_all_comes_first() -> None:
    often = [event("silence", 10.0 * i, 2) for i in range(4)]
    assert lines(event("black", 3, 5), *often) == [("silence", 4), ("black", 1)]
