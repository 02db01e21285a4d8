"""Workers come and go while channels run: every batch and every event is there once, as of a single worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from glasswatch.core.message import MediaMessage
from tests.e2e.deployment import until
from tests.integration.worker.stage import (
    DETECTIONS,
    GROUP,
    MEDIA,
    WAIT_S,
    Service,
    Stage,
    decided,
    own_channel,
    pictures,
    title,
    undisturbed,
)

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(180)]

Run = Callable[..., Service]


def apart(stage: Stage, count: int) -> list[str]:
    """Channels that lie in partitions of their own."""
    from kafka.partitioner.default import murmur2  # noqa: PLC0415

    partitions = len(stage.producer.partitions_for(MEDIA))
    found: dict[int, str] = {}
    while len(found) < count:
        channel = own_channel()
        found.setdefault(murmur2(channel.encode()) % partitions, channel)
    return list(found.values())


class Publishing(threading.Thread):
    """Publishes titles side by side, a few chunks of each a second."""

    def __init__(self, stage: Stage, titles: Sequence[Sequence[MediaMessage]], pause_s: float) -> None:
        super().__init__(daemon=True)
        self._stage = stage
        self._titles = titles
        self._pause_s = pause_s

    def run(self) -> None:
        for side_by_side in zip(*self._titles, strict=True):
            self._stage.publish(side_by_side)
            time.sleep(self._pause_s)


def test_workers_that_come_and_go_lose_and_double_nothing(stage: Stage, run: Run) -> None:
    titles = [
        title(channel, pictures(30, [(2, 3), (6 + i, 9 + i), (15, 16 + i), (22, 28)], chunk=5, seed=i))
        for i, channel in enumerate(apart(stage, 4))
    ]
    detectors = [run("detect", "black"), run("detect", "black")]
    aggregators = [run("aggregate"), run("aggregate")]
    for service in (*detectors, *aggregators):
        service.await_ready()
    publishing = Publishing(stage, titles, pause_s=0.1)
    publishing.start()

    detectors.append(run("detect", "black").await_ready())
    time.sleep(1)
    assert detectors[0].stop()[0] == 0, detectors[0].told()
    assert aggregators[0].stop()[0] == 0, aggregators[0].told()
    aggregators.append(run("aggregate").await_ready())
    detectors[1].kill()
    aggregators[1].kill()
    publishing.join(120)
    assert until(lambda: stage.unread(GROUP, MEDIA) == 0, WAIT_S), detectors[2].told()
    assert until(lambda: stage.unread("glasswatch-aggregator", DETECTIONS) == 0, WAIT_S), aggregators[2].told()

    for messages in titles:
        channel, expected = messages[0].channel, undisturbed(messages)
        assert stage.batches(channel) == expected
        assert stage.events(channel) == decided(expected)
        assert not stage.doubled(channel)
    for service in (*detectors, *aggregators):
        assert "Traceback" not in service.told()


def test_a_worker_that_is_told_to_stop_hands_over_cleanly(stage: Stage, run: Run) -> None:
    channel = own_channel()
    messages = title(channel, pictures(60, [(5, 8), (20, 22), (50, 53)], chunk=5))
    worker = run("detect", "black").await_ready()
    publishing = Publishing(stage, [messages], pause_s=0.005)
    publishing.start()
    assert until(lambda: worker.messages("handled") > 20, WAIT_S), worker.told()
    status, seconds = worker.stop()
    assert (status, seconds < 10) == (0, True), worker.told()
    assert not list(worker.log.parent.glob("glasswatch-faust-*")), "it cleans up behind itself"
    publishing.join(60)
    assert 0 < stage.unread() < len(messages), "it stopped in the middle"

    after = run("detect", "black").await_ready()
    assert until(lambda: stage.unread() == 0, WAIT_S), after.told()
    assert after.messages("duplicate") == 0, "all that was done had been acknowledged"
    assert stage.batches(channel) == undisturbed(messages)
    status, seconds = after.stop()
    assert (status, seconds < 10) == (0, True), after.told()
    assert stage.unread() == 0
