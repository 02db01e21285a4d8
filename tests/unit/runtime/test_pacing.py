"""Which topics rest while others catch up."""

from __future__ import annotations

import asyncio
from typing import Any

from glasswatch.runtime.worker.pacing import CHANNEL_PATIENCE_S, PATIENCE_S, Pace, paced

SOUND, PICTURE = "glasswatch.media.audio.v1", "glasswatch.media.luma-32.v1"
AHEAD = frozenset([SOUND])


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pace(clock: Clock | None = None) -> Pace:
    return Pace([SOUND, PICTURE], clock or Clock())


def test_a_topic_rests_while_it_is_ahead() -> None:
    side_by_side = pace()
    side_by_side.note("news", (SOUND, 3), AHEAD)
    assert side_by_side.resting() == {(SOUND, 3)}
    side_by_side.note("news", (PICTURE, 3), frozenset())
    assert side_by_side.resting() == set()


def test_it_rests_for_one_channel_of_its_partition_though_another_is_not_ahead() -> None:
    side_by_side = pace()
    side_by_side.note("news", (SOUND, 3), AHEAD)
    side_by_side.note("sport", (SOUND, 3), frozenset())
    side_by_side.note("films", (SOUND, 4), frozenset())
    assert side_by_side.resting() == {(SOUND, 3)}


def test_one_topic_of_a_partition_always_goes_on() -> None:
    side_by_side = pace()
    side_by_side.note("news", (SOUND, 3), AHEAD)
    side_by_side.note("sport", (PICTURE, 3), frozenset([PICTURE]))
    side_by_side.note("films", (SOUND, 4), AHEAD)
    assert side_by_side.resting() == {(SOUND, 4)}


def test_it_does_not_rest_for_topics_that_bring_nothing() -> None:
    clock = Clock()
    side_by_side = pace(clock)
    side_by_side.note("news", (SOUND, 3), AHEAD)
    clock.now += PATIENCE_S - 1
    side_by_side.note("sport", (PICTURE, 3), frozenset())
    clock.now += PATIENCE_S - 1
    assert side_by_side.resting() == {(SOUND, 3)}
    clock.now += 1
    assert side_by_side.resting() == set()
    side_by_side.note("news", (SOUND, 3), AHEAD)
    assert side_by_side.resting() == {(SOUND, 3)}, "and after a few records it waits again"


def test_it_does_not_rest_for_ever_for_one_channel_while_others_go_on() -> None:
    clock = Clock()
    side_by_side = pace(clock)
    side_by_side.note("news", (SOUND, 3), AHEAD)
    for _ in range(int(CHANNEL_PATIENCE_S)):
        assert side_by_side.resting() == {(SOUND, 3)}
        clock.now += 1
        side_by_side.note("sport", (PICTURE, 3), frozenset())
    assert side_by_side.resting() == set()


def test_what_was_known_of_other_partitions_is_forgotten() -> None:
    side_by_side = pace()
    side_by_side.note("news", (SOUND, 3), AHEAD)
    side_by_side.clear()
    assert side_by_side.resting() == set()


class Consumer:
    """What Faust has: fetches of all partitions that it is given."""

    async def _getmany(self, active_partitions: set[Any] | None, timeout: float) -> dict[Any, str]:
        return dict.fromkeys(active_partitions or {("any", 0)}, "records")


def test_a_fetch_leaves_out_what_rests() -> None:
    side_by_side = pace()
    consumer = paced(Consumer, side_by_side)()
    both = {(SOUND, 3), (PICTURE, 3)}
    assert set(asyncio.run(consumer._getmany(both, 0))) == both
    side_by_side.note("news", (SOUND, 3), AHEAD)
    assert set(asyncio.run(consumer._getmany(both, 0))) == {(PICTURE, 3)}
    assert set(asyncio.run(consumer._getmany(None, 0))) == {("any", 0)}
    assert asyncio.run(consumer._getmany({(SOUND, 3)}, 0)) == {}, "to ask for no partition is to ask for all"
