from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from bench.sources import Source
from bench.sync.cases import FRAME_MS, SHIFTS, Case, Outcome, cases
from bench.sync.scores import expected, score, truths, whole, whole_clips

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.time import Span


def source(name: str, use: str = "validate") -> Source:
    return Source(name, Path(name), use, 12.0, (640, 360), 1)


ONE, OTHER = source("talking/one.mp4"), source("talking/other.mp4")


def fragment(offset: float, confidence: float, verdict: Verdict = Verdict.OK, programme: float = 0.0) -> Detection:
    measured = {"offset": offset, "confidence": confidence, "programme_offset": programme, "programme_confidence": 0.9}
    reason = "why" if verdict is Verdict.INCONCLUSIVE else None
    span = Span(0, Fraction(0), Fraction(4))
    return Detection("c", "av_sync", "1", "av_sync", span, verdict, 0.0, measured, reason=reason)


def outcome(case: Case, *fragments: Detection) -> Outcome:
    return Outcome(case, fragments, 0, 12.0, 1.0)


def test_only_people_who_were_not_learned_from_are_judged() -> None:
    known = source("defects/syncnetfcn_offset_5.avi")
    found = cases([ONE, OTHER, source("talking/learned.mp4", "train"), source("pristine/a.mp4"), known], quick=False)
    assert {c.source for c in found} == {ONE, OTHER, known}
    assert [c.shift for c in found if c.source == ONE and c.voice is None] == [0, *SHIFTS]
    assert [(c.source, c.voice) for c in found if c.voice] == [(ONE, OTHER), (OTHER, ONE)]


def test_files_are_measured_against_their_source_as_it_is() -> None:
    plain = outcome(Case(ONE), fragment(-60, 0.9, programme=-50))
    moved = outcome(
        Case(ONE, 5),
        fragment(120, 0.9),
        fragment(400, 0.3, programme=170),
        fragment(0, 0.9),
        fragment(0, 0.2, Verdict.INCONCLUSIVE),
    )
    own = truths([plain, moved], 0.8)
    assert own == {ONE.name: -50}
    assert expected(Case(ONE, 5), own) == 5 * FRAME_MS - 50
    assert expected(Case(ONE, voice=OTHER), own) is None
    assert expected(Case(OTHER), own) is None
    found = score([moved], lambda case: expected(case, own), 0.8)
    assert (found.fragments, found.talking, found.decided, found.known, found.right) == (4, 4, 3, 3, 2)
    alone = score([moved], lambda case: expected(case, own), 0.8, at=0.9)
    assert (alone.decided, alone.right) == (2, 1)


def test_whole_files_are_judged_by_what_was_said_last() -> None:
    assert whole(outcome(Case(ONE), fragment(0, 0.9, programme=10), fragment(0, 0.9, programme=20)), 0.8) == 20
    assert whole(outcome(Case(ONE), fragment(0, 0.9)), 0.95) is None
    assert whole(outcome(Case(ONE)), 0.8) is None
    plain, moved = outcome(Case(ONE), fragment(0, 1)), outcome(Case(ONE, 3), fragment(0, 1, programme=200))
    assert whole_clips([plain, moved], lambda case: FRAME_MS * case.shift, 0.8) == (2, 2, 1)
