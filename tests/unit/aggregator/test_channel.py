"""Decisions on one channel: the same events whatever the order between detectors and however often batches come."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.aggregator.channel import LATENESS_S, MOST_RECENT, ChannelDecisions
from glasswatch.aggregator.consequences import ConsequenceRule
from glasswatch.aggregator.incidents import IncidentRule
from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.core.detection import Detection, Event, EventState, Severity, Verdict
from glasswatch.core.message import DetectionBatch
from glasswatch.core.sessions import Admission
from glasswatch.core.time import Instant, Span
from glasswatch.ports.event_store import revision

RULES = {name: DefectRule(severity={"info": 0, "warning": 2}) for name in ("freeze", "silence", "black", "clicks")}
LOST = IncidentRule(name="source-lost", needs=(frozenset({"freeze", "black"}), frozenset({"silence"})), within_s=1)
EDGES = ConsequenceRule(
    name="hole", causes=frozenset({"silence"}), consequences=frozenset({"clicks"}), before_s=0.5, after_s=0.5
)


def decisions(masks: tuple[Mask, ...] = ()) -> ChannelDecisions:
    return ChannelDecisions("news", RULES, masks, [LOST, EDGES])


def detection(detector: str, start: float, end: float, bad: bool, epoch: int = 0) -> Detection:
    span = Span(epoch, Fraction(start), Fraction(end))
    verdict = Verdict.DEFECT if bad else Verdict.OK
    return Detection("news", detector, "1", detector, span, verdict, 0.9 if bad else 0.1)


def stream(detector: str, bad: Iterable[tuple[int, int]], length: int = 20, session: int = 1) -> list[DetectionBatch]:
    """A batch a second; it is bad between the pairs of seconds."""
    spells = list(bad)
    batches = []
    for second in range(length):
        is_bad = any(start <= second < end for start, end in spells)
        batches.append(
            DetectionBatch(
                "news",
                detector,
                session,
                position=2 * second + 1,
                detections=(detection(detector, second, second + 1, is_bad),),
                offsets={0: Fraction(100)},
                reached=Instant(0, Fraction(second + 1)),
                final=second == length - 1,
            )
        )
    return batches


STREAMS = [
    stream("freeze", [(3, 6), (12, 20)]),
    stream("silence", [(4, 7), (15, 16)]),
    stream("black", [(8, 9)]),
    stream("clicks", [(4, 7), (9, 12)]),
]


def latest(versions: Iterable[Event]) -> dict[str, Event]:
    """As an event store keeps them."""
    kept: dict[str, Event] = {}
    for event in versions:
        if event.id not in kept or revision(event) >= revision(kept[event.id]):
            kept[event.id] = event
    return kept


def run(batches: Iterable[DetectionBatch], channel: ChannelDecisions | None = None) -> list[Event]:
    channel = channel or decisions()
    return [event for batch in batches for event in channel.handle(batch)[1]]


IN_STEP = [batch for together in zip(*STREAMS, strict=True) for batch in together]
EVENTS = latest(run(IN_STEP))


def test_events_have_positions_severities_and_incidents() -> None:
    seen = sorted(
        (e.defect, float(e.position), float(e.span.duration), e.severity, e.incident) for e in EVENTS.values()
    )
    first, second = sorted({e.incident for e in EVENTS.values() if e.incident}, key=str)
    incidents = {first, second}
    assert [row[:4] for row in seen] == [
        ("black", 108, 1, Severity.INFO),
        ("clicks", 104, 3, Severity.INFO),
        ("clicks", 109, 3, Severity.WARNING),
        ("freeze", 103, 3, Severity.WARNING),
        ("freeze", 112, 8, Severity.WARNING),
        ("silence", 104, 3, Severity.WARNING),
        ("silence", 115, 1, Severity.INFO),
    ]
    assert {row[4] for row in seen if row[1] != 109} == incidents
    assert all(event.state is EventState.CLOSED for event in EVENTS.values())


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_neither_order_between_detectors_nor_crashes_change_events(data: st.DataObject) -> None:
    channel, saved = decisions(), decisions().snapshot()
    versions: list[Event] = []
    at, kept = [0] * len(STREAMS), [0] * len(STREAMS)
    crashes = data.draw(st.integers(0, 3))
    while any(position < len(batches) for position, batches in zip(at, STREAMS, strict=True)):
        which = data.draw(st.sampled_from([i for i in range(len(STREAMS)) if at[i] < len(STREAMS[i])]))
        for _ in range(data.draw(st.integers(1, 8))):
            if at[which] < len(STREAMS[which]):
                versions += channel.handle(STREAMS[which][at[which]])[1]
                at[which] += 1
        match data.draw(st.integers(0, 4)):
            case 0:
                saved, kept = channel.snapshot(), list(at)
            case 1 if crashes:
                crashes -= 1
                channel = decisions()
                channel.restore(saved)
                at = [data.draw(st.integers(max(0, position - 3), position)) for position in kept]
    assert latest(versions) == EVENTS


def test_an_alarm_is_taken_back_when_its_cause_becomes_known() -> None:
    channel = decisions()
    (*_, alone) = [event for event in run(STREAMS[3], channel) if event.position == 104]
    assert (alone.severity, alone.consequence_of) == (Severity.WARNING, None)
    (*_, folded) = [event for event in run(STREAMS[1], channel) if event.id == alone.id]
    assert (folded.severity, folded.state) == (Severity.INFO, EventState.CLOSED)
    assert folded.reason == "consequence of silence at 0:01:44.000"
    assert revision(folded) > revision(alone)


def test_a_batch_that_comes_again_changes_nothing() -> None:
    channel = decisions()
    run(IN_STEP, channel)
    version = channel.version
    assert {channel.handle(batch)[0] for batch in IN_STEP} == {Admission.DUPLICATE}
    assert channel.version == version


def test_a_new_session_goes_on_and_the_old_one_is_left_alone() -> None:
    channel = decisions()
    old, new = stream("freeze", [(3, 9)]), stream("freeze", [(1, 2)], session=2)
    run(old[:5], channel)
    run(new[:1], channel)
    assert channel.handle(old[5])[0] is Admission.STRAY


def test_an_event_versions_never_go_back() -> None:
    per_event: dict[str, list[Event]] = {}
    for event in run(IN_STEP):
        per_event.setdefault(event.id, []).append(event)
    assert all(revision(a) <= revision(b) for versions in per_event.values() for a, b in pairwise(versions))


def test_masks_lie_at_positions_in_the_input() -> None:
    mask = Mask(start_s=103, end_s=106.5, defects=frozenset({"freeze"}))
    kept = latest(run(IN_STEP, decisions((mask,))))
    assert [float(e.position) for e in kept.values() if e.defect == "freeze"] == [112]


def test_events_are_forgotten_behind_the_watermark_and_found_by_late_ones_before() -> None:
    channel = decisions()
    length = int(LATENESS_S) + 200
    run(stream("black", [(second, second + 1) for second in range(0, length, 4)], length=length)[:-1], channel)
    late = latest(run(stream("silence", [(100, 101), (length - 100, length - 99)], length=length), channel))
    assert [float(e.position) - 100 for e in late.values() if e.incident and e.defect == "silence"] == [length - 100]


def test_memory_is_bounded() -> None:
    channel = decisions()
    count = MOST_RECENT + 100
    run(stream("black", [(second, second + 1) for second in range(0, 2 * count, 2)], length=2 * count), channel)
    assert channel.snapshot().count(b'"defect":"black"') <= MOST_RECENT
