"""Running one detector over a stream of media units, whatever brings them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.media import MediaUnit
from glasswatch.runtime.instances import Instances, MakeDetector

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DetectorRunner:
    """Feeds the instances of one detector, and keeps account of them.

    A detector that raises is stopped, and so is nothing else: the
    failure stands in `failure`.

    Attributes:
        name: Name of the detector.
        make: Makes an instance.
        cpu_s: Processor seconds spent in the detector.
        failure: Why it was stopped, None while it runs.
        judged_s: Media seconds with a verdict, INCONCLUSIVE included.
        inconclusive: Media seconds that could not be judged, by reason.
        model: Version of the model that it used last, None without one.
    """

    name: str
    make: MakeDetector
    cpu_s: float = 0.0
    failure: str | None = None
    judged_s: float = 0.0
    inconclusive: dict[str, float] = field(default_factory=dict)
    model: str | None = None
    _instances: Instances = field(init=False)

    def __post_init__(self) -> None:
        self._instances = Instances(self.make)

    def feed(self, unit: MediaUnit) -> list[Detection]:
        """Detections that the unit brings."""
        return self._guarded(lambda: self._instances.feed(unit))

    def finish(self) -> list[Detection]:
        """Detections that were held back, when the media has ended."""
        return self._guarded(self._instances.finish)

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
            self.model = detection.model or self.model
            if detection.verdict is Verdict.INCONCLUSIVE:
                reason = detection.reason or "no reason given"
                self.inconclusive[reason] = self.inconclusive.get(reason, 0.0) + seconds
        return found
