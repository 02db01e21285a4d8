"""What the aggregator's worker does: batches of detections in, events out."""

from __future__ import annotations

from collections.abc import Iterable

from glasswatch.aggregator.channel import ChannelDecisions
from glasswatch.config.profile import Profile
from glasswatch.core.detection import Event
from glasswatch.core.errors import WireError
from glasswatch.core.message import DetectionBatch
from glasswatch.core.sessions import Admission
from glasswatch.ports.event_store import EventStore
from glasswatch.runtime.worker.work import Cause, Outgoing, Record, Step, Task, follow_up, outcome_of
from glasswatch.telemetry import metrics
from glasswatch.wire import topics
from glasswatch.wire.detection import decode_batch
from glasswatch.wire.event import encode_event
from glasswatch.wire.headers import MessageType, check_headers


class AggregatorWork:
    """Decisions on any number of channels; implements `work.Work`."""

    name = "aggregator"
    group = topics.AGGREGATOR_GROUP
    joins = False

    def __init__(self, profile: Profile, store: EventStore, detectors: Iterable[str]) -> None:
        """Prepare.

        Args:
            profile: Rules, masks and incidents.
            store: Where events are kept.
            detectors: Names of the detectors whose detections are read.
        """
        self._profile = profile
        self._store = store
        self._batch: DetectionBatch | None = None
        self._decided: tuple[Admission, list[Event]] | None = None
        self._stored = 0
        self.topics = tuple(topics.detections(name) for name in detectors)
        self.results = tuple(topics.defects(defect) for defect in profile.rules)

    def channel(self, record: Record) -> str:
        """Decode the batch; the channel it is of."""
        check_headers(record.headers, MessageType.DETECTION, record.body)
        batch = decode_batch(record.body)
        for detection in batch.detections:
            if detection.defect not in self._profile.rules:
                raise WireError(f"there is no rule for the defect {detection.defect!r}", record.body)
            if (detection.channel, detection.detector) != (batch.channel, batch.detector):
                raise WireError("a detection is of another channel or detector than its batch", record.body)
        self._batch, self._decided, self._stored = batch, None, 0
        return batch.channel

    def task(self, channel: str) -> ChannelDecisions:
        """Decisions on one more channel."""
        profile = self._profile
        return ChannelDecisions(channel, profile.rules, profile.masks, profile.incidents)

    def step(self, task: Task, record: Record) -> Step:
        """Decide on the batch decoded last, and store the events; called again, it only stores what is left."""
        if not isinstance(task, ChannelDecisions) or self._batch is None:
            raise TypeError("the aggregator's worker has tasks of its own, and decodes before it decides")
        if self._decided is None:
            self._decided = task.handle(self._batch)
        admission, events = self._decided
        for event in events[self._stored :]:
            self._store.put(event)
            self._stored += 1
            metrics.EVENTS.labels(defect=event.defect, state=event.state.value).inc()
            metrics.EVENT_LATENCY_SECONDS.labels(defect=event.defect).observe(record.cause.age_s)
        return Step(outcome_of(admission), tuple(_message(event, record.cause) for event in events))


def _message(event: Event, cause: Cause) -> Outgoing:
    topic = topics.defects(event.defect)
    return follow_up(MessageType.EVENT, topic, event.channel, encode_event(event), "/glasswatch/aggregator", cause)
