"""What a detector's worker does: media messages in, batches of detections out."""

from __future__ import annotations

from collections.abc import Callable

from glasswatch.core.detector import DetectorSpec
from glasswatch.core.errors import WireError
from glasswatch.core.message import DetectionBatch, MediaMessage
from glasswatch.detectors.registry import AnyDetector
from glasswatch.ports.media_store import MediaStore
from glasswatch.runtime.worker.detecting import Detected, DetectorTask
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
            ValueError: It reads several renditions.
        """
        self._rendition = spec.rendition
        self._spec = spec
        self._make = make
        self._media = media
        self._shedding = Shedding(shed_after_s)
        self._message: MediaMessage | None = None
        self.name = spec.name
        self.group = topics.detector_group(spec.name)
        self.topics = (topics.media(self._rendition),)
        self.results = (topics.detections(spec.name),)

    def channel(self, record: Record) -> str:
        """Decode the media; the channel it is of."""
        check_headers(record.headers, MessageType.MEDIA, record.body)
        message = decode_media(record.body, self._fetch)
        if message.rendition != self._rendition:
            raise WireError(f"a message of rendition {message.rendition} on {record.topic}", record.body)
        self._message = message
        return message.channel

    def task(self, channel: str) -> DetectorTask:
        """The detector on one more channel."""
        return DetectorTask(self._spec, lambda track: self._make(channel, track), channel)

    def step(self, task: Task, record: Record) -> Step:
        """Judge the media decoded last."""
        message = self._message
        if not isinstance(task, DetectorTask) or message is None:
            raise TypeError("a detector's worker has tasks of its own, and decodes before it judges")
        if not message.is_for(self.name):
            return Step("not_asked")
        shed = self._shedding.must_shed(message.channel, record.cause.age_s, live=message.live)
        detected = task.handle(message, shed=shed)
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
