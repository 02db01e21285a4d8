"""The landmarks of every face track of a run of pictures: what sound is compared with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.sync.faces import DETECTION_PX, LANDMARKS_PX, Face, between, chosen
from glasswatch.detectors.sync.squares import Picture, Square, take
from glasswatch.detectors.sync.tracks import link

DETECTION_EVERY_S = Fraction(3, 25)
"""Faces move slowly: between pictures that are this far apart, their squares are drawn in a line, which also keeps them
from shaking. Two such steps are shorter than `tracks.LONGEST_GAP_S`, so one missed face ends no track."""

WIDE = 1.2
"""A picture that is so much longer than high is also looked at in squares of its own height, for faces that are small
in the whole."""

BATCH = 32
"""Pictures of faces in one call, so that a long shot needs no more memory than a short one."""

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
    box: tuple[float, float, float, float]


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


def sampled(pts: Sequence[Fraction], cuts: Collection[int]) -> list[int]:
    """Numbers of the pictures in which faces are looked for: both ends of each shot, and every DETECTION_EVERY_S."""
    numbers: list[int] = []
    for number, time in enumerate(pts):
        is_edge = number in cuts or number + 1 in cuts or number in (0, len(pts) - 1)
        if is_edge or time - pts[numbers[-1]] >= DETECTION_EVERY_S:
            numbers.append(number)
    return numbers


def tracked(
    pictures: Sequence[Picture], pts: Sequence[Fraction], cuts: Collection[int], infer: Infer
) -> list[FaceTrack]:
    """The face tracks in consecutive pictures, with the landmarks of each.

    Args:
        pictures: (lines, columns, 3) RGB.
        pts: When each is shown, in seconds, ascending.
        cuts: Numbers of the pictures with which a shot begins.
        infer: Runs `face_detection` and `face_landmarks`; what it raises is passed on.
    """
    numbers = sampled(pts, cuts)
    looked = [detected(pictures[n], infer) for n in numbers]
    starts = {i for i, n in enumerate(numbers) if n in cuts}
    tracks = []
    for track in link([pts[n] for n in numbers], looked, starts):
        places = numbers[track.first : track.end]
        faces = [track.faces[0]]
        for (a, b), (one, other) in zip(pairwise(places), pairwise(track.faces), strict=True):
            faces += [between(one, other, (n - a) / (b - a)) for n in range(a + 1, b)]
            faces.append(other)
        shown = slice(places[0], places[-1] + 1)
        landmarks, presence = located(pictures[shown], faces, infer)
        tracks.append(FaceTrack(places[0], tuple(pts[shown]), landmarks, presence, faces[len(faces) // 2].box))
    return tracks


def located(
    pictures: Sequence[Picture], faces: Sequence[Face], infer: Infer
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Landmarks (pictures, 468, 3) in pixels and presence (pictures,) of one face in each picture."""
    landmarks, presence = [], []
    for at in range(0, len(faces), BATCH):
        squares = [face.square for face in faces[at : at + BATCH]]
        shown = zip(pictures[at : at + BATCH], squares, strict=True)
        frames = np.stack([take(picture, square, LANDMARKS_PX, repeat_edges=True) for picture, square in shown])
        found = infer("face_landmarks", {"frames": frames})
        points = found["landmarks"]
        presence.append(found["presence"].reshape(-1))
        for square, there in zip(squares, points, strict=True):
            landmarks.append(np.concatenate([square.place(there[:, :2]), there[:, 2:] * square.side], axis=1))
    return np.asarray(landmarks, np.float32), np.concatenate(presence).astype(np.float32)
