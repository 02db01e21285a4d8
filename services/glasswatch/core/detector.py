"""The detector contract: no I/O, no wall clock, no globals; the same in every topology."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.media import MediaUnit
from glasswatch.core.needs import Need
from glasswatch.core.state import decode_state, encode_state
from glasswatch.core.time import Instant, Span


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """What a detector is, as data.

    Attributes:
        name: Stable identifier, also the name of its block of defaults and its topic.
        version: Changes whenever the same input could give another output.
        defects: Defects it can raise.
        needs: Renditions it reads.
        measurements: Unit of every measurement it reports, "1" for a ratio.
        models: Models that it calls through the inference port.
        lookback_s: How far behind its input a verdict may lie, in seconds at most.
    """

    name: str
    version: str
    defects: tuple[str, ...]
    needs: tuple[Need, ...]
    measurements: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    lookback_s: float = 0.0

    @property
    def renditions(self) -> tuple[str, ...]:
        """Names of the renditions that it reads; of several it is given the units in order of media time."""
        return tuple(sorted({need.rendition for need in self.needs}))

    @property
    def joins(self) -> bool:
        """Whether it reads several renditions. One instance then sees all tracks of sound (`AudioChunk.label`)."""
        return len(self.renditions) > 1


@dataclass(frozen=True, slots=True)
class DetectorContext:
    """Whom an instance works for: one channel, and one audio track where it listens to audio."""

    channel: str
    track: str | None = None


P = TypeVar("P")
S = TypeVar("S")


class Detector(ABC, Generic[P, S]):
    """One kind of judgement on one channel.

    `P` is the detector's parameters (a frozen pydantic model in the same file), `S` its state: one dataclass
    that holds everything that must survive from one call to the next, so that a worker that takes over a
    partition goes on where the last one stopped.
    """

    spec: ClassVar[DetectorSpec]

    def __init__(self, params: P, context: DetectorContext) -> None:
        self.params = params
        self.context = context
        self.state = self.fresh_state()

    @abstractmethod
    def fresh_state(self) -> S:
        """State at the start of an epoch."""

    @abstractmethod
    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge one unit; the result does not depend on how the media was cut into units."""

    def cut(self, at: Instant) -> Sequence[Detection]:
        """Say what is left at a cut, and forget what depends on continuity: nothing is compared across it.

        A cut is another epoch, frames of another size, or samples that are missing. What belongs to the whole title,
        such as its loudness, outlives it: a detector that has such state keeps it here.
        """
        return self.flush(at)

    def flush(self, at: Instant) -> Sequence[Detection]:
        """Say what is left at the end of the stream, and forget the past."""
        remaining = self.finish(at)
        self.state = self.fresh_state()
        return remaining

    def finish(self, at: Instant) -> Sequence[Detection]:
        """Verdicts still held back when the epoch ends at `at`."""
        return ()

    def snapshot(self) -> bytes:
        """The state, in a form that `restore` of the same detector version reads."""
        return encode_state(self.state)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot."""
        self.state = decode_state(data, type(self.state))

    def detection(self, defect: str, span: Span, verdict: Verdict, score: float, **more: Any) -> Detection:
        """A detection that carries this detector's identity; `more` are further fields of Detection."""
        return Detection(
            channel=self.context.channel,
            detector=self.spec.name,
            version=self.spec.version,
            defect=defect,
            span=span,
            verdict=verdict,
            score=score,
            track=self.context.track,
            **more,
        )
