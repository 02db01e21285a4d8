"""The aggregator's worker, without a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count

import numpy as np
import pytest

from glasswatch.adapters.memory_store import MemoryEventStore
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection, Event, EventState, Verdict
from glasswatch.core.errors import StoreError, WireError
from glasswatch.core.message import DetectionBatch
from glasswatch.core.time import Instant, Span
from glasswatch.runtime.worker.aggregator_work import AggregatorWork
from glasswatch.runtime.worker.work import MEDIA_TIME, Record, Step
from glasswatch.telemetry.metrics import REGISTRY
from glasswatch.wire.detection import encode_batch
from glasswatch.wire.event import decode_event
from glasswatch.wire.headers import MessageType, event_headers

TOPIC = "glasswatch.detections.black.v1"
PROFILE = load_profile()


def detection(start: int, end: int, verdict: Verdict = Verdict.DEFECT, *, defect: str = "black") -> Detection:
    score = 0.9 if verdict is Verdict.DEFECT else 0.1
    return Detection("news", "black", "1", defect, Span(0, Fraction(start), Fraction(end)), verdict, score)


def batch(position: int, *found: Detection, final: bool = False) -> DetectionBatch:
    reached = Instant(0, found[-1].span.end) if found else None
    return DetectionBatch("news", "black", 1, position, found, {0: Fraction(0)}, reached, final)


BATCHES = [
    batch(1, detection(0, 4, Verdict.OK), detection(4, 8)),
    batch(2, detection(8, 9, Verdict.OK), detection(9, 14)),
    batch(3, final=True),
]


def record(sent: DetectionBatch, kind: MessageType = MessageType.DETECTION) -> Record:
    now = datetime.now(UTC)
    headers = event_headers(kind, TOPIC, b"", "/test", now)
    headers.append((MEDIA_TIME, (now - timedelta(seconds=100)).isoformat().encode()))
    return Record(TOPIC, 0, sent.position, b"news", encode_batch(sent), headers)


class Failing(MemoryEventStore):
    """Refuses the calls of these numbers, from 0."""

    def __init__(self, *refused: int) -> None:
        super().__init__()
        self.kept: list[Event] = []
        self._refused = refused
        self._calls = count()

    def put(self, event: Event) -> None:
        if next(self._calls) in self._refused:
            raise StoreError("the store is full")
        self.kept.append(event)
        super().put(event)


def work(store: MemoryEventStore | None = None) -> AggregatorWork:
    return AggregatorWork(PROFILE, store or MemoryEventStore(), ["black", "silence"])


def run(worker: AggregatorWork, batches: Sequence[DetectionBatch]) -> list[Step]:
    """All steps, each repeated until the store takes it."""
    task = worker.task("news")
    steps = []
    for sent in batches:
        item = record(sent)
        assert worker.channel(item) == "news"
        while True:
            try:
                steps.append(worker.step(task, item))
                break
            except StoreError:
                continue
    return steps


def test_detections_become_events_in_the_store_and_on_the_topic_of_the_defect() -> None:
    store = MemoryEventStore()
    steps = run(work(store), BATCHES)
    assert [(e.span.start, e.span.end, e.state) for e in store.events("news")] == [
        (4, 8, EventState.CLOSED),
        (9, 14, EventState.CLOSED),
    ]
    sent = [outgoing for step in steps for outgoing in step.outgoing]
    assert {(o.topic, o.key) for o in sent} == {("glasswatch.defects.black.v1", b"news")}
    latest = {event.id: event for event in (decode_event(o.value) for o in sent)}
    assert list(latest.values()) == store.events("news")


def test_it_reads_what_its_detectors_say_and_writes_of_every_defect() -> None:
    worker = work()
    assert worker.topics == (TOPIC, "glasswatch.detections.silence.v1")
    assert "glasswatch.defects.black.v1" in worker.results


@pytest.mark.parametrize("refused", [[0], [1], [0, 1, 2], [1, 3], [2]])
def test_after_a_failure_only_what_is_left_is_stored(refused: list[int]) -> None:
    undisturbed, disturbed = Failing(), Failing(*refused)
    expected = run(work(undisturbed), BATCHES)
    steps = run(work(disturbed), BATCHES)
    assert disturbed.kept == undisturbed.kept
    assert [s.outcome for s in steps] == [s.outcome for s in expected] == ["handled"] * 3
    assert [[o.value for o in s.outgoing] for s in steps] == [[o.value for o in s.outgoing] for s in expected]


def test_what_comes_twice_changes_nothing() -> None:
    store = Failing()
    steps = run(work(store), [*BATCHES[:2], *BATCHES])
    assert [step.outcome for step in steps] == ["handled", "handled", "duplicate", "duplicate", "handled"]
    assert store.kept == run_kept(BATCHES)


def run_kept(batches: Sequence[DetectionBatch]) -> list[Event]:
    store = Failing()
    run(work(store), batches)
    return store.kept


def test_the_time_from_the_media_to_the_event_is_measured() -> None:
    name = "glasswatch_event_latency_seconds_sum"
    before = REGISTRY.get_sample_value(name, {"defect": "black"}) or 0.0
    kept = run_kept(BATCHES)
    after = REGISTRY.get_sample_value(name, {"defect": "black"}) or 0.0
    assert (after - before) / len(kept) == pytest.approx(100, abs=5)


@pytest.mark.parametrize("noise", [b"", b"\xff", np.random.default_rng(3).bytes(4000)])
def test_bytes_that_are_no_batch_are_refused(noise: bytes) -> None:
    with pytest.raises(WireError):
        work().channel(replace(record(BATCHES[0]), value=noise))


def test_a_message_of_another_type_is_refused() -> None:
    with pytest.raises(WireError, match="ce_type"):
        work().channel(record(BATCHES[0], kind=MessageType.MEDIA))


def test_a_defect_without_a_rule_is_refused() -> None:
    with pytest.raises(WireError, match="no rule for the defect 'smell'"):
        work().channel(record(batch(1, detection(0, 1, defect="smell"))))


def test_a_detection_of_somebody_else_is_refused() -> None:
    for stranger in (replace(detection(0, 1), channel="sport"), replace(detection(0, 1), detector="freeze")):
        with pytest.raises(WireError, match="another channel or detector"):
            work().channel(record(batch(1, stranger)))
