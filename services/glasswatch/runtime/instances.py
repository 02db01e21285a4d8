"""The instances of one detector on one channel: one for each audio track where it listens to audio alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from glasswatch.core.detection import Detection
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.time import Instant
from glasswatch.detectors.registry import AnyDetector

MakeDetector = Callable[[str | None], AnyDetector]
"""Makes an instance for an audio track; None for the only one, and for detectors that look at pictures."""


@dataclass(slots=True)
class Instance:
    """One detector instance, where the media that it has seen ends, and the form of its frames."""

    detector: AnyDetector
    end: Instant | None = None
    form: str | None = None

    def is_cut_by(self, unit: MediaUnit) -> bool:
        """Whether the unit cannot be compared with what came before: other times, or frames of another form.

        Facts of several streams are mixed: their epochs do not follow one another.
        """
        if self.end is None or isinstance(unit, StreamFact):
            return False
        other_form = isinstance(unit, FrameChunk) and self.form not in (None, unit.form)
        return other_form or self.end.epoch != unit.end.epoch


@dataclass(slots=True)
class Saved:
    """An instance as data.

    Attributes:
        track: Which audio track.
        end: Where the media that it has seen ends.
        form: Form of the frames that it has seen.
        version: Version of the detector.
        snapshot: Its state, as text.
    """

    track: str | None
    end: Instant | None
    form: str | None
    version: str
    snapshot: str


@dataclass(slots=True)
class Instances:
    """Feeds one detector and tells it of cuts. What a detector raises goes through.

    Attributes:
        make: Makes an instance.
        by_track: Whether each audio track has an instance of its own. One that is given pictures too sees all tracks.
    """

    make: MakeDetector
    by_track: bool = True
    _of_track: dict[str | None, Instance] = field(default_factory=dict)

    def feed(self, unit: MediaUnit) -> list[Detection]:
        """Detections that the unit brings."""
        track = unit.label if self.by_track and isinstance(unit, AudioChunk) else None
        instance = self._of_track.get(track)
        if instance is None:
            instance = self._of_track[track] = Instance(self.make(track))
        end = unit.end
        found: list[Detection] = []
        if instance.end is not None and instance.is_cut_by(unit):
            found += instance.detector.cut(instance.end)
        instance.end = end if instance.end is None else max(instance.end, end)
        if isinstance(unit, FrameChunk):
            instance.form = unit.form
        return [*found, *instance.detector.process(unit)]

    def finish(self) -> list[Detection]:
        """Detections that were held back, when the media has ended."""
        return [detection for instance in self._of_track.values() for detection in _flush(instance)]

    def leave(self) -> list[Detection]:
        """Detections that were held back; then everything is forgotten, and media may be left out."""
        found = self.finish()
        self.clear()
        return found

    def end_of(self, track: str | None) -> Instant | None:
        """Where the media of a track ends so far, None where there was none."""
        instance = self._of_track.get(track)
        return instance.end if instance is not None else None

    def clear(self) -> None:
        """Forget everything."""
        self._of_track.clear()

    def save(self) -> list[Saved]:
        """The instances as data."""
        return [
            Saved(
                track,
                instance.end,
                instance.form,
                instance.detector.spec.version,
                instance.detector.snapshot().decode(),
            )
            for track, instance in self._of_track.items()
        ]

    def restore(self, saved: Sequence[Saved]) -> None:
        """Go on from `save`; instances of another version of the detector start anew.

        Raises:
            ValueError, TypeError: The data does not fit.
        """
        self.clear()
        for item in saved:
            detector = self.make(item.track)
            if item.version == detector.spec.version:
                detector.restore(item.snapshot.encode())
                self._of_track[item.track] = Instance(detector, item.end, item.form)


def _flush(instance: Instance) -> Sequence[Detection]:
    return instance.detector.flush(instance.end) if instance.end is not None else ()
