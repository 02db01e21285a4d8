"""What is remembered of an inspection for the video of lip sync: landmarks and curves, no pictures."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from glasswatch.core.detection import Detection
from glasswatch.core.time import Instant
from glasswatch.detectors.registry import AnyDetector
from glasswatch.detectors.sync.av_sync import AvSyncDetector, AvSyncParams
from glasswatch.detectors.sync.features import SOUND_STEPS, STEP_RATE, Floats
from glasswatch.detectors.sync.follow import FaceTrack
from glasswatch.detectors.sync.fragments import Mouth
from glasswatch.detectors.sync.mouths import opening
from glasswatch.detectors.sync.offset import Values

OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""Of the 468 landmarks, once around (MediaPipe's FACEMESH_LIPS)."""

OUTER, INNER = slice(0, len(OUTER_LIPS)), slice(len(OUTER_LIPS), None)
"""Where they are in `Trail.lips`."""

NO_POWER = 1e-12
"""Added to powers, so that silence has a level."""


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """A face track as it is drawn; pixels are those of the pictures that the detector sees.

    Attributes:
        times: When each picture is shown, in seconds of media time, float64 (pictures,), ascending.
        lips: x and y of OUTER_LIPS and INNER_LIPS, float32 (pictures, 40, 2).
        boxes: Left, top, right, bottom of all landmarks, float32 (pictures, 4).
        openings: As of `mouths.opening`, float32 (pictures,).
        movement: As of `fragments.Mouth`; None where it is no face after all.
    """

    times: npt.NDArray[np.float64]
    lips: npt.NDArray[np.float32]
    boxes: npt.NDArray[np.float32]
    openings: npt.NDArray[np.float32]
    movement: float | None

    def at(self, seconds: Fraction) -> int | None:
        """Number of the picture that is shown then, None where the face is not followed in it."""
        number = int(np.searchsorted(self.times, float(seconds)))
        return number if number < len(self.times) and self.times[number] == float(seconds) else None


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A fragment with one track of sound.

    Attributes:
        detection: What was said of it.
        trails: The faces in it, by when they begin, then from left to right.
        likelihoods: As of `offset.likelihood`, of each of the trails; None where it was not compared.
        votes: As of `offset.vote`, None where nothing was compared.
        levels: Level of the sound from 80 to 7600 Hz in dB, float32, SOUND_STEPS for each step.
        first_s: Time of the first of these levels, in seconds of media time.
    """

    detection: Detection
    trails: tuple[Trail, ...] = ()
    likelihoods: tuple[Values | None, ...] = ()
    votes: Values | None = None
    levels: npt.NDArray[np.float32] | None = None
    first_s: float = 0.0


class Recorder:
    """Remembers what lip sync has seen and found; an `Observer`.

    For each second of a face 10 kB: what is drawn of the landmarks, no pictures.

    Attributes:
        params: Of the detector, None before it is watched.
    """

    def __init__(self) -> None:
        self.params: AvSyncParams | None = None
        self._trails: dict[Instant, list[Trail]] = {}
        self._sections: dict[tuple[str | None, Instant], Section] = {}
        self._compared: tuple[Sequence[Values], Values] | None = None

    def watch(self, detector: AnyDetector) -> None:
        """Look on while it judges, if it is the one that is drawn."""
        if isinstance(detector, AvSyncDetector):
            self.params, detector.observer = detector.params, self

    def followed(self, fragment: Instant, track: FaceTrack, mouth: Mouth | None) -> None:
        """Remember what is drawn of a face track."""
        flat = track.landmarks[..., :2]
        trail = Trail(
            times=np.array([float(time) for time in track.pts]),
            lips=flat[:, [*OUTER_LIPS, *INNER_LIPS]].copy(),
            boxes=np.concatenate([flat.min(axis=1), flat.max(axis=1)], axis=1),
            openings=opening(track.landmarks).astype(np.float32),
            movement=None if mouth is None else mouth.movement,
        )
        self._trails.setdefault(fragment, []).append(trail)

    def compared(self, likelihoods: Sequence[Values], votes: Values) -> None:
        """Keep the likelihoods for the verdict that follows."""
        self._compared = likelihoods, votes

    def judged(self, detection: Detection, powers: Floats) -> None:
        """Remember a fragment with one track of sound."""
        assert self.params is not None
        trails = self._trails.get(detection.span.onset, [])
        likelihoods: list[Values | None] = [None] * len(trails)
        votes = None
        if self._compared is not None:
            each, votes = self._compared
            moving = [n for n, t in enumerate(trails) if t.movement is not None and t.movement >= self.params.still]
            for number, values in zip(moving, each, strict=True):
                likelihoods[number] = values
            self._compared = None
        order = sorted(range(len(trails)), key=lambda n: (trails[n].times[0], trails[n].boxes[0, 0]))
        self._sections[detection.track, detection.span.onset] = Section(
            detection,
            tuple(trails[n] for n in order),
            tuple(likelihoods[n] for n in order),
            votes,
            (10 * np.log10(powers.sum(axis=1) + NO_POWER)).astype(np.float32),
            (int(detection.span.start * STEP_RATE) + (1 / SOUND_STEPS - 1) / 2) / STEP_RATE,
        )

    def add(self, detection: Detection) -> None:
        """Take what is said of media that the detector was not given, or that has no sound."""
        if detection.detector != AvSyncDetector.spec.name:
            return
        trails = tuple(self._trails.get(detection.span.onset, ()))
        said = Section(detection, trails, (None,) * len(trails))
        self._sections.setdefault((detection.track, detection.span.onset), said)

    def sections(self, track: str | None) -> Sections:
        """What was said with a track of sound, or of pictures without any."""
        return Sections([s for (name, _), s in self._sections.items() if name in (track, None)])

    @property
    def end(self) -> Instant | None:
        """Where what was judged ends, None where nothing was."""
        spans = [s.detection.span for s in self._sections.values()]
        return max((Instant(span.epoch, span.end) for span in spans), default=None)


class Sections:
    """The fragments of a title with one track of sound, in the order of media time."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sorted(sections, key=lambda s: s.detection.span)
        self._starts = [s.detection.span.onset for s in self._sections]

    def at(self, instant: Instant) -> Section | None:
        """The fragment then, None where none was judged."""
        number = bisect_right(self._starts, instant) - 1
        if number < 0:
            return None
        found, span = self._sections[number], self._sections[number].detection.span
        return found if span.epoch == instant.epoch and instant.seconds < span.end else None
