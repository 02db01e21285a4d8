"""The checksums of one stream, packet by packet, as stream facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from glasswatch.core.media import FactKind
from glasswatch.core.time import Instant
from glasswatch.decoder.checksums.ac3 import Ac3Check
from glasswatch.decoder.checksums.ffv1 import Ffv1Check
from glasswatch.decoder.checksums.finding import Check
from glasswatch.decoder.checksums.flac import FlacCheck
from glasswatch.decoder.checksums.layer3 import Layer3Check
from glasswatch.decoder.checksums.mpeg_audio import check_mpeg_audio
from glasswatch.decoder.checksums.png import check_png
from glasswatch.decoder.checksums.tta import check_tta
from glasswatch.decoder.tally import Tally

MOST_UNPROVEN = 64
"""After so many frames whose checksums all fail, in a codec that may have none, they are taken for unused."""

MOST_OF_A_FRAME_S = 0.1
"""What can be missing of a frame that the end of the input cuts, in seconds."""


@dataclass(slots=True)
class ChecksumWatch:
    """Reports where checksums fail.

    A packet that is shorter than its frame waits for the next one: if none comes, the input was cut there.

    Attributes:
        tally: The stream.
        check: Compares the checksums of a packet.
        may_be_unused: Encoders of this codec are known that announce checksums and do not compute them (MPEG audio).
            Then nothing is reported before one holds.
        kind: What a failure is.
    """

    tally: Tally
    check: Check
    may_be_unused: bool = False
    kind: FactKind = FactKind.CHECKSUM_FAILED
    _proven: bool = False
    _gave_up: bool = False
    _ends_short: bool = False
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
        self._ends_short = finding.is_short
        if self._proven and not finding.is_short:
            self._report()
        if len(self._waiting) >= MOST_UNPROVEN:
            self._give_up()

    def join(self) -> None:
        """An announced join comes: a frame that it cuts is no damage, and what follows does not lean on what was."""
        if self._ends_short and self._waiting:
            self._waiting.pop()
        self._ends_short = False
        if isinstance(self.check, (Ac3Check, Layer3Check)):
            self.check.restart()

    def end(self) -> None:
        """The stream has ended."""
        if self._waiting and self._ends_short:
            at, duration_s, _ = self._waiting.pop()
            text = "the input ends within a frame"
            self.tally.say(FactKind.TRUNCATED, at, text, missing_s=min(duration_s or 0.0, MOST_OF_A_FRAME_S))
        if self._waiting and not self._proven:
            self._give_up()
        self._report()

    def _report(self) -> None:
        for at, duration_s, text in self._waiting:
            values = {"duration_s": duration_s} if duration_s is not None else {}
            self.tally.say(self.kind, at, text, **values)
        self._waiting.clear()

    def _give_up(self) -> None:
        at, count = self._waiting[0][0], len(self._waiting)
        text = f"none of {count} checksums fits: the encoder did not compute them, or everything is damaged"
        self.tally.say(FactKind.CHECKSUM_UNUSED, at, text)
        self._waiting.clear()
        self._gave_up = True


def watches_for(tally: Tally) -> list[ChecksumWatch]:
    """What is to be checked in the packets of a stream; nothing where its codec keeps no checksums in them."""
    context = tally.stream.codec_context
    extradata = bytes(context.extradata or b"")
    match context.codec.canonical_name:
        case "ac3" | "eac3":
            return [ChecksumWatch(tally, Ac3Check())]
        case "ffv1":
            return [ChecksumWatch(tally, Ffv1Check(extradata))]
        case "flac":
            return [ChecksumWatch(tally, FlacCheck(extradata))]
        case "mp1" | "mp2":
            return [ChecksumWatch(tally, check_mpeg_audio, may_be_unused=True)]
        case "mp3":
            reservoir = ChecksumWatch(tally, Layer3Check(), kind=FactKind.CORRUPT_PACKET)
            return [ChecksumWatch(tally, check_mpeg_audio, may_be_unused=True), reservoir]
        case "png" | "apng":
            return [ChecksumWatch(tally, check_png)]
        case "tta":
            return [ChecksumWatch(tally, check_tta)]
    return []
