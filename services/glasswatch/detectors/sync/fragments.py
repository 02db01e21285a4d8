"""Fragments of a programme: the mouths that are seen in four seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from glasswatch.core.detection import Region
from glasswatch.detectors.sync.features import STEP_RATE, mouth, steps
from glasswatch.detectors.sync.follow import FaceTrack
from glasswatch.detectors.sync.mouths import opening, steadied
from glasswatch.detectors.sync.tracks import SHORTEST_S

LENGTH_S = Fraction(4)

LEAST_PRESENCE = 0.5
"""MediaPipe's threshold of a face being there; so it must be in so many of the pictures of a track."""

STEADY = 5
"""Pictures over which the shaking of landmarks is no movement of a mouth."""


@dataclass(slots=True)
class Mouth:
    """The mouth of a face track.

    Attributes:
        first: Number of its first step; step n is at n / STEP_RATE seconds.
        features: As of `features.mouth`.
        movement: Standard deviation of how far it is open, see `mouths.opening`.
        region: The face, in native pixels.
    """

    first: int
    features: np.ndarray
    movement: float
    region: Region


@dataclass(slots=True)
class Fragment:
    """What is seen in a fragment.

    Attributes:
        start: When its first picture is shown.
        shown: When its last picture is.
        end: When that stops being shown.
        size: Native picture (width, height) in pixels.
        step: Native pixels in one of the pictures that are looked at, (x, y).
        seen: Whether there was a face.
        mouths: Of each face that was seen for long enough.
        failure: Why a model did not answer.
    """

    start: Fraction
    shown: Fraction
    end: Fraction
    size: tuple[int, int]
    step: tuple[float, float]
    seen: bool = False
    mouths: list[Mouth] = field(default_factory=list)
    failure: str | None = None

    @property
    def last_step(self) -> int:
        """Number of the last step that may lie in it."""
        return math.floor(self.end * STEP_RATE)

    @property
    def is_brief(self) -> bool:
        """Whether no face could be seen for long enough: too few pictures, none of which stands for as long either."""
        return max(self.shown - self.start, self.end - self.shown) < SHORTEST_S

    def show(self, pts: Fraction, end: Fraction) -> None:
        """Take the next picture, shown from `pts` to `end`."""
        self.shown, self.end = pts, end

    def extend(self, leftover: Fragment) -> None:
        """Take what follows to the end of the media, which is too brief to be a fragment of its own."""
        self.shown, self.end, self.seen = leftover.shown, leftover.end, self.seen or leftover.seen

    def add(self, track: FaceTrack) -> Mouth | None:
        """Take the mouth of a track; not where most of the time it is no face after all: then it gives None."""
        if float((track.presence >= LEAST_PRESENCE).mean()) < LEAST_PRESENCE:
            return None
        self.mouths.append(_mouth(track, _region(track, self.size, self.step)))
        return self.mouths[-1]


def _mouth(track: FaceTrack, region: Region) -> Mouth:
    pts = np.array([float(time) for time in track.pts])
    times = steps(pts[0], pts[-1])
    movement = float(np.nanstd(steadied(opening(track.landmarks), STEADY)))
    features = mouth(track.landmarks, pts, times)
    return Mouth(round(times[0] * STEP_RATE), features, movement, region)


def _region(track: FaceTrack, size: tuple[int, int], step: tuple[float, float]) -> Region:
    """The face in native pixels, as far as it is in the picture."""
    (width, height), (across, down) = size, step
    left, right = (min(max(round(x * across), 0), width) for x in (track.box[0], track.box[2]))
    top, bottom = (min(max(round(y * down), 0), height) for y in (track.box[1], track.box[3]))
    return left, top, right - left, bottom - top
