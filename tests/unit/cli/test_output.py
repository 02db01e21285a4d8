"""What the terminal shows, and what a program reads from a pipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from glasswatch.cli import table
from glasswatch.cli.messages import say
from glasswatch.cli.output import LISTED, summarise
from glasswatch.core.detection import Severity
from tests.unit.report.samples import BLACK, DETECTORS, FULL_INPUT, SILENCE, TIMING, clean_report, make_report


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_row_is_one_line_where_a_program_reads_it(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(("name", "takes", "from"), [("a", "x" * 300, "here"), ("bb", "one\ntwo", ("there", "red"))])
    head, first, second = printed(capsys)
    assert head.split() == ["name", "takes", "from"]
    assert first.split() == ["a", "x" * 300, "here"]
    assert second.split("  ", 1)[0] == "bb"
    assert "one; two" in second
    assert [line.index(word) for line, word in ((head, "from"), (first, "here"), (second, "there"))] == [308] * 3
    assert head == head.rstrip()


def test_columns_fit_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "Console", lambda **_: Console(force_terminal=True, width=60, color_system=None))
    table.show(("name", "takes"), [("a", "word " * 40)])
    assert max(map(len, printed(capsys))) <= 60


def test_a_table_without_headings_or_rows(capsys: pytest.CaptureFixture[str]) -> None:
    table.show((), [("kafka", "runs"), ("triton-server", "stopped")])
    table.show((), [])
    table.show(("a", "b"), [])
    assert printed(capsys) == ["kafka          runs", "triton-server  stopped", "a  b"]


def test_control_characters_reach_no_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07[bold]\u202e"
    table.show((), [(hostile,)])
    say(hostile)
    failed = replace(DETECTORS[3], reason=hostile)
    event = replace(SILENCE, track=hostile, kind=hostile)
    summarise(make_report(detectors=(*DETECTORS[:2], failed), events=(event,)), tmp_path / hostile)
    streams = capsys.readouterr()
    for text in (streams.out, streams.err):
        assert not set("\x1b\x07\u202e") & set(text)
        assert r"\x1b]0;owned\x07[bold]\u202e" in text


def test_what_is_alike_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    events = [replace(BLACK, id=f"b{i}", start_s=9.0 * i, end_s=9.0 * i + 1 + i / 10) for i in range(LISTED + 1)]
    summarise(make_report(events=(*events, SILENCE)), None)
    _, black, silence, *_ = printed(capsys)
    assert black.split()[:4] == ["0:00:00.000", "0:00:28.300", "error", "black"]
    assert black.endswith("4 times, first 0:00:00.000, longest 1.30 s")
    assert "level_dbfs -inf" in silence


def test_a_few_alike_are_listed_by_onset(capsys: pytest.CaptureFixture[str]) -> None:
    info = replace(SILENCE, severity=Severity.INFO, start_s=20.0, end_s=21.0)
    events = [replace(BLACK, id=f"b{i}", start_s=9.0 * i, end_s=9.0 * i + 1) for i in range(LISTED)]
    summarise(make_report(events=(info, *events)), None)
    assert [line.split()[3] for line in printed(capsys)[1:5]] == ["black", "black", "black", "silence"]


def test_what_was_not_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = replace(
        clean_report(),
        input=replace(FULL_INPUT, duration_s=7260.0),
        timing=replace(TIMING, media_s=1020.0),
        complete=False,
        stopped="interrupted after 1020.0 s of media",
    )
    summarise(report, None)
    gap, counts = printed(capsys)
    assert gap == "not judged: 104 minutes: 0:17:00.000 to 2:01:00.000, interrupted after 1020.0 s of media"
    assert counts.startswith("0 error, 0 warning, 0 info, not judged: 104 minutes;")
