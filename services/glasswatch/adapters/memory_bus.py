"""A bus inside one process: threads hand messages to each other by reference."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from glasswatch.ports.bus import BusClosedError


@dataclass(slots=True)
class _Topic:
    """A topic's subscribers and state, guarded by the bus's lock; `room` wakes the publishers that wait for space."""

    name: str
    room: threading.Condition
    subscriptions: list[MemorySubscription] = field(default_factory=list)
    closed: bool = False
    aborted: bool = False


class MemorySubscription:
    """A bounded queue between the publishers of a topic and one consumer.

    Several threads may iterate over one subscription; each message then goes to one of them.
    """

    def __init__(self, topic: _Topic, lock: threading.Lock, capacity: int) -> None:
        self._topic = topic
        self._lock = lock
        self._capacity = capacity
        self._ready = threading.Condition(lock)
        self._queue: deque[object] = deque()
        self._open = True

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        with self._lock:
            while not (self._queue or self._ended):
                self._ready.wait()
            if self._topic.aborted:
                raise BusClosedError("the bus was aborted")
            if not self._queue:
                raise StopIteration
            message = self._queue.popleft()
            self._topic.room.notify_all()
            return message

    def close(self) -> None:
        """Take no more messages; what is queued is dropped."""
        with self._lock:
            self._open = False
            if self in self._topic.subscriptions:
                self._topic.subscriptions.remove(self)
            self.drop()
            self._topic.room.notify_all()

    @property
    def _ended(self) -> bool:
        return not self._open or self._topic.closed or self._topic.aborted

    @property
    def is_full(self) -> bool:
        """Whether a publisher has to wait; the caller holds the lock."""
        return len(self._queue) >= self._capacity

    def put(self, message: object) -> None:
        """Queue a message and wake a reader; the caller holds the lock."""
        self._queue.append(message)
        self._ready.notify()

    def wake(self) -> None:
        """Let every reader look at the topic's state again; the caller holds the lock."""
        self._ready.notify_all()

    def drop(self) -> None:
        """Forget what is queued and wake the readers; the caller holds the lock."""
        self._queue.clear()
        self.wake()


class MemoryBus:
    """Topics for threads of one process; implements `glasswatch.ports.bus.Bus`.

    A message is handed to all subscribers of its topic at once, when each of them has room, so that all see the
    messages of several publishers in one order and the slowest paces the topic. One lock guards everything; who waits,
    waits on a condition of its own (a reader on its queue, a publisher on its topic), so that only those are woken who
    can go on.
    """

    def __init__(self, capacity: int) -> None:
        """`capacity`: messages that each subscription holds at most."""
        if capacity < 1:
            raise ValueError(f"a bus needs room for at least one message, not {capacity}")
        self._capacity = capacity
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._aborted = False

    def publish(self, topic: str, message: object) -> None:
        """Hand the message to every subscriber, waiting until the slowest has room."""
        with self._lock:
            target = self._topic(topic)
            while not (target.closed or target.aborted) and any(s.is_full for s in target.subscriptions):
                target.room.wait()
            if target.aborted:
                raise BusClosedError("the bus was aborted")
            if target.closed:
                raise BusClosedError(f"topic {target.name} was closed")
            for subscription in target.subscriptions:
                subscription.put(message)

    def subscribe(self, topic: str) -> MemorySubscription:
        """Start to receive what is published from now on."""
        with self._lock:
            target = self._topic(topic)
            subscription = MemorySubscription(target, self._lock, self._capacity)
            target.subscriptions.append(subscription)
            return subscription

    def close(self, topic: str) -> None:
        """End the topic: subscribers end after what they have queued, publishers are refused. May be repeated."""
        with self._lock:
            target = self._topic(topic)
            target.closed = True
            target.room.notify_all()
            for subscription in target.subscriptions:
                subscription.wake()

    def abort(self) -> None:
        """End everything at once: whoever waits, now or later, gets BusClosedError. May be repeated."""
        with self._lock:
            self._aborted = True
            for topic in self._topics.values():
                topic.aborted = True
                topic.room.notify_all()
                for subscription in topic.subscriptions:
                    subscription.drop()

    def _topic(self, name: str) -> _Topic:
        """The topic of that name, made where it is new; the caller holds the lock."""
        if name not in self._topics:
            self._topics[name] = _Topic(name, threading.Condition(self._lock), aborted=self._aborted)
        return self._topics[name]
