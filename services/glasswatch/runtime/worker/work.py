"""What a worker is asked to do with messages, apart from how it gets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from glasswatch.core.errors import WireError
from glasswatch.core.sessions import Admission
from glasswatch.wire.headers import Headers, MessageType, event_headers, header, next_traceparent

MEDIA_TIME = "ce_mediatime"
"""Header, an extension of CloudEvents: when the media was published that a message comes of; for latency figures."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What a message comes of.

    Attributes:
        trace: The trace that it belongs to.
        published: When the media was published, None where that is not known.
    """

    trace: str | None = None
    published: datetime | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the media was published, 0 where that is not known."""
        if self.published is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - self.published).total_seconds())


@dataclass(frozen=True, slots=True)
class Record:
    """A message as Kafka gives it.

    Attributes:
        topic, partition, offset: Where it lies.
        key, value: As they came; either may be None.
        headers: As they came.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition and offset."""
        return self.topic, self.partition, self.offset

    @property
    def body(self) -> bytes:
        """The value; WireError where there is none."""
        if self.value is None:
            raise WireError("a message has no value", b"")
        return self.value

    @property
    def cause(self) -> Cause:
        """Trace and media time for messages that come of this one."""
        return Cause(
            header(self.headers, "traceparent"), _time(self.headers, MEDIA_TIME) or _time(self.headers, "ce_time")
        )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one record.

    Attributes:
        outcome: A word for the metric: handled, duplicate, stray, shed.
        outgoing: What to publish.
        failure: What went wrong inside: the record goes to the dead-letter topic, and the stream goes on.
        waits: Whether the record is kept until its turn comes: it must not be acknowledged, and counts when it is done.
        done: Records that waited, the present one perhaps among them, in the order in which they were done now.
        ahead: Topics of the channel that should bring no more until others have caught up.
    """

    outcome: str
    outgoing: tuple[Outgoing, ...] = ()
    failure: Exception | None = None
    waits: bool = False
    done: tuple[tuple[Record, Step], ...] = ()
    ahead: frozenset[str] = frozenset()


class Task(Protocol):
    """The work on one channel: its state, and what a record does to it."""

    @property
    def version(self) -> int:
        """Grows with every record that was handled."""

    def snapshot(self) -> bytes:
        """The state."""

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot; ValueError, TypeError or KeyError where it does not fit."""


class Work(Protocol):
    """What one kind of worker does. Methods run on one thread of the worker's own, one at a time."""

    @property
    def name(self) -> str:
        """Name in metrics and checkpoints."""

    @property
    def group(self) -> str:
        """Consumer group."""

    @property
    def topics(self) -> Sequence[str]:
        """Topics to read."""

    @property
    def joins(self) -> bool:
        """Whether records of several topics wait for each other; the topics are read side by side then."""

    @property
    def results(self) -> Sequence[str]:
        """Topics to write, beside those for dead letters."""

    def channel(self, record: Record) -> str:
        """Decode the record for `step`, and say which channel it is of.

        Raises:
            WireError: It is not what its topic promises.
            StoreError: What it refers to cannot be had now.
        """

    def task(self, channel: str) -> Task:
        """A task without a past."""

    def step(self, task: Task, record: Record) -> Step:
        """Do what the record, the one given to `channel` last, asks for.

        Raises:
            StoreError: A store cannot be written now; the same call is made again, and may find its work half done.
        """


def outcome_of(admission: Admission) -> str:
    """The metric's word for it."""
    return "handled" if admission is Admission.HANDLE else admission.value


def follow_up(kind: MessageType, topic: str, channel: str, value: bytes, source: str, cause: Cause) -> Outgoing:
    """A message of ours; the trace and the time of the media that it comes of go on."""
    headers = event_headers(kind, topic, value, source, datetime.now(UTC), next_traceparent(cause.trace))
    if cause.published is not None:
        headers.append((MEDIA_TIME, cause.published.isoformat().encode()))
    return Outgoing(topic, channel.encode(), value, headers)


def dead_letter(record: Record, topic: str, error: Exception) -> Outgoing:
    """The record as it came, with what is wrong with it in its headers."""
    text = " ".join(str(error).split())[:1000] or type(error).__name__
    told = {
        "glasswatch-error": f"{type(error).__name__}: {text}",
        "glasswatch-topic": record.topic,
        "glasswatch-partition": str(record.partition),
        "glasswatch-offset": str(record.offset),
    }
    return Outgoing(
        topic, record.key, record.value or b"", [*record.headers, *((k, v.encode()) for k, v in told.items())]
    )


def without_value(letter: Outgoing) -> Outgoing:
    """The dead letter where it is too large: its value can still be found at the topic, partition and offset told."""
    return replace(letter, value=b"", headers=[*letter.headers, ("glasswatch-left-out", b"value")])


def _time(headers: Headers, name: str) -> datetime | None:
    """A time in a header, None where there is none that can be read."""
    text = header(headers, name)
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None else None
