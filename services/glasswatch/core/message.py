"""What travels between decoder, detectors and aggregator, whatever carries it.

A *session* is one opening of a channel's input. Within it messages are numbered, so that each is handled once however
often it is delivered, and a decoder that starts again over the same file repeats the same session: what it sends twice
is known by its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from glasswatch.core.detection import Detection
from glasswatch.core.media import MediaUnit
from glasswatch.core.time import Instant


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The last message of a rendition: detectors say what they still hold.

    Attributes:
        at: Where the media ends, None where there was none.
        reason: Why, None at the regular end of the input.
    """

    at: Instant | None
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MediaMessage:
    """One message of one rendition of a channel.

    Attributes:
        channel: Channel id.
        session: Identity of the session, the same for a file that is decoded again.
        rendition: Name of the rendition; facts have their own.
        sequence: Position among the session's messages of this rendition, counted from 0.
        unit: What it carries; a fact among pictures or sound is a lull (`FactKind.PROGRESS`).
        offset: Seconds to add to presentation times of the unit's epoch to get positions in the input.
        live: Whether media comes as time passes, so that a detector that is late has to leave some out.
        detectors: Names of those that are to judge it, all when empty.
    """

    channel: str
    session: int
    rendition: str
    sequence: int
    unit: MediaUnit | EndOfStream
    offset: Fraction = Fraction(0)
    live: bool = False
    detectors: tuple[str, ...] = ()

    def is_for(self, detector: str) -> bool:
        """Whether the detector of that name is to judge it."""
        return not self.detectors or detector in self.detectors


@dataclass(frozen=True, slots=True)
class DetectionBatch:
    """All that one detector says of a channel after one more media message.

    Attributes:
        channel: Channel id.
        detector: Name of the detector.
        session: The session that the media is of.
        position: How many media messages of the session the detector has handled, this one included; a batch that is
            sent again has the same.
        detections: In media order.
        offsets: For each epoch that they speak of, seconds to add to presentation times to get positions in the input.
        reached: Where the media ends that it has judged or still holds back, None before there was any.
        final: Whether the session's media has ended.
    """

    channel: str
    detector: str
    session: int
    position: int
    detections: tuple[Detection, ...] = ()
    offsets: Mapping[int, Fraction] = field(default_factory=dict)
    reached: Instant | None = None
    final: bool = False
