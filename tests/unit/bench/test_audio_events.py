from __future__ import annotations

from pathlib import Path

import pytest
from bench.accuracy.model import Claim, Role
from bench.audio import summary
from bench.audio.build import Subject
from bench.audio.events import OURS, Finding, Result, answers, score
from bench.audio.peer import PEERS, merged
from bench.block.events import Score

PEER = PEERS["hum"]


def result(
    kind: str,
    spans: tuple[tuple[float, float], ...],
    *claims: Claim,
    role: Role = Role.INJECTED,
    required: bool = True,
    error: str | None = None,
    tool: str = OURS,
) -> Result:
    facts = {"mode": "m", "strength": "weak", "level": "l", "coding": "aac"} if role is Role.INJECTED else {}
    subject = Subject(f"{kind} {spans}", Path("x"), "s", "validate", role, kind, facts, spans, required)
    return Result(subject, (), {tool: Finding(claims, 0.0 if error else 3600.0, error)})


def hum(start_s: float, end_s: float, severity: str = "warning") -> Claim:
    return Claim("hum", None, start_s, end_s, severity)


def judged(*claims: Claim, spans: tuple[tuple[float, float], ...] = ((1.0, 5.0),), required: bool = True) -> Score:
    return score([result("hum", spans, *claims, required=required)], OURS, "hum")


def test_an_alarm_that_covers_half_of_both_finds_the_defect() -> None:
    total = judged(hum(2.0, 5.0))
    assert (total.recall, total.precision, total.onset(1.0)) == (1.0, 1.0, 1.0)


def test_a_fragment_finds_nothing_and_is_false() -> None:
    total = judged(hum(1.0, 2.9))
    assert (total.found, total.right, total.false) == (0, 0, 1)


def test_information_is_no_alarm() -> None:
    assert (judged(hum(1.0, 5.0, "info")).recall, judged(hum(1.0, 5.0, "info")).false) == (0.0, 0)


def test_what_is_not_required_may_be_found() -> None:
    assert judged(required=False).events == []
    found = judged(hum(1.0, 5.0), required=False)
    assert (found.recall, found.precision) == (1.0, 1.0)


def test_clicks_are_found_where_they_meet() -> None:
    assert answers(Claim("clicks", None, 1.0, 1.001), 1.04, 3.0)
    assert not answers(Claim("clicks", None, 1.0, 1.001), 1.06, 3.0)
    assert not answers(hum(1.0, 1.001), 1.0, 3.0)


def test_one_defect_taken_for_another_is_false() -> None:
    results = [result("hiss", ((1.0, 5.0),), hum(1.0, 5.0))]
    assert (score(results, OURS, "hum").false, score(results, OURS, "hiss").recall) == (1, 0.0)


def test_any_alarm_without_a_defect_is_false() -> None:
    total = score([result("rain", (), hum(1.0, 5.0), role=Role.NEGATIVE)], OURS, "hum")
    assert (total.false_per_hour, total.recall) == (1.0, None)
    assert total.most_false_per_hour == pytest.approx(4.744, abs=2e-3)


def test_a_file_that_was_not_judged_misses_its_defects_and_adds_no_hours() -> None:
    total = score([result("hum", ((1.0, 5.0),), error="no model")], OURS, "hum")
    assert (total.recall, total.hours) == (0.0, 0.0)


def test_files_that_a_tool_was_not_run_on_do_not_count() -> None:
    assert score([result("hum", ((1.0, 5.0),))], PEER, "hum").events == []


def test_false_alarms_are_told_by_where_the_sound_comes_from() -> None:
    results = [
        result("untouched", (), hum(0.0, 2.0), role=Role.CLEAN),
        result("rain", (), role=Role.NEGATIVE),
        result("hum", ((1.0, 5.0),), hum(7.0, 9.0)),
    ]
    found = summary.alarm_scores(results, lambda r: r.subject.source == "s")
    assert set(found) == {"all clean", "clean, held out", "all hard negatives", "negative: rain"}
    assert {name: by["hum"].false for name, by in found.items()} == {
        "all clean": 1,
        "clean, held out": 1,
        "all hard negatives": 0,
        "negative: rain": 0,
    }
    assert (
        "| all clean | 1.000 | 1.0 (4.7) | 0.0 (3.0) | 0.0 (3.0) | 0.0 (3.0) |" in summary.alarm_table(found).markdown()
    )


def test_events_are_told_by_defect_and_group() -> None:
    found = summary.event_scores([result("hum", ((1.0, 5.0),), hum(1.5, 5.0)), result("clicks", ((2.0, 2.1),))])
    assert {"hum", "hum, weak", "hum, m", "hum, aac", "clicks"} <= set(found)
    assert (found["hum"].recall, found["clicks"].recall) == (1.0, 0.0)
    assert set(summary.figures(found)["hum"]) >= {"f1", "onset_error_s"}


def test_files_are_told_with_their_events_or_why_there_are_none() -> None:
    assert summary.said(result("hum", (), hum(1.0, 5.0)), OURS) == "hum 1.0–5.0 (warning)"
    assert summary.said(result("hum", (), error="no model"), OURS) == "no model"
    assert summary.said(result("hum", ()), PEER) == "not run"


def test_the_peer_is_compared_on_the_files_that_it_judged() -> None:
    both = result("hum", ((1.0, 5.0),), hum(1.0, 5.0))
    both = Result(both.subject, (), {**both.findings, PEER: Finding((hum(4.0, 9.0),), 3600.0)})
    found = summary.peer_scores([both, result("hum", ((1.0, 5.0),))])
    assert (found[f"hum, damaged, {OURS}"].recall, len(found[f"hum, damaged, {OURS}"].events)) == (1.0, 1)
    assert (found[f"hum, damaged, {PEER}"].recall, found[f"hum, damaged, {PEER}"].false) == (0.0, 1)


def test_spans_close_together_join() -> None:
    assert merged([(1.9, 2.0), (1.0, 1.1), (3.1, 3.2)]) == [(1.0, 2.0), (3.1, 3.2)]
