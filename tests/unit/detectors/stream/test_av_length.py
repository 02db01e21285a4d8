"""av_length: streams that start or end apart, to the exact moment."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant
from tests.support import events_of, make_detector


def at(kind: FactKind, stream: str, seconds: float | Fraction, epoch: int = 0, **values: float) -> StreamFact:
    return StreamFact(kind, Instant(epoch, Fraction(seconds)), stream, "", values=values)


def started(stream: str, seconds: float | Fraction, epoch: int = 0) -> StreamFact:
    return at(FactKind.STREAM_STARTED, stream, seconds, epoch)


def ended(stream: str, seconds: float | Fraction, epoch: int = 0, **values: float) -> StreamFact:
    return at(FactKind.STREAM_ENDED, stream, seconds, epoch, **values)


def clip(video: tuple[Any, Any] = (0, 10), audio: tuple[Any, Any] = (0, 10), **values: float) -> list[StreamFact]:
    return [
        started("video:0", video[0]),
        started("audio:0", audio[0]),
        ended("video:0", video[1], **values),
        ended("audio:0", audio[1], **values),
    ]


@pytest.mark.parametrize(
    "units",
    [
        clip(),
        clip((0, 10), (Fraction(1, 2), Fraction(19, 2))),
        clip((0, 10), (Fraction(-1, 48), 10.2)),
        clip((100, 110), (100, 110), declared_s=10),
        clip((0, 10), (0, 10), declared_s=10.5),
        clip()[1::2],
        clip()[::2],
        [started("video:0", 0), started("audio:0", 0.1)],
        [*clip(), started("subtitle:0", 5), ended("subtitle:0", 6)],
        [],
    ],
    ids=["equal", "half a second", "priming", "declared", "nearly declared", "audio", "video", "live", "text", "none"],
)
def test_no_event(units: list[StreamFact]) -> None:
    assert events_of("av_length", units) == []


def test_a_late_start_is_told_exactly() -> None:
    (event,) = events_of("av_length", clip((0, 10), (Fraction(501, 1000), 10)))
    assert (event.kind, event.track, event.span.start, event.span.end) == ("start", "audio:0", 0, Fraction(501, 1000))
    assert event.severity is Severity.WARNING
    assert event.measurements["gap_s"] == pytest.approx(0.501)
    assert event.reason == "audio:0 starts 0.501 s after video:0"


def test_the_order_of_facts_does_not_matter() -> None:
    units = clip((3, 10), (0, 10))
    forward, backward = events_of("av_length", units), events_of("av_length", units[1::-1] + units[2:])
    assert forward == backward
    assert (forward[0].kind, forward[0].track, forward[0].severity) == ("start", None, Severity.ERROR)


def test_a_stream_that_stops_early_is_told_exactly() -> None:
    (event,) = events_of("av_length", clip((0, 10), (0, Fraction(7, 3))))
    assert (event.kind, event.span.start, event.span.end) == ("end", Fraction(7, 3), 10)
    assert event.severity is Severity.ERROR


def test_all_streams_may_stop_before_the_container_says() -> None:
    events = events_of("av_length", clip((0, 10), (0, 10), declared_s=30))
    assert {(e.kind, e.track, e.span.start, e.span.end) for e in events} == {
        ("end", None, 10, 30),
        ("end", "audio:0", 10, 30),
    }
    (alone,) = events_of("av_length", clip((2, 10), declared_s=30)[::2])
    assert (alone.span.start, alone.span.end) == (10, 32)


def test_each_audio_track_is_told_apart() -> None:
    units = [started(s, 0) for s in ("video:0", "audio:0", "audio:1")]
    units += [ended("video:0", 10), ended("audio:0", 8), ended("audio:1", 5)]
    events = events_of("av_length", units)
    assert {(e.track, e.span.start) for e in events} == {("audio:0", 8), ("audio:1", 5)}


def test_a_join_in_the_middle_is_informative_only() -> None:
    units = [at(FactKind.BROKEN_START, "video:0", 0), *clip((3, 10), (0, 10))]
    (event,) = events_of("av_length", units)
    assert event.severity is Severity.INFO


def test_a_live_stream_hears_of_a_late_start_while_it_runs() -> None:
    detector = make_detector("av_length")
    found = [d for u in [*clip((1, 9))[:2], at(FactKind.PROGRESS, "container", 2)] for d in detector.process(u)]
    assert [d.verdict for d in found] == [Verdict.DEFECT]
    assert list(detector.process(at(FactKind.PROGRESS, "container", 3))) == []


def test_ends_in_different_epochs_are_compared_by_their_positions() -> None:
    units = [started("video:0", 0), started("audio:0", 0), ended("audio:0", 4, position_s=4)]
    units.append(ended("video:0", 900, epoch=1, position_s=7))
    (event,) = events_of("av_length", units)
    assert (event.track, event.kind, event.severity) == ("audio:0", "end", Severity.ERROR)
    assert (event.span.epoch, event.span.start, event.span.end) == (1, 897, 900)


def test_streams_that_end_together_in_different_epochs_are_no_event() -> None:
    units = [started("video:0", 0), started("audio:0", 0), ended("audio:0", 4, position_s=4)]
    units.append(ended("video:0", 900, epoch=1, position_s=4.2))
    assert events_of("av_length", units) == []


def test_a_cut_in_the_timeline_is_no_end() -> None:
    detector = make_detector("av_length")
    for unit in clip()[:2]:
        detector.process(unit)
    assert [d.kind for d in detector.flush(Instant(0, Fraction(5)))] == ["start"]
    assert list(detector.flush(Instant(1, Fraction(5)))) == []


facts = st.builds(
    lambda kind, stream, seconds, epoch, values: at(kind, stream, seconds, epoch, **values),
    st.sampled_from([FactKind.STREAM_STARTED, FactKind.STREAM_ENDED, FactKind.PROGRESS, FactKind.BROKEN_START]),
    st.sampled_from(["video:0", "audio:0", "audio:1", "container"]),
    st.fractions(0, 100, max_denominator=1000),
    st.integers(0, 1),
    st.dictionaries(st.just("declared_s"), st.floats(0, 200)),
)


@given(st.lists(facts, max_size=12), st.integers(0, 12))
def test_a_snapshot_between_any_two_facts_changes_nothing(units: list[StreamFact], cut: int) -> None:
    end = Instant(1, Fraction(100))
    whole = make_detector("av_length")
    expected = [d for unit in units for d in whole.process(unit)] + list(whole.flush(end))
    first, second = make_detector("av_length"), make_detector("av_length")
    found = [d for unit in units[:cut] for d in first.process(unit)]
    second.restore(first.snapshot())
    found += [d for unit in units[cut:] for d in second.process(unit)]
    assert found + list(second.flush(end)) == expected
