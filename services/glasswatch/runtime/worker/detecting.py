"""One detector on one channel, fed with messages instead of units."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from glasswatch.core.detection import Detection
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.media import MediaUnit, StreamFact
from glasswatch.core.message import DetectionBatch, EndOfStream, MediaMessage
from glasswatch.core.needs import FactNeed
from glasswatch.core.sessions import Admission, Sessions
from glasswatch.core.state import decode_state, encode_state
from glasswatch.core.time import Instant, Span
from glasswatch.runtime.instances import Instances, MakeDetector, Saved
from glasswatch.runtime.unjudged import span_of, unjudged

log = logging.getLogger(__name__)

FACTS = FactNeed().rendition

TOLD_EVERY = Fraction(1)
"""A batch is sent at least once in this many seconds of media, so that the aggregator knows how far a detector is."""

MOST_EPOCHS = 8
"""Epochs whose offsets are kept: a detector speaks of the present one, and at a cut of the one before."""

CATCHING_UP = "left out to catch up with a live channel"


@dataclass(slots=True)
class _State:
    """What must survive, see `DetectorTask.snapshot`; `version` counts the messages handled on the channel."""

    sessions: Sessions = field(default_factory=Sessions)
    version: int = 0
    reached: Instant | None = None
    told: Instant | None = None
    offsets: dict[int, Fraction] = field(default_factory=dict)
    instances: list[Saved] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Detected:
    """What came of one message.

    Attributes:
        admission: Whether it was handled at all.
        batches: What the detector says, often nothing.
        failure: What the detector raised: the message belongs on the dead-letter topic.
        lost: How many messages are missing before this one.
        shed_s: Media seconds that were left out.
    """

    admission: Admission
    batches: tuple[DetectionBatch, ...] = ()
    failure: Exception | None = None
    lost: int = 0
    shed_s: float = 0.0


class DetectorTask:
    """The detector `spec` on one channel. Results depend on the messages only, not on how often each is delivered.

    Where media cannot be judged (messages are missing, the detector raised, the channel runs ahead, a rendition that it
    needs besides is missing) the stretch is INCONCLUSIVE with the reason, and the detector starts afresh behind it.
    """

    def __init__(self, spec: DetectorSpec, make: MakeDetector, channel: str) -> None:
        self._spec = spec
        self._channel = channel
        self._instances = Instances(make, by_track=not spec.joins)
        self._state = _State()

    @property
    def version(self) -> int:
        """Grows with every message handled."""
        return self._state.version

    def handle(self, message: MediaMessage, *, shed: bool = False, missing: str | None = None) -> Detected:
        """Take the next message; `shed` leaves pictures and sound out, and so does what is `missing` beside them."""
        sessions = self._state.sessions
        admission = sessions.admission(message.session, message.sequence)
        if admission is not Admission.HANDLE:
            return Detected(admission)
        batches: list[DetectionBatch] = []
        failure: Exception | None = None
        lost = 0
        if message.session == sessions.current:
            lost = message.sequence - sessions.position
        elif sessions.current is not None:
            ended, failure = self._supersede(sessions.current)
            batches += ended
        sessions.advance(message.session, message.sequence)
        self._state.version += 1
        unit = message.unit
        if isinstance(unit, EndOfStream):
            found, failed = self._finish()
            batches.append(self._batch(found, final=True))
            return Detected(admission, tuple(batches), failure or failed, lost)
        self._place(unit.end.epoch, message.offset)
        found, failed = self._judge(message.rendition, unit, lost, CATCHING_UP if shed else missing)
        reached = unit.end
        self._state.reached = reached if self._state.reached is None else max(self._state.reached, reached)
        if found or self._is_due():
            batches.append(self._batch(found))
        shed_s = float(span_of(unit).duration) if shed else 0.0
        return Detected(admission, tuple(batches), failure or failed, lost, shed_s)

    def snapshot(self) -> bytes:
        """All that must survive; see `restore`."""
        self._state.instances = self._instances.save()
        return encode_state(self._state)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot; where the detector's own state does not fit, it starts afresh."""
        self._state = decode_state(data, _State)
        try:
            self._instances.restore(self._state.instances)
        except (ValueError, TypeError, KeyError) as error:
            log.warning("%s on %s starts afresh, its state does not fit: %s", self._spec.name, self._channel, error)
            self._instances.clear()

    def _judge(
        self, rendition: str, unit: MediaUnit, lost: int, left_out: str | None
    ) -> tuple[list[Detection], Exception | None]:
        found: list[Detection] = []
        failure: Exception | None = None
        if lost:
            before = self._state.reached
            held, failure = self._finish()
            found += held
            missing = _between(before, span_of(unit).onset)
            if missing is not None:
                found += self._inconclusive(missing, f"{lost} media messages did not arrive")
        if isinstance(unit, StreamFact) and rendition != FACTS:
            # A lull of the rendition: media time goes on, and there is nothing to judge.
            return found, failure
        if left_out is not None and not isinstance(unit, StreamFact):
            held, failed = self._finish()
            return found + held + self._inconclusive(span_of(unit), left_out, unit), failure or failed
        try:
            found += self._instances.feed(unit)
        except Exception as error:
            log.exception("%s failed on %s", self._spec.name, self._channel)
            self._instances.clear()
            return found + self._inconclusive(span_of(unit), _told(error), unit), error
        return found, failure

    def _finish(self) -> tuple[list[Detection], Exception | None]:
        """What is held back; then nothing is known any more. A failure is told as INCONCLUSIVE where the media ends."""
        try:
            return self._instances.finish(), None
        except Exception as error:
            log.exception("%s failed on %s", self._spec.name, self._channel)
            end = self._state.reached
            if end is None:
                return [], error
            return self._inconclusive(Span(end.epoch, end.seconds, end.seconds), _told(error)), error
        finally:
            self._instances.clear()

    def _supersede(self, session: int) -> tuple[list[DetectionBatch], Exception | None]:
        """The end of a session in whose place another one has come; nothing if it had ended before."""
        if self._state.reached is None:
            return [], None
        held, failure = self._finish()
        position = self._state.sessions.position + 1
        batch = replace(self._batch(held, final=True), session=session, position=position)
        self._state.sessions.advance(session, position - 1)
        return [batch], failure

    def _batch(self, found: Sequence[Detection], *, final: bool = False) -> DetectionBatch:
        state = self._state
        state.told = state.reached
        epochs = {d.span.epoch for d in found} | ({state.reached.epoch} if state.reached is not None else set())
        batch = DetectionBatch(
            channel=self._channel,
            detector=self._spec.name,
            session=state.sessions.current or 0,
            position=state.sessions.position,
            detections=tuple(found),
            offsets={epoch: state.offsets[epoch] for epoch in sorted(epochs & state.offsets.keys())},
            reached=state.reached,
            final=final,
        )
        if final:
            state.reached = state.told = None
            state.offsets.clear()
        return batch

    def _is_due(self) -> bool:
        told, reached = self._state.told, self._state.reached
        if told is None or reached is None:
            return reached is not None
        return reached.epoch != told.epoch or reached.seconds - told.seconds >= TOLD_EVERY

    def _place(self, epoch: int, offset: Fraction) -> None:
        self._state.offsets[epoch] = offset
        while len(self._state.offsets) > MOST_EPOCHS:
            del self._state.offsets[next(iter(self._state.offsets))]

    def _inconclusive(self, span: Span, reason: str, unit: MediaUnit | None = None) -> list[Detection]:
        return unjudged(self._spec, self._channel, span, reason, unit)


def _told(error: Exception) -> str:
    return f"the detector failed: {type(error).__name__}: {error}"


def _between(end: Instant | None, start: Instant) -> Span | None:
    """What lies between two chunks of one epoch."""
    if end is None or end.epoch != start.epoch or end.seconds >= start.seconds:
        return None
    return Span(start.epoch, end.seconds, start.seconds)
