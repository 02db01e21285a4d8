"""Looking on while lip sync is judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from glasswatch.core.detection import Detection
from glasswatch.core.time import Instant
from glasswatch.detectors.sync.features import Floats
from glasswatch.detectors.sync.follow import FaceTrack
from glasswatch.detectors.sync.fragments import Mouth
from glasswatch.detectors.sync.offset import Values


class Observer(Protocol):
    """Is told what a detector has seen and found, in the detector's thread; what it raises stops the detector.

    It is no part of the detector's state: after a restart it has missed what was before.
    """

    def followed(self, fragment: Instant, track: FaceTrack, mouth: Mouth | None) -> None:
        """A face track of the fragment that starts then has ended.

        Args:
            fragment: Its start.
            track: The face.
            mouth: What is compared of it; None where it is no face after all.
        """

    def compared(self, likelihoods: Sequence[Values], votes: Values) -> None:
        """A fragment is compared with a track of sound; `judged` follows.

        Args:
            likelihoods: As of `offset.likelihood`, of each mouth that moves, in the order of `followed`.
            votes: As of `offset.vote`.
        """

    def judged(self, detection: Detection, powers: Floats) -> None:
        """A fragment is judged.

        Args:
            detection: What is said of it with one track of sound.
            powers: As of `features.band_powers`, from the last step that is not after its start.
        """
