"""Packets of several containers, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import av

from glasswatch.decoder.feeds import Feeds, without_leftovers


def packets(name: str, *places: int | None, error: Exception | None = None) -> Iterator[Any]:
    for place in places:
        yield SimpleNamespace(stream=name, pos=place, dts=place or 0, pts=0, size=1)
    if error is not None:
        raise error


def order(feeds: Feeds) -> list[tuple[str, int | None]]:
    return [(str(packet.stream), packet.pos) for packet in feeds]


def test_one_container_keeps_its_own_order() -> None:
    assert [place for _, place in order(Feeds(packets("a", 5, None, 3), lambda _: ()))] == [5, None, 3]


def test_another_one_comes_in_where_it_begins() -> None:
    waiting = [(30, packets("b", 35, 60)), (90, packets("c", 95))]

    def more(place: int) -> Iterator[Iterator[Any]]:
        while waiting and waiting[0][0] <= place:
            yield waiting.pop(0)[1]

    got = order(Feeds(packets("a", 10, 20, 50, 70), more))
    assert got == [("a", 10), ("a", 20), ("b", 35), ("a", 50), ("b", 60), ("a", 70), ("c", 95)]


def test_a_failure_ends_one_container_and_is_told() -> None:
    error = av.error.ConnectionResetError(104, "Connection reset by peer")
    once = iter([[packets("b", 40, 50)]])
    feeds = Feeds(packets("a", 10, error=error), lambda place: next(once, ()) if place >= 10 else ())
    assert [name for name, _ in order(feeds)] == ["a", "b", "b"]
    assert feeds.failure == "Connection reset by peer"


def test_packets_of_before_the_advertisements_are_left_out() -> None:
    assert [p.pos for p in without_leftovers(packets("a", 10, 20, 30, 15, 40, 50))] == [10, 20, 30, 40, 50]


def test_a_place_that_begins_anew_loses_one_packet_at_most() -> None:
    assert [p.pos for p in without_leftovers(packets("a", 100, 110, 0, 10, 20))] == [100, 110, 10, 20]
