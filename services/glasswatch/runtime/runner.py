"""Running one detector over a stream of media units, whatever brings them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.media import AudioChunk, MediaUnit, StreamFact
from glasswatch.core.time import Instant
from glasswatch.detectors.registry import AnyDetector

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Instance:
    """One detector instance, and where the media that it has seen ends."""

    detector: AnyDetector
    end: Instant | None = None


@dataclass(slots=True)
class DetectorRunner:
    """Feeds one detector, one instance for each audio track where it listens to audio.

    At a cut in the timeline the instance is flushed. A detector that raises is stopped, and so is nothing else: the
    failure stands in `failure`.

    Attributes:
        name: Name of the detector.
        make: Makes an instance for a track, None for detectors that do not listen to audio.
        cpu_s: Processor seconds spent in the detector.
        failure: Why it was stopped, None while it runs.
        judged_s: Media seconds with a verdict, INCONCLUSIVE included.
        inconclusive: Media seconds that could not be judged, by reason.
    """

    name: str
    make: Callable[[str | None], AnyDetector]
    cpu_s: float = 0.0
    failure: str | None = None
    judged_s: float = 0.0
    inconclusive: dict[str, float] = field(default_factory=dict)
    _instances: dict[str | None, _Instance] = field(default_factory=dict)

    def feed(self, unit: MediaUnit) -> list[Detection]:
        """Detections that the unit brings."""
        return self._guarded(lambda: self._process(unit))

    def finish(self) -> list[Detection]:
        """Detections that were held back, when the media has ended."""
        return self._guarded(lambda: [d for i in self._instances.values() for d in self._flush(i)])

    def _process(self, unit: MediaUnit) -> Sequence[Detection]:
        track = unit.label if isinstance(unit, AudioChunk) else None
        instance = self._instances.get(track)
        if instance is None:
            instance = self._instances[track] = _Instance(self.make(track))
        end = unit.end
        found: list[Detection] = []
        # Facts of several streams are mixed: their epochs do not follow one another.
        if instance.end is not None and instance.end.epoch != end.epoch and not isinstance(unit, StreamFact):
            found += self._flush(instance)
        instance.end = end if instance.end is None else max(instance.end, end)
        return [*found, *instance.detector.process(unit)]

    def _flush(self, instance: _Instance) -> Sequence[Detection]:
        return instance.detector.flush(instance.end) if instance.end is not None else ()

    def _guarded(self, work: Callable[[], Sequence[Detection]]) -> list[Detection]:
        if self.failure is not None:
            return []
        started = time.thread_time()
        try:
            found = list(work())
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            log.debug("detector %s failed", self.name, exc_info=True)
            return []
        finally:
            self.cpu_s += time.thread_time() - started
        for detection in found:
            seconds = float(detection.span.duration)
            self.judged_s += seconds
            if detection.verdict is Verdict.INCONCLUSIVE:
                reason = detection.reason or "no reason given"
                self.inconclusive[reason] = self.inconclusive.get(reason, 0.0) + seconds
        return found
