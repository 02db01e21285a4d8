"""The landmarks of every face track of a run of pictures, for training: as they are found one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction

from glasswatch.detectors.sync.follow import FaceTrack, Following, Infer
from glasswatch.detectors.sync.squares import Picture


def tracked(
    pictures: Sequence[Picture], pts: Sequence[Fraction], cuts: Collection[int], infer: Infer
) -> list[FaceTrack]:
    """The face tracks in consecutive pictures, by their first picture and then from left to right.

    Args:
        pictures: (lines, columns, 3) RGB.
        pts: When each is shown, in seconds, ascending.
        cuts: Numbers of the pictures with which a shot begins.
        infer: Runs `face_detection` and `face_landmarks`; what it raises is passed on.
    """
    following = Following()
    tracks: list[FaceTrack] = []
    for number, (picture, time) in enumerate(zip(pictures, pts, strict=True)):
        if number in cuts:
            tracks += following.close(infer)
        tracks += following.add(picture, time, infer)
    return sorted([*tracks, *following.close(infer)], key=lambda track: (track.first, track.box))
