"""A detector fed with messages: any way of delivering them gives the same batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import DetectorContext
from glasswatch.core.media import FactKind, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.message import DetectionBatch, EndOfStream, MediaMessage
from glasswatch.core.sessions import Admission
from glasswatch.core.time import Instant
from glasswatch.detectors.registry import AnyDetector, registered
from glasswatch.runtime.worker.detecting import CATCHING_UP, DetectorTask
from tests.support import frame_chunks

CHANNEL = "news"
SPEC = registered()["black"].spec
PARAMS = load_profile(only=["black"]).params["black"]


def make(track: str | None) -> AnyDetector:
    return registered()["black"](PARAMS, DetectorContext(CHANNEL, track))


def task() -> DetectorTask:
    return DetectorTask(SPEC, make, CHANNEL)


def pictures(epoch: int = 0) -> list[FrameChunk]:
    """Six seconds, black from 2 s to 3.2 s and from 5 s on."""
    rng = np.random.default_rng(5)
    luma = rng.integers(60, 200, (150, 18, 32)).astype(np.uint8)
    luma[50:80] = 16
    luma[125:] = 16
    chroma = np.full((150, 9, 16), 128, np.uint8)
    return frame_chunks(luma, (chroma, chroma), chunk=10, epoch=epoch)


def session(number: int, units: Sequence[MediaUnit], *, end: bool = True, live: bool = False) -> list[MediaMessage]:
    messages = [
        MediaMessage(CHANNEL, number, "picture-270", i, unit, Fraction(7), live) for i, unit in enumerate(units)
    ]
    if end:
        last = EndOfStream(units[-1].end)
        messages.append(MediaMessage(CHANNEL, number, "picture-270", len(messages), last, Fraction(7), live))
    return messages


MESSAGES = session(1, pictures())


def batches(messages: Iterable[MediaMessage], worker: DetectorTask | None = None) -> list[DetectionBatch]:
    worker = worker or task()
    return [batch for message in messages for batch in worker.handle(message).batches]


def detections(found: Iterable[DetectionBatch]) -> list[Detection]:
    return [detection for batch in found for detection in batch.detections]


UNDISTURBED = batches(MESSAGES)


def test_black_is_found_and_the_session_is_ended() -> None:
    defects = [d.span for d in detections(UNDISTURBED) if d.verdict is Verdict.DEFECT]
    assert (defects[0].start, defects[-1].end) == (2, 6)
    assert [batch.final for batch in UNDISTURBED] == [False] * (len(UNDISTURBED) - 1) + [True]
    assert all(batch.offsets == {0: 7} for batch in UNDISTURBED)


def test_the_aggregator_hears_of_progress_every_second() -> None:
    seconds = [batch.reached.seconds for batch in UNDISTURBED if batch.reached is not None]
    assert max(b - a for a, b in pairwise(seconds)) <= 1.4


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, len(MESSAGES) - 1), max_size=4), st.data())
def test_crashes_between_checkpoints_change_nothing(crashes: list[int], data: st.DataObject) -> None:
    """The worker dies after message n; another goes on from an earlier checkpoint, with records that came before."""
    sent: list[DetectionBatch] = []
    worker, saved, kept = task(), task().snapshot(), 0
    position = 0
    remaining = sorted(crashes)
    while position < len(MESSAGES):
        sent += worker.handle(MESSAGES[position]).batches
        position += 1
        if data.draw(st.booleans()):
            saved, kept = worker.snapshot(), position
        if remaining and position > remaining[0]:
            remaining.pop(0)
            worker = task()
            worker.restore(saved)
            position = data.draw(st.integers(0, kept))  # The acknowledgement may lag behind the checkpoint.
    by_position: dict[int, DetectionBatch] = {}
    for batch in sent:
        assert by_position.setdefault(batch.position, batch) == batch
    assert list(by_position.values()) == UNDISTURBED


def test_a_decoder_that_starts_again_over_the_same_file_changes_nothing() -> None:
    assert batches([*MESSAGES[:9], *MESSAGES[:4], *MESSAGES]) == UNDISTURBED


def test_a_new_session_ends_the_one_before() -> None:
    before = session(1, pictures()[:7], end=False)
    worker = task()
    found = batches([*before, *session(2, pictures(epoch=50))], worker)
    final = [(batch.session, batch.final) for batch in found if batch.final]
    assert final == [(1, True), (2, True)]
    ended = [d for d in detections(found) if d.span.epoch == 0][-1]
    assert ended.verdict is Verdict.DEFECT
    assert ended.span.end == pictures()[6].ends[-1]


def test_messages_of_a_superseded_decoder_are_left_alone() -> None:
    worker = task()
    old, new = session(1, pictures()[:7], end=False), session(2, pictures(epoch=50))
    batches([*old[:5], *new[:3]], worker)
    assert worker.handle(old[6]).admission is Admission.STRAY
    assert worker.handle(old[4]).admission is Admission.DUPLICATE


def test_missing_messages_are_inconclusive() -> None:
    result = batches([*MESSAGES[:4], *MESSAGES[6:]])
    gap = [d for d in detections(result) if d.verdict is Verdict.INCONCLUSIVE]
    assert [(d.span.start, d.span.end, d.reason) for d in gap] == [
        (Fraction(8, 5), Fraction(12, 5), "2 media messages did not arrive")
    ]


def test_what_is_shed_is_inconclusive_and_judging_goes_on_behind_it() -> None:
    worker = task()
    found: list[DetectionBatch] = []
    for number, message in enumerate(MESSAGES):
        found += worker.handle(message, shed=number in (2, 3)).batches
    spans = [(d.span.start, d.span.end) for d in detections(found) if d.reason == CATCHING_UP]
    assert spans == [(Fraction(4, 5), Fraction(6, 5)), (Fraction(6, 5), Fraction(8, 5))]
    defects = [d.span for d in detections(found) if d.verdict is Verdict.DEFECT]
    assert (defects[0].start, defects[-1].end) == (2, 6)


def test_a_lull_is_no_media() -> None:
    said = "the picture is missing"
    lull = StreamFact(FactKind.PROGRESS, Instant(0, Fraction(3)), "container", said)
    worker = task()
    found = batches(session(1, [*pictures()[:5], lull, *pictures()[8:]]), worker)
    assert {d.verdict for d in detections(found)} == {Verdict.OK, Verdict.DEFECT}
    assert said not in {d.reason for d in detections(found)}
    assert found[-1].final


def test_what_was_lost_before_a_lull_is_inconclusive() -> None:
    lull = StreamFact(FactKind.PROGRESS, Instant(0, Fraction(3)), "container", "the picture is missing")
    sent = session(1, [*pictures()[:5], pictures()[5], lull, *pictures()[8:]])
    lost = [d for d in detections(batches([*sent[:5], *sent[6:]])) if d.verdict is Verdict.INCONCLUSIVE]
    assert [(d.span.start, d.span.end, d.reason) for d in lost] == [(2, 3, "1 media messages did not arrive")]


def test_what_has_no_counterpart_is_inconclusive() -> None:
    worker = task()
    found: list[DetectionBatch] = []
    for number, message in enumerate(MESSAGES):
        found += worker.handle(message, missing="the sound is missing" if number == 2 else None).batches
    unjudged = [(d.span.start, d.span.end, d.reason) for d in detections(found) if d.verdict is Verdict.INCONCLUSIVE]
    assert unjudged == [(Fraction(4, 5), Fraction(6, 5), "the sound is missing")]


class Failing:
    """Raises on the third chunk."""

    def __init__(self) -> None:
        self.seen = 0

    def make(self, track: str | None) -> AnyDetector:
        detector = make(track)
        process = detector.process

        def failing(unit: MediaUnit) -> Sequence[Detection]:
            self.seen += 1
            if self.seen == 3:
                raise RuntimeError("boom")
            return process(unit)

        detector.process = failing  # type: ignore[method-assign]
        return detector


def test_a_detector_that_raises_is_inconclusive_for_that_message_only() -> None:
    worker = DetectorTask(SPEC, Failing().make, CHANNEL)
    results = [worker.handle(message) for message in MESSAGES]
    failures = [(i, str(result.failure)) for i, result in enumerate(results) if result.failure is not None]
    assert failures == [(2, "boom")]
    unjudged = [d for r in results for d in detections(r.batches) if d.verdict is Verdict.INCONCLUSIVE]
    assert [(d.span.start, d.span.end) for d in unjudged] == [(Fraction(4, 5), Fraction(6, 5))]
    assert "boom" in (unjudged[0].reason or "")


def unfinished(track: str | None) -> AnyDetector:
    """A detector that raises when it is to say what it holds back."""
    detector = make(track)

    def failing(at: object) -> Sequence[Detection]:
        raise RuntimeError("boom")

    detector.finish = failing  # type: ignore[method-assign, assignment]
    return detector


def test_a_detector_that_raises_at_the_end_is_inconclusive_there_and_told() -> None:
    worker = DetectorTask(SPEC, unfinished, CHANNEL)
    *_, result = [worker.handle(message) for message in MESSAGES]
    assert str(result.failure) == "boom"
    (batch,) = result.batches
    assert batch.final
    assert [(d.verdict, d.span.end) for d in batch.detections] == [(Verdict.INCONCLUSIVE, 6)]


def test_a_detector_that_raises_at_the_end_of_a_superseded_session_is_told() -> None:
    worker = DetectorTask(SPEC, unfinished, CHANNEL)
    batches(session(1, pictures()[:7], end=False), worker)
    result = worker.handle(session(2, pictures(epoch=50))[0])
    assert str(result.failure) == "boom"
    assert [d.reason for d in result.batches[0].detections] == ["the detector failed: RuntimeError: boom"]


def test_a_snapshot_that_does_not_fit_the_detector_starts_it_afresh() -> None:
    worker = task()
    batches(MESSAGES[:6], worker)
    raw = worker.snapshot().replace(b'\\"', b'\\"x', 1)
    assert raw != worker.snapshot()
    other = task()
    other.restore(raw)
    assert other.handle(MESSAGES[5]).admission is Admission.DUPLICATE
    assert other.handle(MESSAGES[6]).admission is Admission.HANDLE


def test_a_session_without_media_ends() -> None:
    (batch,) = batches([MediaMessage(CHANNEL, 3, "picture-270", 0, EndOfStream(None))])
    assert batch == DetectionBatch(CHANNEL, "black", 3, 1, final=True)
