"""What a detector's worker does: media messages in, batches of detections out."""

from __future__ import annotations

from collections.abc import Callable

from glasswatch.core.detector import DetectorSpec
from glasswatch.core.errors import WireError
from glasswatch.core.message import DetectionBatch, MediaMessage
from glasswatch.core.sessions import Admission
from glasswatch.detectors.registry import AnyDetector
from glasswatch.ports.media_store import MediaStore
from glasswatch.runtime.worker.detecting import Detected, DetectorTask
from glasswatch.runtime.worker.joined_task import JoinedTask
from glasswatch.runtime.worker.shedding import SHED_AFTER_S, Shedding
from glasswatch.runtime.worker.work import Cause, Outgoing, Record, Step, Task, follow_up, outcome_of
from glasswatch.telemetry import metrics
from glasswatch.wire import topics
from glasswatch.wire.detection import encode_batch
from glasswatch.wire.headers import MessageType, check_headers
from glasswatch.wire.media import decode_media

Make = Callable[[str, str | None], AnyDetector]
"""Makes an instance for a channel and an audio track."""


class DetectorWork:
    """One detector on any number of channels; implements `work.Work`."""

    def __init__(
        self, spec: DetectorSpec, make: Make, media: MediaStore | None = None, shed_after_s: float = SHED_AFTER_S
    ) -> None:
        """Prepare.

        Args:
            spec: Which detector.
            make: How to make instances of it.
            media: Where payloads lie that are too large for a message.
            shed_after_s: How far it may fall behind a live channel.

        Raises:
            ValueError: It would join facts with media.
        """
        self._spec = spec
        self._make = make
        self._media = media
        self._shedding = Shedding(shed_after_s)
        self._message: MediaMessage | None = None
        self.name = spec.name
        self.joins = spec.joins
        self.group = topics.detector_group(spec.name)
        self.topics = tuple(map(topics.media, spec.renditions))
        self.results = (topics.detections(spec.name),)

    def channel(self, record: Record) -> str:
        """Decode the media; the channel it is of."""
        check_headers(record.headers, MessageType.MEDIA, record.body)
        message = decode_media(record.body, self._fetch)
        if message.rendition not in self._spec.renditions or topics.media(message.rendition) != record.topic:
            raise WireError(f"a message of rendition {message.rendition} on {record.topic}", record.body)
        self._message = message
        return message.channel

    def task(self, channel: str) -> DetectorTask | JoinedTask[Record]:
        """The detector on one more channel."""

        def make(track: str | None) -> AnyDetector:
            return self._make(channel, track)

        if self._spec.joins:
            return JoinedTask(self._spec, make, channel)
        return DetectorTask(self._spec, make, channel)

    def step(self, task: Task, record: Record) -> Step:
        """Judge the media decoded last."""
        message = self._message
        if not isinstance(task, (DetectorTask, JoinedTask)) or message is None:
            raise TypeError("a detector's worker has tasks of its own, and decodes before it judges")
        if not message.is_for(self.name):
            return Step("not_asked")
        shed = self._shedding.must_shed(message.channel, record.cause.age_s, live=message.live)
        if isinstance(task, DetectorTask):
            return self._step(record, task.handle(message, shed=shed))
        admission = task.add(message, record, shed=shed)
        if admission is not Admission.HANDLE:
            return Step(outcome_of(admission))
        done = tuple((taken, self._step(taken, detected)) for taken, detected in task.handled())
        return Step("waits", waits=True, done=done, ahead=frozenset(map(topics.media, task.ahead)))

    def _step(self, record: Record, detected: Detected) -> Step:
        """What came of a message, as what is to be done about its record."""
        count(self.name, detected)
        return Step(
            outcome="shed" if detected.shed_s else outcome_of(detected.admission),
            outgoing=tuple(batch_message(batch, record.cause) for batch in detected.batches),
            failure=detected.failure,
        )

    def _fetch(self, key: str) -> bytes:
        data = self._media.get(key) if self._media is not None else None
        if data is None:
            where = "the media store no longer has it" if self._media is not None else "there is no media store"
            raise WireError(f"payload {key}: {where}", b"")
        return data


def count(worker: str, detected: Detected) -> None:
    """Take the metrics of what came of one message."""
    if detected.lost:
        metrics.LOST_MEDIA_MESSAGES.labels(worker).inc(detected.lost)
    if detected.shed_s:
        metrics.SHED_MEDIA_SECONDS.labels(worker).inc(detected.shed_s)
    for batch in detected.batches:
        for detection in batch.detections:
            metrics.DETECTIONS.labels(worker, detection.verdict.value).inc()


def batch_message(batch: DetectionBatch, cause: Cause) -> Outgoing:
    """A batch as a message on its topic."""
    topic, source = topics.detections(batch.detector), f"/glasswatch/detector/{batch.detector}"
    return follow_up(MessageType.DETECTION, topic, batch.channel, encode_batch(batch), source, cause)
