"""A detector that reads several renditions, where there are no messages: in one process with its decoder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from glasswatch.core.detection import Detection
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.join import Join
from glasswatch.core.media import MediaUnit, StreamFact
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.core.needs import FactNeed, Need
from glasswatch.core.time import Instant
from glasswatch.decoder.lulls import Lulls
from glasswatch.decoder.source import Source
from glasswatch.runtime.runner import DetectorRunner
from glasswatch.runtime.unjudged import span_of, unjudged


class Messages:
    """Units of one input, numbered and with their lulls, as `channels.session` does for channels."""

    def __init__(self, channel: str, needs: Iterable[Need], source: Source) -> None:
        needs = list(needs)
        self._channel = channel
        self._lulls = Lulls(needs, source)
        self._sequence = {need.rendition: 0 for need in needs if not isinstance(need, FactNeed)}
        self._ends: dict[str, Instant] = {}

    def of(self, unit: MediaUnit, offset: Fraction) -> Iterator[MediaMessage]:
        """Messages that come of a unit, none of a fact; `offset` as in `Lulls.after`."""
        if isinstance(unit, StreamFact):
            return
        self._ends[unit.rendition] = max(unit.end, self._ends.get(unit.rendition, unit.end))
        yield self._numbered(unit.rendition, unit)
        for rendition, fact in self._lulls.after(unit, offset):
            yield self._numbered(rendition, fact)

    def end(self) -> Iterator[MediaMessage]:
        """The ends of all renditions."""
        for rendition in self._sequence:
            yield self._numbered(rendition, EndOfStream(self._ends.get(rendition)))

    def _numbered(self, rendition: str, unit: MediaUnit | EndOfStream) -> MediaMessage:
        sequence = self._sequence[rendition]
        self._sequence[rendition] += 1
        return MediaMessage(self._channel, 0, rendition, sequence, unit)


class JoinedRunner:
    """A `DetectorRunner` behind a join."""

    def __init__(self, spec: DetectorSpec, runner: DetectorRunner, channel: str) -> None:
        self._spec = spec
        self._runner = runner
        self._channel = channel
        self._join: Join[None] = Join(spec.renditions)

    def feed(self, message: MediaMessage) -> list[Detection]:
        """Detections that a message brings; one of another rendition brings none."""
        if message.rendition not in self._spec.renditions:
            return []
        self._join.add(message, None)
        found: list[Detection] = []
        for handed in self._join.handed():
            unit = handed.message.unit if handed.message is not None else None
            if unit is None or isinstance(unit, EndOfStream):
                continue
            if handed.missing is None:
                found += self._runner.feed(unit)
            else:
                said = unjudged(self._spec, self._channel, span_of(unit), handed.missing, unit)
                found += self._runner.leave_out(said)
        return found
