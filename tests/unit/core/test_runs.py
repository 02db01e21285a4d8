from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.detection import Verdict
from glasswatch.core.runs import LONGEST, Reading, Runs
from glasswatch.core.time import Span

FRAME = Fraction(1, 25)
OK = Reading(Verdict.OK, 0.1)
BAD = Reading(Verdict.DEFECT, 0.9)


def run(readings: list[Reading], least: int = 1) -> list[tuple[Span, Reading]]:
    runs = Runs(least=least)
    found = []
    for i, reading in enumerate(readings):
        found += runs.add(Span(0, i * FRAME, (i + 1) * FRAME), reading)
    return [*found, *runs.end()]


def test_like_readings_become_one_run_with_exact_edges() -> None:
    found = run([OK, OK, BAD, BAD, BAD, OK])
    assert [(s.start / FRAME, s.end / FRAME, r.verdict) for s, r in found] == [
        (0, 2, Verdict.OK),
        (2, 5, Verdict.DEFECT),
        (5, 6, Verdict.OK),
    ]


def test_a_run_of_too_few_defects_counts_as_ok() -> None:
    found = run([OK, BAD, BAD, OK, BAD, BAD, BAD], least=3)
    assert [r.verdict for _, r in found] == [Verdict.OK, Verdict.OK, Verdict.OK, Verdict.DEFECT]
    assert all(r.score < 0.5 for _, r in found if r.verdict is Verdict.OK)


def test_a_long_run_is_told_in_parts_and_its_rest_needs_no_new_proof() -> None:
    found = run([BAD] * 27, least=3)
    assert [(s.start, s.end) for s, _ in found] == [(0, LONGEST), (LONGEST, 27 * FRAME)]
    assert all(r.verdict is Verdict.DEFECT for _, r in found)


def test_the_worst_reading_of_a_run_speaks_for_it() -> None:
    worse = Reading(Verdict.DEFECT, 0.95, {"luma": 3.0})
    ((_, reading),) = run([BAD, worse, BAD])
    assert reading.measurements == {"luma": 3.0}
    assert reading.at == FRAME


def test_a_hole_in_time_ends_a_run() -> None:
    runs = Runs()
    first = list(runs.add(Span(0, Fraction(0), Fraction(1)), BAD))
    second = list(runs.add(Span(0, Fraction(2), Fraction(3)), BAD))
    assert (len(first), len(second)) == (0, 1)


@given(st.lists(st.sampled_from([OK, BAD]), max_size=80), st.integers(1, 5))
def test_runs_tile_the_time_that_was_judged(readings: list[Reading], least: int) -> None:
    found = run(readings, least)
    edges = [s.start for s, _ in found] + [len(readings) * FRAME]
    assert [s.end for s, _ in found] == edges[1:]
    assert all(s.duration <= LONGEST + FRAME for s, r in found if r.verdict is Verdict.OK)
