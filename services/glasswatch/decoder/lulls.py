"""Where a rendition has nothing for a while: told among its own media, so that who joins renditions need not wait.

Only who decodes can tell a rendition that has nothing from one that is late on its way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed, Need, VideoNeed
from glasswatch.core.time import Instant
from glasswatch.decoder.source import Source

LULL_S = Fraction(5)
"""A rendition that is this far behind another one has a lull.

It lags without one, by up to 1 s in the multiplex (ISO/IEC 13818-1, 2.4.2.6), 0.5 s in a chunk that is being filled,
and 16 pictures in FFmpeg's decoder threads, which is 3.2 s at five pictures a second."""

TOLD_EVERY_S = 1
"""A lull is told again whenever this many seconds of media have passed."""


class Lulls:
    """Follows the renditions of one input; a function of the units in the order of decoding."""

    def __init__(self, needs: Iterable[Need], source: Source) -> None:
        """`needs` that are facts have no lulls: they say themselves that time goes on."""
        self._patience: dict[str, Fraction] = {}
        self._reason: dict[str, str] = {}
        for need in needs:
            match need:
                case VideoNeed():
                    there, name = source.video is not None, "picture"
                    pause = 1 / need.rate if need.rate is not None else Fraction(0)
                case AudioNeed():
                    there, name, pause = bool(source.audio), "sound", Fraction(0)
                case _:
                    continue
            self._patience[need.rendition] = LULL_S + pause if there else Fraction(0)
            self._reason[need.rendition] = f"the {name} is missing" if there else f"the input has no {name}"
        self._reached: dict[str, Fraction] = {}
        self._told: dict[str, Fraction] = {}

    def after(self, unit: MediaUnit, offset: Fraction) -> Iterator[tuple[str, StreamFact]]:
        """Renditions that have a lull now, each with the fact that says so.

        Args:
            unit: The next unit.
            offset: Seconds to add to times of its epoch to get positions in the input.
        """
        if isinstance(unit, StreamFact) or unit.rendition not in self._patience:
            return
        end = unit.end
        position = end.seconds + offset
        if not self._reached:
            # Those that have not come yet are waited for from the start of the first unit on, or a little later.
            self._reached = dict.fromkeys(self._patience, position)
        self._reached[unit.rendition] = max(position, self._reached[unit.rendition])
        self._told.pop(unit.rendition, None)
        for rendition, patience in self._patience.items():
            if rendition == unit.rendition or position - self._reached[rendition] < patience:
                continue
            if position - self._told.get(rendition, position - TOLD_EVERY_S) >= TOLD_EVERY_S:
                self._told[rendition] = position
                at = Instant(end.epoch, end.seconds - patience)
                yield rendition, StreamFact(FactKind.PROGRESS, at, "container", self._reason[rendition])
