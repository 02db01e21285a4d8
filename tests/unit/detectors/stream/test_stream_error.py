"""stream_error: which facts become which events, and how severe."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant
from tests.support import detect, events_of, make_detector

SILENT = {FactKind.STREAM_STARTED, FactKind.STREAM_ENDED, FactKind.PROGRESS, FactKind.JOIN}


def fact(
    kind: FactKind, at: float = 1.0, *, epoch: int = 0, count: int = 1, stream: str = "video:0", **values: float
) -> StreamFact:
    instant = Instant(epoch, Fraction(at).limit_denominator(90_000))
    return StreamFact(kind, instant, stream, "something is wrong", count, values)


def passing(seconds: int, start: int = 0) -> list[StreamFact]:
    return [fact(FactKind.PROGRESS, t) for t in range(start, start + seconds)]


def test_a_stream_without_faults_has_no_events_and_is_ok_throughout() -> None:
    units = [fact(FactKind.STREAM_STARTED, 0), *passing(10), fact(FactKind.STREAM_ENDED, 9.5, start_s=0, end_s=9.5)]
    assert events_of("stream_error", units) == []
    found = detect(make_detector("stream_error"), units)
    assert {d.verdict for d in found} == {Verdict.OK}
    assert sum(d.span.duration for d in found) == Fraction("9.5")


@pytest.mark.parametrize("kind", sorted(set(FactKind) - SILENT))
def test_every_other_fact_is_an_event_with_its_words(kind: FactKind) -> None:
    (event,) = events_of("stream_error", [fact(FactKind.STREAM_STARTED, 0), fact(kind, 3, count=2)])
    assert event.span.start == 3
    assert event.measurements["count"] == 2
    assert event.reason == "video:0: something is wrong"


@pytest.mark.parametrize(
    ("given_facts", "kind", "severity"),
    [
        ([fact(FactKind.CONTINUITY_ERROR)], "continuity", Severity.ERROR),
        ([fact(FactKind.TRUNCATED)], "truncated", Severity.ERROR),
        ([fact(FactKind.TRUNCATED, missing_s=0.2)], "truncated", Severity.WARNING),
        ([fact(FactKind.TRUNCATED, missing_s=0.03)], "truncated", Severity.INFO),
        ([fact(FactKind.CHECKSUM_FAILED)], "checksum", Severity.WARNING),
        ([fact(FactKind.CHECKSUM_FAILED, 1 + n / 25) for n in range(5)], "checksum", Severity.ERROR),
        ([fact(FactKind.CHECKSUM_UNUSED)], "checksum", Severity.INFO),
        ([fact(FactKind.NOTHING_DECODED)], "undecodable", Severity.ERROR),
        ([fact(FactKind.SCRAMBLED)], "undecodable", Severity.ERROR),
        ([fact(FactKind.SYNC_LOST)], "transport", Severity.ERROR),
        ([fact(FactKind.TIMESTAMP_REPEATED)], "timestamps", Severity.INFO),
        ([fact(FactKind.TIMESTAMP_GAP, gap_s=0.05)], "timestamps", Severity.INFO),
        ([fact(FactKind.TIMESTAMP_GAP, gap_s=0.5)], "timestamps", Severity.WARNING),
        ([fact(FactKind.TIMESTAMP_GAP, gap_s=3)], "timestamps", Severity.ERROR),
        ([fact(FactKind.DECODE_ERROR)], "decode", Severity.WARNING),
        ([fact(FactKind.DECODE_ERROR, count=5)], "decode", Severity.ERROR),
        ([fact(FactKind.DAMAGED_FRAME, 1 + n / 25) for n in range(5)], "decode", Severity.ERROR),
        ([fact(FactKind.DAMAGED_FRAME, 1 + n) for n in range(9)], "decode", Severity.WARNING),
        ([fact(FactKind.TABLE_ERROR)], "signalling", Severity.WARNING),
        ([fact(FactKind.TABLE_ERROR, gap_s=2)], "signalling", Severity.INFO),
        ([fact(FactKind.CLOCK_ERROR, n / 10) for n in range(90)], "signalling", Severity.INFO),
        ([fact(FactKind.BROKEN_START, count=12)], "broken_start", Severity.WARNING),
    ],
)
def test_severity_is_what_the_facts_can_mean(given_facts: list[StreamFact], kind: str, severity: Severity) -> None:
    (event,) = events_of("stream_error", given_facts)
    assert (event.kind, event.severity) == (kind, severity)


def test_each_place_whose_checksum_fails_is_an_event() -> None:
    places = [1.0, 1.04, 1.4, 3.0]
    found = events_of("stream_error", [fact(FactKind.CHECKSUM_FAILED, at, duration_s=0.04) for at in places])
    assert [float(event.span.start) for event in found] == pytest.approx([1.0, 1.4, 3.0])


def test_a_burst_is_one_event_and_two_bursts_are_two() -> None:
    first = [fact(FactKind.CONTINUITY_ERROR, 1 + n / 5) for n in range(10)]
    second = [fact(FactKind.CONTINUITY_ERROR, 20 + n / 5) for n in range(10)]
    events = events_of("stream_error", [*first, *passing(3, 5), *second])
    assert [(float(e.span.start), float(e.span.end)) for e in events] == [(1, 2.84), (20, 21.84)]


def test_a_gap_lasts_as_long_as_what_is_missing() -> None:
    (event,) = events_of("stream_error", [fact(FactKind.TIMESTAMP_GAP, 4, gap_s=1.5)])
    assert (event.span.start, event.span.end) == (4, Fraction("5.5"))


@pytest.mark.parametrize(("start", "gap_s", "events"), [(0.02, 0.2, 0), (0.02, 2, 1), (3, 0.2, 1)])
def test_a_short_gap_after_the_first_frame_is_lead_in(start: float, gap_s: float, events: int) -> None:
    units = [
        fact(FactKind.STREAM_STARTED, 0, stream="audio:0"),
        fact(FactKind.TIMESTAMP_GAP, start, stream="audio:0", gap_s=gap_s),
    ]
    assert len(events_of("stream_error", units)) == events


def test_an_event_ends_while_the_stream_goes_on() -> None:
    detector = make_detector("stream_error")
    found = [
        d for unit in [*passing(2), fact(FactKind.DECODE_ERROR, 2), *passing(5, 3)] for d in detector.process(unit)
    ]
    assert found[-1].verdict is Verdict.OK
    assert [d.verdict for d in found].count(Verdict.DEFECT) == 1


def test_audio_tracks_are_told_apart_even_when_their_epochs_alternate() -> None:
    units = []
    for n in range(20):
        units.append(fact(FactKind.DECODE_ERROR, 50 + n / 10, epoch=1))
        units.append(fact(FactKind.DECODE_ERROR, 9 + n / 10, stream="audio:0"))
    events = events_of("stream_error", units)
    assert {(e.track, float(e.span.duration)) for e in events} == {(None, 1.94), ("audio:0", 1.94)}


def test_a_new_epoch_starts_afresh() -> None:
    units = [fact(FactKind.DECODE_ERROR, 100, count=3), fact(FactKind.DECODE_ERROR, 100, epoch=1, count=3)]
    assert {e.severity for e in events_of("stream_error", units)} == {Severity.WARNING}


facts = st.builds(
    lambda kind, at, epoch, count, stream, values: fact(kind, at, epoch=epoch, count=count, stream=stream, **values),
    st.sampled_from(list(FactKind)),
    st.floats(0, 100),
    st.integers(0, 2),
    st.integers(1, 9),
    st.sampled_from(["video:0", "audio:0", "audio:1", "container"]),
    st.dictionaries(st.sampled_from(["gap_s", "duration_s", "missing_s", "declared_s", "pid"]), st.floats(0, 50)),
)


@given(st.lists(facts, max_size=25), st.data())
def test_a_snapshot_between_any_two_facts_changes_nothing(units: list[StreamFact], data: Any) -> None:
    end = Instant(2, Fraction(100))
    whole = make_detector("stream_error")
    expected = [d for unit in units for d in whole.process(unit)] + list(whole.flush(end))
    cut = data.draw(st.integers(0, len(units)))
    first, second = make_detector("stream_error"), make_detector("stream_error")
    found = [d for unit in units[:cut] for d in first.process(unit)]
    second.restore(first.snapshot())
    found += [d for unit in units[cut:] for d in second.process(unit)]
    assert found + list(second.flush(end)) == expected
    assert all((d.score >= 0.5) == (d.verdict is Verdict.DEFECT) for d in expected)


def held(seconds: float, gap_s: float) -> StreamFact:
    return fact(FactKind.FRAME_HELD, seconds, gap_s=gap_s)


def hole(seconds: float, gap_s: float) -> StreamFact:
    return fact(FactKind.TIMESTAMP_GAP, seconds, stream="audio:0", gap_s=gap_s)


def test_a_frame_that_is_held_is_informative() -> None:
    (event,) = events_of("stream_error", [fact(FactKind.STREAM_STARTED, 0), held(3, 4.0), fact(FactKind.PROGRESS, 9)])
    assert (event.kind, event.severity) == ("timestamps", Severity.INFO)


@pytest.mark.parametrize(
    "units", [[held(3, 2.0), hole(3.2, 1.9)], [hole(3.2, 1.9), held(3, 2.0)]], ids=["first", "later"]
)
def test_a_held_frame_is_lost_where_the_sound_is_missing_too(units: list[StreamFact]) -> None:
    events = events_of("stream_error", [fact(FactKind.STREAM_STARTED, 0), *units])
    assert {(e.track, e.severity) for e in events} == {(None, Severity.ERROR), ("audio:0", Severity.ERROR)}


def test_a_hole_in_the_sound_elsewhere_says_nothing_of_a_held_frame() -> None:
    events = events_of("stream_error", [fact(FactKind.STREAM_STARTED, 0), held(3, 2.0), hole(6, 1.5)])
    assert {(e.track, e.severity) for e in events} == {(None, Severity.INFO), ("audio:0", Severity.ERROR)}
