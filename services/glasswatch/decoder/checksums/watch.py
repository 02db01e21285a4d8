"""The checksums of one stream, packet by packet, as stream facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from glasswatch.core.media import FactKind
from glasswatch.core.time import Instant
from glasswatch.decoder.checksums.finding import Check
from glasswatch.decoder.tally import Tally

MOST_UNPROVEN = 64
"""After so many frames whose checksums all fail, in a codec that may have none, they are taken for unused."""


@dataclass(slots=True)
class ChecksumWatch:
    """Reports where checksums fail.

    A packet that is shorter than its frame waits for the next one: if none comes, the input ends within a frame, which
    is no damage.

    Attributes:
        tally: The stream.
        check: Compares the checksums of a packet.
        may_be_unused: Encoders of this codec are known that announce checksums and do not compute them (MPEG audio).
            Then nothing is reported before one holds.
    """

    tally: Tally
    check: Check
    may_be_unused: bool = False
    _proven: bool = False
    _gave_up: bool = False
    _waiting: list[tuple[Instant, float | None, str]] = field(default_factory=list)

    def add(self, packet: bytes, at: Instant, duration_s: float | None) -> None:
        """Check a packet that is shown or heard at `at` for `duration_s`, None where that is not known."""
        if self._gave_up:
            return
        finding = self.check(packet)
        self._proven = self._proven or finding.held > 0 or not self.may_be_unused
        if self._proven:
            self._report()
        for damage in finding.failed:
            since = Instant(at.epoch, at.seconds + Fraction(damage.after_s).limit_denominator(90_000))
            self._waiting.append((since, damage.lasts_s or duration_s, damage.what))
        if self._proven and not finding.is_short:
            self._report()
        if len(self._waiting) >= MOST_UNPROVEN:
            self._give_up()

    def end(self) -> None:
        """The stream has ended."""
        if self._waiting and not self._proven:
            self._give_up()
        self._waiting.clear()

    def _report(self) -> None:
        for at, duration_s, text in self._waiting:
            values = {"duration_s": duration_s} if duration_s is not None else {}
            self.tally.say(FactKind.CHECKSUM_FAILED, at, text, **values)
        self._waiting.clear()

    def _give_up(self) -> None:
        at, count = self._waiting[0][0], len(self._waiting)
        text = f"none of {count} checksums fits: the encoder did not compute them, or everything is damaged"
        self.tally.say(FactKind.CHECKSUM_UNUSED, at, text)
        self._waiting.clear()
        self._gave_up = True
