"""A detector that reads pictures and sound from two topics, which come in no order, and dies in the middle."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glasswatch.core.message import DetectionBatch, MediaMessage
from glasswatch.runtime import topics as declared
from glasswatch.runtime.worker.joined_task import JoinedTask
from glasswatch.wire import topics
from glasswatch.wire.detection import decode_batch
from glasswatch.wire.headers import MessageType, event_headers
from glasswatch.wire.media import encode_media
from tests.e2e.deployment import until
from tests.integration.worker.stage import MOST_INLINE, WAIT_S, Service, Stage, own_channel
from tests.paired import Paired, make_paired, messages, write_title

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(240)]

Run = Callable[..., Service]

GROUP = topics.detector_group("paired")
SOUND, PICTURE = map(topics.media, Paired.spec.renditions)
TITLE_S = 120


@pytest.fixture(scope="module")
def with_topics(stage: Stage) -> Stage:
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415

    wanted = declared.declare([Paired.spec], declared.TopicOptions())
    with kafka_topics(stage.kafka) as admin:
        declared.apply(declared.plan(wanted, admin.topics()), admin)
    return stage


def undisturbed(sent: Sequence[MediaMessage]) -> list[DetectionBatch]:
    """What the detector says in one process."""
    channel = sent[0].channel
    task: JoinedTask[None] = JoinedTask(Paired.spec, lambda track: make_paired(channel, track), channel)
    found = []
    for message in sent:
        task.add(message, None)
        found += [batch for _, detected in task.handled() for batch in detected.batches]
    return found


def publish(stage: Stage, sent: Iterable[MediaMessage]) -> None:
    for message in sent:
        topic, encoded = topics.media(message.rendition), encode_media(message, MOST_INLINE)
        headers = event_headers(MessageType.MEDIA, topic, encoded.identity, "/test", datetime.now(UTC))
        stage.producer.send(topic, encoded.value, key=message.channel.encode(), headers=headers)
    stage.producer.flush()


def said(stage: Stage, channel: str) -> list[DetectionBatch]:
    """Each batch once; fails where two differ that should be one."""
    by_position: dict[int, DetectionBatch] = {}
    for sent in stage.read(topics.detections("paired"), channel):
        assert sent.value is not None
        batch = decode_batch(sent.value)
        assert by_position.setdefault(batch.position, batch) == batch
    return [by_position[position] for position in sorted(by_position)]


def test_topics_in_any_order_and_workers_that_die_change_nothing(with_topics: Stage, run: Run, tmp_path: Path) -> None:
    stage, channel = with_topics, own_channel()
    path = write_title(
        tmp_path / "title.mkv",
        flashes=[(1, 2), (50, 51), (100, 101)],
        beeps=[(1, 2), (50.3, 51.3)],
        picture=(0, TITLE_S),
        sound=[(0, 60), (75, TITLE_S)],
    )
    sent = [message for message in messages(path, channel) if message.rendition in Paired.spec.renditions]
    expected = undisturbed(sent)
    sound = [message for message in sent if message.rendition == "audio"]
    picture = [message for message in sent if message.rendition != "audio"]

    def start() -> Service:
        return run("detect", "paired", module="tests.integration.worker.paired_worker").await_ready()

    # All of the sound is there before the first picture.
    publish(stage, sound)
    worker = start()
    assert until(lambda: worker.metric("glasswatch_worker_unacknowledged") > 16, WAIT_S), worker.told()
    time.sleep(2)
    assert worker.messages("handled") == 0
    assert stage.unread(GROUP, SOUND) == len(sound), "nothing is acknowledged that waits"
    waiting = worker.metric("glasswatch_worker_unacknowledged")
    assert 16 < waiting < len(sound), "it has read some way ahead, and rests"

    publish(stage, picture[:150])
    assert until(lambda: worker.messages("handled") > 200, WAIT_S), worker.told()
    worker.kill()
    other = start()
    publish(stage, picture[150:])
    assert until(lambda: stage.unread(GROUP, SOUND) + stage.unread(GROUP, PICTURE) == 0, WAIT_S), other.told()
    assert said(stage, channel) == expected
    assert other.messages("dead_letter") == 0
    assert other.metric("glasswatch_lost_media_messages_total") == 0
    assert "Traceback" not in other.told()

    again = other.messages("handled")
    status, seconds = other.stop()
    assert (status, seconds < 10) == (0, True), other.told()
    assert again < len(sent), "it went on from the checkpoint"
