"""Threads around the in-process bus: the calling thread produces, every consumer has a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from glasswatch.ports.bus import Bus, BusClosedError


def _nothing() -> None:
    pass


class Pipeline:
    """Consumers of topics, ended stage by stage.

    A consumer that raises ends the whole pipeline: everyone who waits is woken, and `finish` raises its error.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._threads: dict[str, list[threading.Thread]] = {}
        self._crashes: list[BaseException] = []

    def consume(self, topic: str, handle: Callable[[Any], None], done: Callable[[], None] = _nothing) -> None:
        """Call `handle` with each message of a topic from now on, in a new thread, and `done` after the last."""
        subscription = self.bus.subscribe(topic)

        def work() -> None:
            try:
                for message in subscription:
                    handle(message)
                done()
            except BusClosedError:
                pass  # Another part has failed, and tells why.
            except BaseException as error:  # noqa: BLE001
                self._crashes.append(error)
                self.bus.abort()

        thread = threading.Thread(target=work, name=topic, daemon=True)
        self._threads.setdefault(topic, []).append(thread)
        thread.start()

    def finish(self, topics: Iterable[str]) -> None:
        """Close topics, and wait until their consumers have worked off what is queued.

        Raises whatever a consumer has raised.
        """
        chosen = list(topics)
        for topic in chosen:
            self.bus.close(topic)
        for topic in chosen:
            for thread in self._threads.pop(topic, ()):
                thread.join()
        if self._crashes:
            raise self._crashes[0]
