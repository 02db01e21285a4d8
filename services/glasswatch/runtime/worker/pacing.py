"""Reading several topics side by side: one that is ahead on a channel rests, so that what waits stays bounded.

Kafka gives each topic's records in order, and says nothing of the order between topics: after a restart one may bring
minutes before another brings its first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any

PATIENCE_S = 10.0
"""A topic rests while the others bring something; where they have brought nothing for so long, it goes on."""

CHANNEL_PATIENCE_S = 30.0
"""Nor does it rest for a channel of which nothing has come for so long, whoever brings something."""

POLL_RECORDS = 16
"""Records in one fetch of a worker that reads several topics: a topic that is to rest brings this many more."""

Share = tuple[str, int]
"""Topic and partition."""


class Pace:
    """Which shares rest. Renditions of a channel lie in partitions of one number, and rest for each other only."""

    def __init__(self, topics: Collection[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._topics = frozenset(topics)
        self._clock = clock
        self._ahead: dict[str, tuple[int, frozenset[str], float]] = {}
        self._brought: dict[Share, float] = {}

    def note(self, channel: str, share: Share, ahead: frozenset[str]) -> None:
        """A share has brought a record of a channel, on which these topics are ahead now."""
        self._brought[share] = self._clock()
        if ahead:
            self._ahead[channel] = share[1], ahead, self._clock()
        else:
            self._ahead.pop(channel, None)

    def resting(self) -> set[Share]:
        """Shares that are to bring nothing now; of each partition number one topic at least goes on."""
        found: dict[int, set[str]] = {}
        for partition, ahead, at in self._ahead.values():
            if self._clock() - at < CHANNEL_PATIENCE_S:
                found.setdefault(partition, set()).update(ahead)
        return {
            (topic, partition)
            for partition, ahead in found.items()
            if ahead < self._topics and self._goes_on(partition)
            for topic in ahead
        }

    def clear(self) -> None:
        """The partitions are assigned anew."""
        self._ahead.clear()
        self._brought.clear()

    def _goes_on(self, partition: int) -> bool:
        """Whether anything has come in partitions of that number lately; it is the others that bring it then."""
        last = max(at for (_, number), at in self._brought.items() if number == partition)
        return self._clock() - last < PATIENCE_S


def paced(consumer: type[Any], pace: Pace) -> type[Any]:
    """Faust's `consumer`, which leaves out of each fetch what is to rest.

    Faust's own `pause_partitions` drops records that were fetched before.
    """

    class PacedConsumer(consumer):  # type: ignore[misc]
        async def _getmany(self, active_partitions: set[Any] | None, timeout: float) -> Any:
            resting = pace.resting()
            if active_partitions is None or not resting:
                return await super()._getmany(active_partitions, timeout)
            active = {share for share in active_partitions if tuple(share) not in resting}
            if not active:
                await asyncio.sleep(timeout)
                return {}
            return await super()._getmany(active, timeout)

    return PacedConsumer
