"""Messages that cannot be handled: each goes to the dead-letter topic as it came, and the stream goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from glasswatch.core.detection import Verdict
from glasswatch.core.media import FrameChunk
from glasswatch.core.message import MediaMessage
from glasswatch.wire import topics
from glasswatch.wire.media import encode_media
from tests.e2e.deployment import until
from tests.integration.worker.stage import (
    MEDIA,
    MOST_INLINE,
    WAIT_S,
    Sent,
    Service,
    Stage,
    media_headers,
    own_channel,
    pictures,
    title,
)

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(120)]

Run = Callable[..., Service]


def letter(stage: Stage, channel: str, text: str) -> tuple[Sent, dict[str, bytes]]:
    """The dead letter whose error holds the text, and its headers; fails unless there is exactly one."""
    letters = [(sent, dict(sent.headers)) for sent in stage.read(topics.dead_letter(MEDIA), channel)]
    found = [(sent, headers) for sent, headers in letters if text.encode() in headers["glasswatch-error"]]
    assert len(found) == 1, [headers["glasswatch-error"] for _, headers in letters]
    return found[0]


def without_planes(message: MediaMessage) -> MediaMessage:
    """A sound message that no detector expects."""
    assert isinstance(message.unit, FrameChunk)
    return replace(message, unit=replace(message.unit, planes=()))


def test_each_goes_to_the_dead_letter_topic_as_it_came_and_the_stream_goes_on(stage: Stage, run: Run) -> None:
    channel = own_channel()
    messages = title(channel, pictures(8, [(5, 7)]))
    crashing = 7
    messages[crashing] = without_planes(messages[crashing])
    noise = np.random.default_rng(1).bytes(5000)
    newer = [(k, b"glasswatch.v2.MediaMessage" if k == "ce_type" else v) for k, v in media_headers(b"newer")]
    largest = np.random.default_rng(2).bytes((8 << 20) - 450)
    stage.publish(messages[:4])
    stage.send(noise, channel, media_headers(b"poison"))
    stage.send(b"whatever", channel, newer)
    stage.send(None, channel, media_headers(b"nothing"))
    stage.send(largest, channel, media_headers(b"largest"))
    stage.publish(messages[4:])

    worker = run("detect", "black").await_ready()
    assert until(lambda: worker.messages("handled") == len(messages), WAIT_S), worker.told()
    assert until(lambda: stage.unread() == 0, WAIT_S), "the poison is acknowledged, too"
    assert worker.messages("dead_letter") == 5

    found = [d for batch in stage.batches(channel) for d in batch.detections]
    black = [d.span for d in found if d.verdict is Verdict.DEFECT]
    assert (black[0].start, black[-1].end) == (5, 7)
    (unjudged,) = [d for d in found if d.verdict is Verdict.INCONCLUSIVE and d.kind is None]
    chunk = messages[crashing].unit
    assert isinstance(chunk, FrameChunk)
    assert (unjudged.span.start, unjudged.span.end) == (chunk.pts[0], chunk.ends[-1])
    assert (unjudged.reason or "").startswith("the detector failed: ")

    letters = stage.read(topics.dead_letter(MEDIA), channel)
    assert len(letters) == 5
    for sent in letters:
        headers = dict(sent.headers)
        assert headers["glasswatch-topic"] == MEDIA.encode()
        assert headers["glasswatch-partition"].isdigit()
        assert headers["glasswatch-offset"].isdigit()
        assert headers["ce_id"], "its own headers are kept"
    in_order = [int(dict(sent.headers)["glasswatch-offset"]) for sent in letters]
    assert in_order == sorted(in_order)

    assert {sent.value for sent in letters} >= {noise, b"whatever", encode_media(messages[crashing], MOST_INLINE).value}
    sent, headers = letter(stage, channel, "v2.MediaMessage")
    assert (sent.value, headers["ce_type"]) == (b"whatever", b"glasswatch.v2.MediaMessage")
    sent, _ = letter(stage, channel, "a message has no value")
    assert not sent.value
    (left_out,) = [sent for sent in letters if "glasswatch-left-out" in dict(sent.headers)]
    assert not left_out.value, "with its headers it would not fit"


def test_a_payload_beyond_the_limit_goes_through_redis_and_one_that_is_gone_is_told(stage: Stage, run: Run) -> None:
    from glasswatch.adapters.redis_store import RedisMediaStore  # noqa: PLC0415

    channel = own_channel()
    first, second, third = (title(channel, [chunk])[0] for chunk in large_chunks())
    worker = run("detect", "black").await_ready()
    with RedisMediaStore.connect(stage.redis) as store:
        for number, message in enumerate([first, second, third]):
            encoded = encode_media(replace(message, sequence=number), MOST_INLINE)
            if number < 2:
                assert encoded.detached is not None, "noise of 9 MB does not fit"
                if number == 0:
                    store.put(encoded.detached.key, encoded.detached.data)
            stage.send(encoded.value, channel, media_headers(encoded.identity))
    assert until(lambda: worker.messages("handled") == 2, WAIT_S), worker.told()
    assert until(lambda: stage.unread() == 0, WAIT_S)

    batches = stage.batches(channel)
    assert batches[0].detections[0].verdict is Verdict.OK
    assert batches[0].position == 1
    reasons = [d.reason for batch in batches for d in batch.detections if d.verdict is Verdict.INCONCLUSIVE]
    assert "1 media messages did not arrive" in reasons
    assert worker.messages("dead_letter") == 1
    assert worker.metric("glasswatch_lost_media_messages_total") == 1
    letter(stage, channel, "the media store no longer has it")


def large_chunks() -> list[FrameChunk]:
    """Two chunks of noise that are more than a message may be, and a small one, one after another."""
    large = [replace(chunk, planes=noisy(len(chunk), seed)) for seed, chunk in enumerate(pictures(6, [], chunk=50))]
    return [large[0], large[1], pictures(6, [], chunk=50)[2]]


def noisy(frames: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(
        rng.integers(16, 235, (frames, *size)).astype(np.uint8) for size in [(270, 480), (135, 240), (135, 240)]
    )
