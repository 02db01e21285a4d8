"""Following faces from picture to picture, and what of it must be kept meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.sync.faces import DETECTION_PX, LANDMARKS_PX, Box, Face, between, chosen
from glasswatch.detectors.sync.squares import Picture, Square, take
from glasswatch.detectors.sync.tracks import LONGEST_GAP_S, SHORTEST_S, matches

DETECTION_EVERY_S = Fraction(3, 25)
"""Faces move slowly: between pictures that are this far apart, their squares are drawn in a line, which also keeps them
from shaking. Two such steps are shorter than `tracks.LONGEST_GAP_S`, so one missed face ends no track."""

WIDE = 1.2
"""A picture that is so much longer than high is also looked at in squares of its own height, for faces that are small
in the whole."""

MOST_FACES = 4
"""The largest ones: nobody's lips can be read in a crowd, and its landmarks would take longer than pictures last."""

UNIT = Square(0.5, 0.5, 1.0)
"""In which a point's place is the point itself."""

Infer = Callable[[str, Mapping[str, npt.NDArray[Any]]], Mapping[str, npt.NDArray[Any]]]
"""A call of a model: its name and inputs to its outputs."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """A face in consecutive pictures.

    Attributes:
        first: Number of its first picture.
        pts: When each picture is shown, in seconds.
        landmarks: x, y and depth in pixels of the picture, float32 (pictures, 468, 3).
        presence: Probability that there is a face, float32 (pictures,).
        box: Left, top, right, bottom of the face in the middle one of the pictures, in pixels.
    """

    first: int
    pts: tuple[Fraction, ...]
    landmarks: npt.NDArray[np.float32]
    presence: npt.NDArray[np.float32]
    box: Box


@dataclass(slots=True)
class Followed:
    """A face that is being followed; the lists have an entry for each picture.

    Attributes:
        first: Number of its first picture.
        face: Where it was found last, in the last picture of the lists.
        pts: When each picture is shown.
        boxes: Where it is in each.
        landmarks: float32 (468, 3) each.
        presence: Probability that there is a face.
    """

    first: int
    face: Face
    pts: list[Fraction] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    landmarks: list[np.ndarray] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Following:
    """Faces that are followed through the pictures of a shot, given one after the other.

    Faces are looked for in the first and the last one, and every DETECTION_EVERY_S. The landmarks of what lies between
    come when the face is found again: so long these pictures are kept.

    Attributes:
        number: Of the next picture.
        looked_at: When the picture is shown in which faces were looked for last, None before the first of a shot.
        faces: Those that may go on.
        held: The pictures after the one in which the first of these was found last.
        held_pts: When each is shown.
    """

    number: int = 0
    looked_at: Fraction | None = None
    faces: list[Followed] = field(default_factory=list)
    held: list[np.ndarray] = field(default_factory=list)
    held_pts: list[Fraction] = field(default_factory=list)

    def add(self, picture: Picture, pts: Fraction, infer: Infer) -> list[FaceTrack]:
        """Take the next picture, (lines, columns, 3) RGB, shown at `pts`; gives the tracks that it ends.

        `infer` runs `face_detection` and `face_landmarks`; what it raises is passed on, and the state is spoilt then.
        """
        ended: list[FaceTrack] = []
        if self.looked_at is None or pts - self.looked_at >= DETECTION_EVERY_S:
            ended = self._look(picture, pts, infer)
        elif self.faces:
            self.held.append(picture)
            self.held_pts.append(pts)
        self.number += 1
        return ended

    def close(self, infer: Infer) -> list[FaceTrack]:
        """The tracks that end because the shot does; what comes then is another one."""
        ended: list[FaceTrack] = []
        if self.held_pts and self.looked_at is not None and self.held_pts[-1] > self.looked_at:
            picture, pts = self.held.pop(), self.held_pts.pop()
            self.number -= 1
            ended = self._look(picture, pts, infer)
            self.number += 1
        ended += self._end(self.faces)
        self.looked_at, self.faces, self.held, self.held_pts = None, [], [], []
        return ended

    def _look(self, picture: Picture, pts: Fraction, infer: Infer) -> list[FaceTrack]:
        """Find the faces of a picture, and their landmarks in it and in those that are held."""
        there = sorted(detected(picture, infer), key=_height, reverse=True)[:MOST_FACES]
        lost = [each for each in self.faces if pts - each.pts[-1] > LONGEST_GAP_S]
        self.faces = [each for each in self.faces if pts - each.pts[-1] <= LONGEST_GAP_S]
        goes_on = matches([each.face for each in self.faces], there)
        new = [Followed(self.number, face) for j, face in enumerate(there) if j not in goes_on]
        known = [(self.faces[i], there[j]) for j, i in sorted(goes_on.items(), key=lambda pair: pair[1])]
        self.faces += new
        self.held.append(picture)
        self.held_pts.append(pts)
        places = [
            place for each, face in (*known, *((each, each.face) for each in new)) for place in self._way(each, face)
        ]
        if places:
            frames = np.stack([take(self.held[n], f.square, LANDMARKS_PX, repeat_edges=True) for _, n, f in places])
            found = infer("face_landmarks", {"frames": frames})
            for (each, n, face), points, presence in zip(
                places, found["landmarks"], found["presence"].reshape(-1), strict=True
            ):
                square = face.square
                shown = np.concatenate([square.place(points[:, :2]), points[:, 2:] * square.side], axis=1)
                each.face = face
                each.pts.append(self.held_pts[n])
                each.boxes.append(face.box)
                each.landmarks.append(shown.astype(np.float32))
                each.presence.append(float(presence))
        self.looked_at = pts
        since = min((each.pts[-1] for each in self.faces), default=pts)
        kept = sum(time > since for time in self.held_pts)
        self.held, self.held_pts = self.held[len(self.held) - kept :], self.held_pts[len(self.held_pts) - kept :]
        return self._end(lost)

    def _way(self, each: Followed, face: Face) -> list[tuple[Followed, int, Face]]:
        """Where a face was in the pictures that are held, by their number in `held`; in the last one it is `face`."""
        last = len(self.held) - 1
        first = next(n for n, time in enumerate(self.held_pts) if time > each.pts[-1]) if each.pts else last
        way = [(each, n, between(each.face, face, (n - first + 1) / (last - first + 1))) for n in range(first, last)]
        return [*way, (each, last, face)]

    def _end(self, faces: list[Followed]) -> list[FaceTrack]:
        """Tracks of them, but for those that were seen too shortly."""
        return [
            FaceTrack(
                each.first,
                tuple(each.pts),
                np.stack(each.landmarks),
                np.array(each.presence, np.float32),
                each.boxes[len(each.boxes) // 2],
            )
            for each in faces
            if each.pts[-1] - each.pts[0] >= SHORTEST_S
        ]


def looked_at(picture: Picture) -> list[Square]:
    """Where faces are looked for: the whole picture and, where it is wide, three squares as high as it."""
    lines, columns = picture.shape[:2]
    squares = [Square.around(picture)]
    if columns >= WIDE * lines:
        squares += [Square(x, lines / 2, lines) for x in (lines / 2, columns / 2, columns - lines / 2)]
    return squares


def detected(picture: Picture, infer: Infer) -> list[Face]:
    """The faces in a picture, (lines, columns, 3) RGB, the surest first."""
    squares = looked_at(picture)
    frames = np.stack([take(picture, square, DETECTION_PX, repeat_edges=False) for square in squares])
    found = infer("face_detection", {"frames": frames})
    boxes, keypoints = found["boxes"], found["keypoints"]
    corners = np.stack([s.place(b.reshape(-1, 2, 2)) for s, b in zip(squares, boxes, strict=True)])
    points = np.stack([s.place(k) for s, k in zip(squares, keypoints, strict=True)])
    return chosen(corners.reshape(-1, 4), points.reshape(-1, *points.shape[2:]), found["scores"].reshape(-1), UNIT)


def _height(face: Face) -> float:
    return face.box[3] - face.box[1]
