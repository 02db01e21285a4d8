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
        by_track: Whether each audio track has an instance of its own.
        cpu_s: Processor seconds spent in the detector.
        failure: Why it was stopped, None while it runs.
        model: Version of the model that it used last, None without one.
    """

    name: str
    make: MakeDetector
    by_track: bool = True
    cpu_s: float = 0.0
    failure: str | None = None
    model: str | None = None
    _instances: Instances = field(init=False)
    _judged_s: dict[str, float] = field(default_factory=dict)
    _inconclusive: dict[str, dict[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._instances = Instances(self.make, self.by_track)

    @property
    def judged_s(self) -> float:
        """Media seconds with a verdict, INCONCLUSIVE included; those about several defects count once."""
        return max(self._judged_s.values(), default=0.0)

    @property
    def inconclusive(self) -> dict[str, float]:
        """Media seconds that could not be judged, by reason; those about several defects count once."""
        return {reason: max(by_defect.values()) for reason, by_defect in self._inconclusive.items()}

    def feed(self, unit: MediaUnit) -> list[Detection]:
        """Detections that the unit brings."""
        return self._guarded(lambda: self._instances.feed(unit))

    def leave_out(self, said: Sequence[Detection]) -> list[Detection]:
        """Detections that were held back, then what is `said` of media that is left out; it starts afresh behind it."""
        return self._guarded(lambda: [*self._instances.leave(), *said])

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
            _count(self._judged_s, detection.defect, seconds)
            self.model = detection.model or self.model
            if detection.verdict is Verdict.INCONCLUSIVE:
                reason = detection.reason or "no reason given"
                _count(self._inconclusive.setdefault(reason, {}), detection.defect, seconds)
        return found


def _count(totals: dict[str, float], name: str, seconds: float) -> None:
    totals[name] = totals.get(name, 0.0) + seconds
