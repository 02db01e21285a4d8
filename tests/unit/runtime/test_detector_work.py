"""The detector's worker, without a broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest

from glasswatch.adapters.memory_store import MemoryMediaStore
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import DetectorContext
from glasswatch.core.errors import StoreError, WireError
from glasswatch.core.media import FrameChunk
from glasswatch.core.message import DetectionBatch, EndOfStream, MediaMessage
from glasswatch.detectors.registry import AnyDetector, registered
from glasswatch.runtime.worker.detecting import CATCHING_UP
from glasswatch.runtime.worker.detector_work import DetectorWork
from glasswatch.runtime.worker.work import Record, Step
from glasswatch.telemetry.metrics import REGISTRY
from glasswatch.wire.detection import decode_batch
from glasswatch.wire.headers import MessageType, event_headers
from glasswatch.wire.media import encode_media
from tests.support import frame_chunks

TOPIC = "glasswatch.media.picture-270.v1"
BLACK = registered()["black"]


def make(channel: str, track: str | None) -> AnyDetector:
    return BLACK(load_profile(only=["black"]).params["black"], DetectorContext(channel, track))


def work(media: MemoryMediaStore | None = None) -> DetectorWork:
    return DetectorWork(BLACK.spec, make, media)


def messages(*, live: bool = False, detectors: Sequence[str] = ()) -> list[MediaMessage]:
    """Four seconds, black from 2 s on, and their end."""
    luma = np.random.default_rng(5).integers(60, 200, (100, 18, 32)).astype(np.uint8)
    luma[50:] = 16
    chroma = np.full((100, 9, 16), 128, np.uint8)
    chunks = frame_chunks(luma, (chroma, chroma), chunk=25)
    units = [*chunks, EndOfStream(chunks[-1].end)]
    return [
        MediaMessage("news", 1, "picture-270", i, unit, Fraction(0), live, tuple(detectors))
        for i, unit in enumerate(units)
    ]


def record(
    message: MediaMessage, *, most_inline: int = 1 << 20, age_s: float = 0.0, kind: MessageType = MessageType.MEDIA
) -> Record:
    value = encode_media(message, most_inline).value
    headers = event_headers(kind, TOPIC, b"", "/test", datetime.now(UTC) - timedelta(seconds=age_s))
    return Record(TOPIC, 0, message.sequence, b"news", value, headers)


def run(worker: DetectorWork, records: Sequence[Record]) -> list[Step]:
    task = worker.task("news")
    steps = []
    for item in records:
        assert worker.channel(item) == "news"
        steps.append(worker.step(task, item))
    return steps


def batches(steps: Sequence[Step]) -> list[DetectionBatch]:
    return [decode_batch(outgoing.value) for step in steps for outgoing in step.outgoing]


def detections(steps: Sequence[Step]) -> list[Detection]:
    return [detection for batch in batches(steps) for detection in batch.detections]


def metric(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_media_becomes_batches_on_the_topic_of_the_detector() -> None:
    steps = run(work(), [record(message) for message in messages()])
    assert {step.outcome for step in steps} == {"handled"}
    assert {(o.topic, o.key) for step in steps for o in step.outgoing} == {("glasswatch.detections.black.v1", b"news")}
    black = [d.span for d in detections(steps) if d.verdict is Verdict.DEFECT]
    assert (black[0].start, black[-1].end) == (2, 4)
    assert batches(steps)[-1].final


def test_what_comes_twice_is_told_as_a_duplicate_and_says_nothing() -> None:
    first = record(messages()[0])
    assert run(work(), [first, first])[1] == Step("duplicate")


def test_media_that_is_meant_for_other_detectors_is_passed_over() -> None:
    assert run(work(), [record(messages(detectors=["freeze"])[0])]) == [Step("not_asked")]
    (step,) = run(work(), [record(messages(detectors=["freeze", "black"])[0])])
    assert step.outcome == "handled"


@pytest.mark.parametrize("noise", [b"", b"\xff", np.random.default_rng(3).bytes(4000)])
def test_bytes_that_are_no_media_are_refused(noise: bytes) -> None:
    with pytest.raises(WireError):
        work().channel(replace(record(messages()[0]), value=noise))


def test_a_message_of_another_type_or_rendition_is_refused() -> None:
    with pytest.raises(WireError, match="ce_type"):
        work().channel(record(messages()[0], kind=MessageType.EVENT))
    with pytest.raises(WireError, match="ce_specversion"):
        work().channel(replace(record(messages()[0]), headers=[]))
    with pytest.raises(WireError, match="rendition luma-270"):
        work().channel(record(replace(messages()[0], rendition="luma-270")))


def test_a_large_payload_comes_from_the_media_store() -> None:
    store = MemoryMediaStore()
    large = [record(message, most_inline=10) for message in messages()]
    with pytest.raises(WireError, match="there is no media store"):
        work().channel(large[0])
    with pytest.raises(WireError, match="the media store no longer has it"):
        work(store).channel(large[0])
    for message in messages():
        if detached := encode_media(message, 10).detached:
            store.put(detached.key, detached.data)
    assert batches(run(work(store), large)) == batches(run(work(), [record(message) for message in messages()]))


def test_a_media_store_that_does_not_answer_is_no_fault_of_the_message() -> None:
    class Silent(MemoryMediaStore):
        def get(self, key: str) -> bytes | None:
            raise StoreError("no answer")

    with pytest.raises(StoreError):
        work(Silent()).channel(record(messages()[0], most_inline=10))


def test_a_crash_is_told_with_the_message_and_the_detector_goes_on() -> None:
    sent = messages()
    unit = sent[1].unit
    assert isinstance(unit, FrameChunk)
    sent[1] = replace(sent[1], unit=replace(unit, planes=()))
    steps = run(work(), [record(message) for message in sent])
    assert [step.failure is not None for step in steps] == [False, True, False, False, False]
    verdicts = {d.verdict for d in detections(steps[1:2])}
    assert Verdict.INCONCLUSIVE in verdicts
    assert detections(steps)[-1].span.end == 4


def test_live_media_that_is_old_is_left_out_and_counted() -> None:
    before = metric("glasswatch_shed_media_seconds_total", worker="black")
    steps = run(work(), [record(message, age_s=60) for message in messages(live=True)])
    assert [step.outcome for step in steps] == ["shed"] * 4 + ["handled"]
    assert {d.reason for d in detections(steps)} == {CATCHING_UP}
    assert sum(d.span.duration for d in detections(steps) if d.kind is None and d.defect == "black") == 4
    assert metric("glasswatch_shed_media_seconds_total", worker="black") - before == 4


def test_a_file_that_is_old_is_judged() -> None:
    steps = run(work(), [record(message, age_s=6000) for message in messages()])
    assert {step.outcome for step in steps} == {"handled"}
    assert Verdict.INCONCLUSIVE not in {d.verdict for d in detections(steps)}


def test_messages_that_are_missing_are_counted_and_their_time_is_not_judged() -> None:
    before = metric("glasswatch_lost_media_messages_total", worker="black")
    sent = messages()
    steps = run(work(), [record(message) for message in (sent[0], sent[2], sent[3])])
    assert metric("glasswatch_lost_media_messages_total", worker="black") - before == 1
    (missing,) = [d for d in detections(steps) if d.verdict is Verdict.INCONCLUSIVE]
    assert (missing.span.start, missing.span.end) == (1, 2)
    assert missing.reason == "1 media messages did not arrive"
