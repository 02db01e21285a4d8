from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

from bench.sources import Source
from bench.sync.cases import ANIMATED, COURSES, DUBBED_S, FRAME_MS, SHIFTS, Case, Group, Outcome, cases
from bench.sync.course import added_ms, course
from bench.sync.recodings import RECODINGS
from bench.sync.scores import Whole, expected, of_zero, score, truths, whole, whole_clips
from bench.sync.summary import Run, clip_table, course_table, fragment_tables, nobody_table

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.time import Span


def source(name: str, use: str = "validate", *, length_s: float = 12.0) -> Source:
    return Source(name, Path(name), use, length_s, (640, 360), 1)


ONE, OTHER, LONG = source("talking/one.mp4"), source("talking/other.mp4"), source("talking/z.mp4", length_s=40.0)


def fragment(
    offset: float,
    confidence: float,
    verdict: Verdict = Verdict.OK,
    programme: float = 0.0,
    *,
    number: int = 0,
    **more: float,
) -> Detection:
    measured = {"offset": offset, "confidence": confidence, "programme_offset": programme, "programme_confidence": 0.9}
    reason = "why" if verdict is Verdict.INCONCLUSIVE else None
    span = Span(0, Fraction(4 * number), Fraction(4 * number + 4))
    score = 0.9 if verdict is Verdict.DEFECT else 0.0
    return Detection("c", "av_sync", "1", "av_sync", span, verdict, score, measured | more, reason=reason)


def unseen(number: int = 0) -> Detection:
    span = Span(0, Fraction(4 * number), Fraction(4 * number + 4))
    return Detection("c", "av_sync", "1", "av_sync", span, Verdict.INCONCLUSIVE, 0.0, reason="no face is seen")


def outcome(case: Case, *fragments: Detection) -> Outcome:
    return Outcome(case, fragments, 0, 12.0, 1.0)


def moved(frames: int, clip: Source = ONE) -> Case:
    return Case(clip, Group.MOVED, frames, recoding=RECODINGS[0])


def test_only_people_who_were_not_learned_from_are_judged() -> None:
    known, still = source("defects/syncnetfcn_offset_5.avi"), source("pristine/a.mp4")
    some = [ONE, OTHER, LONG, source("talking/learned.mp4", "train"), still, known]
    found = cases(some, quick=False)
    assert {c.source for c in found} == {ONE, OTHER, LONG, still, known}
    assert [c.shift for c in found if c.source == ONE and c.group is Group.MOVED] == [*SHIFTS]
    assert [c.voice for c in found if c.group is Group.VOICE] == [OTHER, LONG, ONE]
    [dubbed] = [c for c in found if c.group is Group.DUBBED]
    assert (dubbed.source, len(dubbed.voices), set(dubbed.voices)) == (LONG, DUBBED_S / 12, {ONE, OTHER})
    assert [c.source for c in found if c.group is Group.KNOWN] == [known]
    assert [(c.source, c.mode, c.shift) for c in found if c.group is Group.COURSE] == [(LONG, *c) for c in COURSES]
    assert len({c.label for c in found}) == len(found)
    quick = cases(some, quick=True)
    assert [c.shift for c in quick if c.group is Group.MOVED] == [-5, 5, -5]


def test_every_clip_is_moved_in_every_coding() -> None:
    people = [source(f"talking/{n}.mp4") for n in range(len(RECODINGS))]
    found = [c for c in cases(people, quick=False) if c.group is Group.MOVED]
    for one in people:
        assert Counter(c.recoding for c in found if c.source == one) == Counter(RECODINGS)
    # And every coding with every shift.
    assert Counter((c.recoding, c.shift) for c in found) == Counter((r, s) for r in RECODINGS for s in SHIFTS)
    again = [c for c in cases(people, quick=False) if c.group is Group.RECODED]
    assert Counter(c.recoding for c in again) == Counter(RECODINGS)


def test_media_in_which_nobody_talks() -> None:
    short, actors = source("pristine/a.mp4"), source("pristine/film.webm", length_s=70.0)
    drawn = source(ANIMATED[0], "train", length_s=30.01)
    silent = Source("pristine/s.mp4", Path("s"), "validate", 5.0, (640, 360), 0)
    found = cases([ONE, short, actors, drawn, silent, source("pristine/b.mp4", "train")], quick=False)
    assert [c.source for c in found if c.group is Group.NOBODY] == [short, drawn]
    assert [(c.source, c.voice) for c in found if c.group is Group.OVER] == [(short, ONE), (drawn, ONE)]


