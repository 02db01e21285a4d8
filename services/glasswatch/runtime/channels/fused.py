"""All detectors of one channel in one process: frames stay in memory, detections go to Kafka."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from glasswatch.adapters.memory_bus import MemoryBus
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.ports.bus import BusClosedError
from glasswatch.ports.publisher import Publisher
from glasswatch.runtime.instances import MakeDetector
from glasswatch.runtime.pipeline import Pipeline
from glasswatch.runtime.worker.detecting import Detected, DetectorTask
from glasswatch.runtime.worker.detector_work import batch_message, count
from glasswatch.runtime.worker.joined_task import JoinedTask
from glasswatch.runtime.worker.shedding import SHED_AFTER_S, Shedding
from glasswatch.runtime.worker.work import Cause
from glasswatch.telemetry import metrics
from glasswatch.wire.headers import next_traceparent

QUEUE_CHUNKS = 6
"""Messages that may wait for a detector: two to three seconds of media."""

ALL = "all renditions"
"""What detectors that join renditions read: one queue has the order of decoding, in which no rendition is far ahead."""

Item = tuple[MediaMessage, Cause, bool]
"""A message, the trace that it begins, and whether to leave it out."""


class FusedDetectors:
    """A `follower.Sink` that hands messages to detectors, each in a thread of its own.

    There is no state to be saved: a file is decoded again by a process that starts again, and the aggregator knows what
    it has had; a live channel begins a new session. Where a live channel gets ahead of the detectors they leave media
    out, as in the distributed topology.
    """

    def __init__(
        self,
        channel: str,
        detectors: Iterable[tuple[DetectorSpec, MakeDetector]],
        publisher: Publisher,
        shed_after_s: float = SHED_AFTER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the threads.

        Args:
            channel: Channel id.
            detectors: Specs, and how to make instances.
            publisher: Takes the detections.
            shed_after_s: How far detectors may fall behind a live channel.
            clock: Seconds.
        """
        self._publisher = publisher
        self._shedding = Shedding(shed_after_s)
        self._clock = clock
        self._began: tuple[int, float, float] | None = None
        self._pipeline = Pipeline(MemoryBus(QUEUE_CHUNKS))
        self._readers: dict[str, int] = defaultdict(int)
        for spec, make in detectors:
            if spec.joins:
                self._connect_joined(JoinedTask(spec, make, channel), spec)
            else:
                self._connect(DetectorTask(spec, make, channel), spec)

    def __call__(self, message: MediaMessage) -> None:
        """Hand a message to the detectors that read its rendition; waits while the slowest has no room.

        Raises:
            Exception: What a detector's thread has raised.
        """
        read = [topic for topic in (message.rendition, ALL) if self._readers[topic]]
        if not read:
            return
        shed = self._shedding.must_shed(message.channel, self._behind_s(message), live=message.live)
        cause = Cause(next_traceparent(), datetime.now(UTC))
        try:
            for topic in read:
                self._pipeline.bus.publish(topic, (message, cause, shed))
        except BusClosedError:
            self.finish()
            raise

    def finish(self) -> None:
        """Wait until the detectors have worked off what they were given; raises what one of their threads raised."""
        self._pipeline.finish(self._readers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipeline.bus.abort()

    def _connect(self, task: DetectorTask, spec: DetectorSpec) -> None:
        def work(item: Item) -> None:
            message, cause, shed = item
            with metrics.WORKER_HANDLE_SECONDS.labels(spec.name).time():
                detected = task.handle(message, shed=shed)
            self._tell(spec.name, message.channel, detected, cause)

        (rendition,) = spec.renditions
        self._readers[rendition] += 1
        self._pipeline.consume(rendition, work)

    def _connect_joined(self, task: JoinedTask[Cause], spec: DetectorSpec) -> None:
        def work(item: Item) -> None:
            message, cause, shed = item
            if message.rendition not in spec.renditions:
                return
            with metrics.WORKER_HANDLE_SECONDS.labels(spec.name).time():
                task.add(message, cause, shed=shed)
                handled = list(task.handled())
            for its_cause, detected in handled:
                self._tell(spec.name, message.channel, detected, its_cause)

        self._readers[ALL] += 1
        self._pipeline.consume(ALL, work)

    def _tell(self, detector: str, channel: str, detected: Detected, cause: Cause) -> None:
        count(detector, detected)
        for batch in detected.batches:
            out = batch_message(batch, cause)
            self._publisher.publish(out.topic, channel.encode(), out.value, out.headers)

    def _behind_s(self, message: MediaMessage) -> float:
        """How far a live session is behind where it would be had it kept the pace with which it began."""
        if not message.live or isinstance(message.unit, EndOfStream):
            return 0.0
        now, position = self._clock(), float(message.unit.end.seconds + message.offset)
        if self._began is None or self._began[0] != message.session:
            self._began = message.session, now, position
        _, began, first = self._began
        return (now - began) - (position - first)
