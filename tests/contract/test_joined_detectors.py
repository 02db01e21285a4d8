"""A detector that needs picture and sound says the same in every topology, in whatever order messages arrive."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.aggregator.channel import ChannelDecisions
from glasswatch.core.detection import Detection, Event, Verdict
from glasswatch.core.detector import DetectorContext
from glasswatch.core.join import TOO_LATE
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.message import DetectionBatch, EndOfStream
from glasswatch.decoder.source import open_source
from glasswatch.report.model import Report, Status
from glasswatch.runtime.channels.fused import FusedDetectors
from glasswatch.runtime.inspect import Inspection
from glasswatch.runtime.worker.detector_work import DetectorWork
from glasswatch.runtime.worker.joined_task import JoinedTask
from glasswatch.runtime.worker.work import Record, Step
from glasswatch.wire import topics
from glasswatch.wire.detection import decode_batch
from glasswatch.wire.headers import MessageType, event_headers
from glasswatch.wire.media import encode_media
from tests.media import write_video
from tests.paired import PARAMS, PROFILE, Paired, make_paired, messages, write_title

CHANNEL = "title"
NO_SOUND, NO_PICTURE = "the input has no sound", "the input has no picture"
SOUND_GONE, PICTURE_GONE = "the sound is missing", "the picture is missing"


@pytest.fixture(autouse=True)
def only_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    """The detector is registered."""
    for module in ("inspect", "detectors"):
        monkeypatch.setattr(f"glasswatch.runtime.{module}.registered", lambda: {"paired": Paired})


@dataclass(frozen=True)
class Title:
    """A title, and what the detector must say of it: where it finds a defect, and where it cannot judge, with why."""

    id: str
    flashes: tuple[tuple[float, float], ...]
    beeps: tuple[tuple[float, float], ...]
    picture: tuple[float, float] | None
    sound: tuple[tuple[float, float], ...]
    defects: tuple[tuple[float, float], ...]
    unjudged: tuple[tuple[str, float, float], ...] = ()

    def write(self, folder: Path) -> Path:
        path = folder / f"{self.id}.mkv"
        if not path.exists():
            write_title(path, flashes=self.flashes, beeps=self.beeps, picture=self.picture, sound=self.sound)
        return path


TITLES = [
    Title("whole", ((1, 2), (5, 6)), ((1, 2), (5.2, 6.2)), (0, 8), ((0, 8),), ((5, 5.2), (6, 6.2))),
    Title("no-sound", ((1, 2),), (), (0, 8), (), (), ((NO_SOUND, 0, 8),)),
    Title("no-picture", (), ((1, 2),), None, ((0, 8),), (), ((NO_PICTURE, 0, 8),)),
    Title("sound-stops", ((1, 2), (9, 10)), ((1, 2),), (0, 12), ((0, 4),), (), ((SOUND_GONE, 4, 12),)),
    Title(
        "sound-pauses", ((1, 2), (13, 14)), ((1, 2),), (0, 15), ((0, 4), (12, 15)), ((13, 14),), ((SOUND_GONE, 4, 12),)
    ),
    Title("sound-is-late", ((1, 2), (9, 10)), (), (0, 12), ((8, 12),), ((9, 10),), ((SOUND_GONE, 0, 8),)),
    # What a chunk has collected when the picture stops is known of when the input has ended.
    Title("picture-stops", ((1, 2),), ((1, 2),), (0, 4), ((0, 12),), (), ((TOO_LATE, 3.6, 4), (PICTURE_GONE, 4, 12))),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("titles")


def inspected(path: Path, channel: str = CHANNEL) -> tuple[Report, list[Detection], list[Event]]:
    found: list[Detection] = []
    with closing(open_source(str(path))) as source:
        inspection = Inspection(source, PROFILE, channel=channel, on_detection=found.append)
        report = inspection.run()
        return report, found, list(inspection.events)


class Kept:
    """A publisher that keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[DetectionBatch] = []

    def publish(self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        assert topic == topics.detections("paired")
        self.batches.append(decode_batch(value))

    def flush(self, timeout_s: float) -> None:
        pass


def fused(path: Path) -> list[DetectionBatch]:
    kept = Kept()
    with FusedDetectors(CHANNEL, [(Paired.spec, lambda track: make_paired(CHANNEL, track))], kept) as sink:
        for message in messages(path, CHANNEL):
            sink(message)
        sink.finish()
    return kept.batches


def records(path: Path) -> dict[str, list[Record]]:
    """What lies on the topic of each rendition."""
    found: dict[str, list[Record]] = {name: [] for name in Paired.spec.renditions}
    for message in messages(path, CHANNEL):
        if message.rendition in found:
            topic = topics.media(message.rendition)
            headers = event_headers(MessageType.MEDIA, topic, b"", "/test", datetime.now(UTC))
            value = encode_media(message, 1 << 20).value
            found[message.rendition].append(Record(topic, 0, message.sequence, b"title", value, headers))
    return found


def steps(worker: DetectorWork, task: object, arriving: Sequence[Record]) -> list[Step]:
    found = []
    for record in arriving:
        assert worker.channel(record) == CHANNEL
        found.append(worker.step(task, record))  # type: ignore[arg-type]
    return found


def said(found: Sequence[Step]) -> list[DetectionBatch]:
    parts = [part for step in found for part in (step, *(done for _, done in step.done))]
    return [decode_batch(outgoing.value) for part in parts for outgoing in part.outgoing]


def distributed(arriving: Sequence[Record]) -> list[DetectionBatch]:
    worker = DetectorWork(Paired.spec, make_paired)
    return said(steps(worker, worker.task(CHANNEL), arriving))


def one_after_another(lying: dict[str, list[Record]]) -> list[Record]:
    return [record for name in sorted(lying) for record in lying[name]]


def detections(batches: Sequence[DetectionBatch]) -> list[Detection]:
    return [detection for batch in batches for detection in batch.detections]


def events(batches: Sequence[DetectionBatch]) -> list[Event]:
    decisions = ChannelDecisions(CHANNEL, PROFILE.rules, PROFILE.masks, PROFILE.incidents)
    changes = [event for batch in batches for event in decisions.handle(batch)[1]]
    return list({event.id: event for event in changes}.values())


def stretches(found: Sequence[Detection], verdict: Verdict) -> list[tuple[str | None, float, float]]:
    """Where the detector says so, with the reason; neighbours joined."""
    joined: list[tuple[str | None, float, float]] = []
    for detection in sorted(found, key=lambda detection: detection.span):
        if detection.verdict is verdict:
            start = float(detection.span.start)
            if joined and (joined[-1][0], joined[-1][2]) == (detection.reason, start):
                start = joined.pop()[1]
            joined.append((detection.reason, start, float(detection.span.end)))
    return joined


@pytest.mark.parametrize("title", [pytest.param(title, id=title.id) for title in TITLES])
def test_all_topologies_say_the_same(title: Title, folder: Path) -> None:
    path = title.write(folder)
    report, found, told = inspected(path)
    assert stretches(found, Verdict.INCONCLUSIVE) == [tuple(item) for item in title.unjudged]
    assert stretches(found, Verdict.DEFECT) == [(None, *span) for span in title.defects]
    in_order = sorted(found, key=lambda detection: detection.span)
    assert all(a.span.end <= b.span.start for a, b in pairwise(in_order)), "nothing is judged twice"
    assert [(row.start_s, row.end_s) for row in report.events] == list(title.defects)

    in_process, by_messages = fused(path), distributed(one_after_another(records(path)))
    assert in_process == by_messages
    assert detections(by_messages) == found
    assert sorted(events(by_messages), key=repr) == sorted(told, key=repr)
    assert [batch.final for batch in by_messages] == [False] * (len(by_messages) - 1) + [True]


@pytest.mark.parametrize(
    ("id_", "status", "reason"),
    [
        ("whole", Status.OK, None),
        ("no-sound", Status.INCONCLUSIVE, f"{NO_SOUND} (8.0 s not judged)"),
        ("no-picture", Status.INCONCLUSIVE, f"{NO_PICTURE} (8.0 s not judged)"),
        ("sound-pauses", Status.INCONCLUSIVE, f"{SOUND_GONE} (8.0 s not judged)"),
    ],
)
def test_the_report_says_what_was_missing(id_: str, status: Status, reason: str | None, folder: Path) -> None:
    (title,) = [title for title in TITLES if title.id == id_]
    (result,) = inspected(title.write(folder))[0].detectors
    assert (result.status, result.reason) == (status, reason)


def test_a_title_whose_sound_lies_far_behind_its_picture_is_not_judged_and_not_held_in_memory(folder: Path) -> None:
    """Matroska's writer lets it lie 10 s behind at most."""
    path = folder / "apart.mkv"
    write_title(path, flashes=[(1, 2)], beeps=[(1, 2)], picture=(0, 30), sound=[(0, 30)], in_order=False)
    _, found, _ = inspected(path)
    reasons = {reason for reason, *_ in stretches(found, Verdict.INCONCLUSIVE)}
    assert TOO_LATE in reasons
    assert Verdict.DEFECT not in {detection.verdict for detection in found}
    assert detections(distributed(one_after_another(records(path)))) == found


def test_nothing_is_compared_across_a_cut_and_topologies_agree_on_it(folder: Path) -> None:
    """The clip twice: timestamps jump back in the middle, for picture and sound one after the other."""
    clip = write_video(folder / "once.ts", codec="mpeg2video", frames=60, audio_s=2.4)
    path = clip.with_name("twice.ts")
    path.write_bytes(clip.read_bytes() * 2)
    _, found, _ = inspected(path)
    assert [d.span.epoch for d in found] == sorted(d.span.epoch for d in found)
    lasted = {epoch: sum(d.span.duration for d in found if d.span.epoch == epoch) for epoch in (0, 1)}
    assert all(2.2 < seconds <= 2.5 for seconds in lasted.values())
    assert detections(fused(path)) == found
    lying = records(path)
    assert detections(distributed(one_after_another(lying))) == found
    assert detections(distributed(interleaved(lying, [True, False, False]))) == found


def test_a_new_session_ends_the_one_before(folder: Path) -> None:
    """Its decoder was killed, and began again: a live channel."""
    sent = [m for m in messages(TITLES[0].write(folder), CHANNEL) if m.rendition in Paired.spec.renditions]
    before = [m for m in sent if m.sequence < 8]
    after = [replace(m, session=m.session + 1, unit=in_epoch(m.unit, 50)) for m in sent]
    task: JoinedTask[None] = JoinedTask(Paired.spec, lambda track: make_paired(CHANNEL, track), CHANNEL)
    found: list[DetectionBatch] = []
    for message in sorted([*before, *after], key=lambda m: m.rendition):
        task.add(message, None)
        found += [batch for _, detected in task.handled() for batch in detected.batches]
    ends = [(batch.session - sent[0].session, batch.final) for batch in found if batch.final]
    assert ends == [(0, True), (1, True)]
    ended = [d for d in detections(found) if d.span.epoch == 0]
    assert max(d.span.end for d in ended) == Fraction(16, 5), "all of its pictures"
    again = [replace(d, span=replace(d.span, epoch=0)) for d in detections(found) if d.span.epoch == 50]
    assert again == detections(distributed(one_after_another(records(TITLES[0].write(folder)))))


def in_epoch(unit: MediaUnit | EndOfStream, epoch: int) -> MediaUnit | EndOfStream:
    match unit:
        case FrameChunk() | AudioChunk():
            return replace(unit, epoch=epoch)
        case StreamFact():
            return replace(unit, at=replace(unit.at, epoch=epoch))
        case EndOfStream():
            return replace(unit, at=unit.at and replace(unit.at, epoch=epoch))


def interleaved(lying: dict[str, list[Record]], picks: Sequence[bool]) -> list[Record]:
    """In an order that keeps that of each topic; `picks` chooses, and is repeated."""
    left = {name: list(found) for name, found in lying.items()}
    first, second = left
    order = []
    for number in range(sum(map(len, lying.values()))):
        pick = picks[number % len(picks)]
        order.append(left[first if (pick and left[first]) or not left[second] else second].pop(0))
    return order


picks = st.lists(st.booleans(), min_size=1, max_size=60)


@pytest.mark.parametrize("title", [pytest.param(title, id=title.id) for title in (TITLES[0], TITLES[4])])
@settings(deadline=None, max_examples=15)
@given(picks=picks, data=st.data())
def test_workers_that_die_and_messages_in_any_order_change_nothing(
    title: Title, picks: list[bool], data: st.DataObject, folder: Path
) -> None:
    """A worker dies; another has its last checkpoint, and every record that was not acknowledged, in another order."""
    lying = kept_records(title, folder)
    expected = distributed(one_after_another(lying))
    arriving = interleaved(lying, picks)
    checkpoint = data.draw(st.integers(0, len(arriving)), label="checkpoint")
    death = data.draw(st.integers(checkpoint, len(arriving)), label="death")

    worker = DetectorWork(Paired.spec, make_paired)
    task = worker.task(CHANNEL)
    until_then = steps(worker, task, arriving[:checkpoint])
    saved = task.snapshot()
    sent = said(until_then) + said(steps(worker, task, arriving[checkpoint:death]))

    acknowledged = {record.place for step in until_then for record, _ in step.done}
    again = {name: [r for r in found if r.place not in acknowledged] for name, found in lying.items()}
    other = worker.task(CHANNEL)
    other.restore(saved)
    sent += said(steps(worker, other, interleaved(again, picks[::-1])))
    by_position: dict[int, DetectionBatch] = {}
    for batch in sent:
        assert by_position.setdefault(batch.position, batch) == batch
    assert [by_position[position] for position in sorted(by_position)] == expected


_RECORDS: dict[str, dict[str, list[Record]]] = {}


def kept_records(title: Title, folder: Path) -> dict[str, list[Record]]:
    if title.id not in _RECORDS:
        _RECORDS[title.id] = records(title.write(folder))
    return _RECORDS[title.id]


def test_records_are_done_when_their_turn_has_come(folder: Path) -> None:
    lying = records(TITLES[0].write(folder))
    worker = DetectorWork(Paired.spec, make_paired)
    task = worker.task(CHANNEL)
    sound, picture = lying["audio"], lying["luma-32"]
    waiting = steps(worker, task, sound)
    assert all(step.waits and not step.done for step in waiting)
    assert [step.ahead for step in waiting[-2:]] == [frozenset()] * 2, "8 s are not too much"
    (first,) = steps(worker, task, picture[:1])
    assert [record.place for record, _ in first.done] == [sound[0].place, picture[0].place]
    assert {step.outcome for _, step in first.done} == {"handled"}
    assert steps(worker, task, sound[:1]) == [Step("duplicate")]
    rest = steps(worker, task, picture[1:])
    done = [record.place for step in (first, *rest) for record, _ in step.done]
    assert sorted(done) == sorted(record.place for record in (*sound, *picture))


def test_a_topic_that_is_far_ahead_is_told(folder: Path) -> None:
    lying = records(TITLES[6].write(folder))
    worker = DetectorWork(Paired.spec, make_paired)
    told = steps(worker, worker.task(CHANNEL), lying["audio"])
    assert [bool(step.ahead) for step in told[:20]] == [False] * 16 + [True] * 4
    assert told[19].ahead == {topics.media("audio")}


def test_a_crash_is_told_with_the_record_that_caused_it(folder: Path) -> None:
    class Touchy(Paired):
        def process(self, unit: MediaUnit) -> Sequence[Detection]:
            if isinstance(unit, AudioChunk) and unit.start == 2:
                raise RuntimeError("boom")
            return super().process(unit)

    lying = records(TITLES[0].write(folder))
    worker = DetectorWork(Paired.spec, lambda channel, track: Touchy(PARAMS, DetectorContext(channel, track)))
    found = steps(worker, worker.task(CHANNEL), one_after_another(lying))
    failed = [(record.place, str(part.failure)) for step in found for record, part in step.done if part.failure]
    assert failed == [((topics.media("audio"), 0, 4), "boom")]
    unjudged = stretches(detections(said(found)), Verdict.INCONCLUSIVE)
    assert ("the detector failed: RuntimeError: boom", 2.0, 2.5) in unjudged


def test_what_is_shed_is_told_once_its_turn_has_come(folder: Path) -> None:
    lying = records(TITLES[0].write(folder))
    worker = DetectorWork(Paired.spec, make_paired, shed_after_s=-1)
    task = worker.task(CHANNEL)
    found = []
    for record in one_after_another(lying):
        worker.channel(record)
        assert worker._message is not None
        worker._message = replace(worker._message, live=True)
        found.append(worker.step(task, record))
    assert {part.outcome for step in found for _, part in step.done} == {"shed", "handled"}
    assert {d.verdict for d in detections(said(found))} == {Verdict.INCONCLUSIVE}


def test_channels_that_are_not_for_the_detector_are_passed_over(folder: Path) -> None:
    record = records(TITLES[0].write(folder))["audio"][0]
    worker = DetectorWork(Paired.spec, make_paired)
    worker.channel(record)
    assert worker._message is not None
    worker._message = replace(worker._message, detectors=("black",))
    assert worker.step(worker.task(CHANNEL), record) == Step("not_asked")


def test_topics_of_both_renditions_are_read() -> None:
    worker = DetectorWork(Paired.spec, make_paired)
    assert worker.topics == ("glasswatch.media.audio.v1", "glasswatch.media.luma-32.v1")
    assert worker.joins