def test_files_are_measured_against_their_source_as_it_is() -> None:
    plain = outcome(Case(ONE), fragment(-60, 0.9, programme=-50))
    five = outcome(
        moved(5),
        fragment(120, 0.9),
        fragment(400, 0.3, programme=170),
        fragment(0, 0.9),
        fragment(0, 0.2, Verdict.INCONCLUSIVE),
        unseen(),
    )
    own = truths([plain, five], 0.8)
    assert own == {ONE.name: -50}
    assert expected(moved(5), own) == 5 * FRAME_MS - 50
    assert expected(Case(ONE, Group.VOICE, voice=OTHER), own) is None
    assert expected(Case(OTHER), own) is None
    found = score([five], lambda case: expected(case, own), 0.8)
    assert (found.fragments, found.talking, found.decided, found.known, found.right) == (5, 4, 3, 3, 2)
    assert (found.alarms, found.passed) == (0, 3)
    alone = score([five], lambda case: expected(case, own), 0.8, at=0.9)
    assert (alone.decided, alone.right) == (2, 1)
    # Against 0, which is where the sound was moved to: of 120, 170 and 0 one is near 200.
    assert score([five], of_zero, 0.8).right == 1
    assert of_zero(Case(ONE, Group.NOBODY)) is None


def test_whole_files_are_judged_by_what_was_said_last() -> None:
    assert whole(outcome(Case(ONE), fragment(0, 0.9, programme=10), fragment(0, 0.9, programme=20)), 0.8) == 20
    assert whole(outcome(Case(ONE), fragment(0, 0.9)), 0.95) is None
    assert whole(outcome(Case(ONE)), 0.8) is None
    plain, three = outcome(Case(ONE), fragment(0, 1)), outcome(moved(3), fragment(0, 1, programme=200))
    unknown = outcome(moved(3), unseen())
    assert whole_clips([plain, three, unknown], of_zero, 0.8) == Whole(files=3, known=3, decided=2, right=1)


def test_what_was_added_in_the_course_of_time() -> None:
    assert added_ms(Case(LONG, Group.COURSE, 2), 3.0) == 80
    assert added_ms(Case(LONG, Group.COURSE, 2, "drift"), 10.0) == 20
    step = Case(LONG, Group.COURSE, 5, "step")
    assert (added_ms(step, 19.9), added_ms(step, 20.0)) == (0, 200)


def test_a_step_counts_from_where_it_is() -> None:
    step = Case(LONG, Group.COURSE, 5, "step")
    offsets = [0, 0, 0, 0, 0, 60, 180, 240, 190, 170]
    found = outcome(step, *(fragment(0, 0.9, programme=ms - 50, number=n) for n, ms in enumerate(offsets)))
    one = course(found, {LONG.name: -50}, 0.8)
    assert (one.true, one.of_zero, one.found) == (150, 200, 120)
    # Known in the fragment that ends at 28 s, though before the step too.
    assert one.known_after_s == 8
    unsure = outcome(step, *(fragment(0, 0.9, programme=150, number=n) for n in range(9)), fragment(0, 0.9, number=9))
    assert course(unsure, {LONG.name: -50}, 0.8).known_after_s is None
    assert course(outcome(step, unseen()), {LONG.name: -50}, 0.8).found is None
    assert course(found, {}, 0.8).true is None


def test_a_drift_is_told_by_the_minute() -> None:
    drift = Case(LONG, Group.COURSE, 2, "drift")
    found = outcome(
        drift, *(fragment(0, 0.9, programme=2 * (4 * n + 2), drift=110, drifting=0.7, number=n) for n in range(10))
    )
    one = course(found, {LONG.name: 0}, 0.8)
    assert (one.drift_made, one.drift_found, one.drifting) == (120, 110, 0.7)
    assert (one.true, one.found, one.known_after_s) == (76, 76, 4)


def test_tables_hold_what_was_counted() -> None:
    done = [
        outcome(Case(ONE), fragment(0, 0.9), unseen(1)),
        outcome(moved(5), fragment(200, 0.9, Verdict.DEFECT), fragment(0, 0.9)),
        outcome(moved(-5), fragment(-200, 0.2, Verdict.INCONCLUSIVE)),
        outcome(Case(ONE, Group.OVER, voice=OTHER), fragment(0, 0.9), unseen(1), unseen(2)),
    ]
    run = Run(done, truths(done, 0.8), 0.8)
    by_group, by_shift, by_coding = fragment_tables(run)
    assert [row[0] for row in by_group.rows] == ["as it is", "moved and re-encoded", "nobody talks, voice-over"]
    assert by_group.rows[1][1:] == ["2", "3", "3", "2", "0.667", "0.500", "0.500", "1", "0.500", "0"]
    assert [row[:2] for row in by_shift.rows] == [["-5", "1"], ["+5", "1"]]
    assert [row[:2] for row in by_coding.rows] == [[RECODINGS[0].name, "2"]]
    (clip,) = clip_table(run).rows
    assert clip == [ONE.name, "0", "2", "1", "0", "0", "3", "2", "0.667", "0.500", "0.500", "no face is seen (1)"]
    *_, none, over = nobody_table(run).rows
    assert none[1:] == ["0", "0", "0", "0", "–", "0", ""]
    assert over[1:] == ["3", "1", "0", "1", "0.333", "0", "no face is seen (2)"]
    assert course_table([course(done[0], dict(run.own), 0.8)]).rows[0][:4] == [f"{ONE.name}: nothing", "0", "0", "0"]
