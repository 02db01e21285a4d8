"""One opening of a channel's input, as numbered messages.

A session of a file is named by what the file is, so that a decoder that starts again repeats it: the same messages with
the same numbers, which consumers know. That takes one thread count: with another, FFmpeg gives frames out later, and
facts fall elsewhere between them. A live session is named by when it was opened: its media never comes again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from glasswatch.config.channels import Channel
from glasswatch.core.errors import GlasswatchError, InputError
from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.core.needs import FactNeed, Need
from glasswatch.core.time import Instant
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.lulls import Lulls
from glasswatch.decoder.source import Source, open_source

log = logging.getLogger(__name__)

FACTS = FactNeed().rendition
DECODER_THREADS = 1
LIVE_ENDED = "the live input ended"

_OF_FILES = 1 << 63
"""The highest bit is set in the number of a file's session, and never in that of a live one, which is a time."""


class SessionRefusedError(GlasswatchError):
    """A message of a session can never be handed on: the session ends here."""


class LiveNumbers:
    """Numbers for the live sessions of one channel: sessions and epochs grow whatever the clock does."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._session = -1
        self._epoch = -1

    def next(self) -> tuple[int, int]:
        """Number of a new session (Unix milliseconds) and of its first epoch (Unix seconds)."""
        now = self._clock()
        self._session = max(int(now * 1000), self._session + 1)
        self._epoch = max(int(now), self._epoch + 1)
        return self._session, self._epoch

    def see(self, epoch: int) -> None:
        """Take note of an epoch that has been used."""
        self._epoch = max(self._epoch, epoch)


def is_live(source: Source) -> bool:
    """Whether media comes as time passes, as far as the input tells.

    A file is never live. Over HTTP an input of known length is a file (films, finished HLS), one without is live;
    every other protocol is live.
    """
    if source.path is not None:
        return False
    duration = source.container.duration
    over_http = source.location.partition(":")[0].lower() in ("http", "https")
    return not (over_http and duration is not None and duration > 0)


def file_session(*identity: object) -> int:
    """Number of the session of a file that is told from others by `identity`."""
    digest = hashlib.sha256("\x1f".join(map(str, identity)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") | _OF_FILES


class Session:
    """Messages of one opening of an input, in the order of decoding.

    Attributes:
        number: Identity of the session.
        live: Whether media comes as time passes.
        renditions: Names of the renditions; facts are always among them.
        position: How far it has come, in seconds from the start of the input.
        last_epoch: Highest epoch of a message so far.
        reason: Why it ended, None at the regular end of the input and before.
    """

    def __init__(
        self,
        channel: str,
        source: Source,
        needs: Iterable[Need],
        *,
        number: int,
        first_epoch: int,
        live: bool,
        threads: int = DECODER_THREADS,
        detectors: tuple[str, ...] = (),
    ) -> None:
        by_rendition = {need.rendition: need for need in (*needs, FactNeed())}
        self.number = number
        self.live = live
        self.renditions = tuple(sorted(by_rendition))
        self.position = Fraction(0)
        self.last_epoch = first_epoch
        self.reason: str | None = None
        self._channel = channel
        self._detectors = detectors
        self._source = source
        self._decoder = Decoder(source, list(by_rendition.values()), threads=threads)
        self._lulls = Lulls(by_rendition.values(), source)
        self._first_epoch = first_epoch
        self._sequence = dict.fromkeys(self.renditions, 0)
        self._ends: dict[str, Instant] = {}
        self._open = list(self.renditions)

    def messages(self) -> Iterator[MediaMessage]:
        """All messages, the end of every rendition included."""
        try:
            for unit in self._decoder.units():
                offset = self._decoder.timeline.offset(unit.end.epoch)
                yield self._message(unit, offset)
                for rendition, fact in self._lulls.after(unit, offset):
                    yield self._numbered(rendition, _shifted(fact, self._first_epoch), offset)
        except Exception as error:
            log.exception("the decoder failed", extra={"channel": self._channel})
            self.reason = f"the decoder failed: {type(error).__name__}: {error}"
        if self.live and self.reason is None:
            self.reason = LIVE_ENDED
        yield from self.end(self.reason)

    def end(self, reason: str | None) -> Iterator[MediaMessage]:
        """The ends of all renditions that have not ended yet: for a session that is left before its input has ended."""
        self.reason = reason
        while self._open:
            rendition = self._open.pop(0)
            yield self._numbered(rendition, EndOfStream(self._ends.get(rendition), reason), Fraction(0))

    @property
    def not_judged(self) -> tuple[str, ...]:
        """What the input holds besides, in lines."""
        return tuple(self._source.not_judged)

    def close(self) -> None:
        """Let go of the input."""
        self._source.close()

    def _message(self, unit: MediaUnit, offset: Fraction) -> MediaMessage:
        rendition = FACTS if isinstance(unit, StreamFact) else unit.rendition
        if isinstance(unit, StreamFact) and unit.kind is FactKind.TRUNCATED and unit.stream == "container":
            self.reason = unit.message
        unit = _shifted(unit, self._first_epoch)
        end = unit.end
        self._ends[rendition] = max(end, self._ends.get(rendition, end))
        self.position = max(self.position, end.seconds + offset)
        self.last_epoch = max(self.last_epoch, end.epoch)
        return self._numbered(rendition, unit, offset)

    def _numbered(self, rendition: str, unit: MediaUnit | EndOfStream, offset: Fraction) -> MediaMessage:
        sequence = self._sequence[rendition]
        self._sequence[rendition] += 1
        return MediaMessage(self._channel, self.number, rendition, sequence, unit, offset, self.live, self._detectors)


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens sessions.

    Attributes:
        limits: What an input may cost.
        threads: Decoder threads; 0 lets FFmpeg choose, and then files are repeated alike on alike machines only.
    """

    limits: Limits | None = None
    threads: int = DECODER_THREADS

    def __call__(self, channel: Channel, needs: Iterable[Need], numbers: LiveNumbers) -> Session:
        """Open the channel's input.

        Raises:
            InputError: It cannot be opened.
        """
        source = open_source(channel.location, self.limits, channel.program)
        try:
            live = is_live(source) if channel.live is None else channel.live
            number, first_epoch = numbers.next() if live else (_number_of_file(source, channel.program), 0)
        except BaseException:
            source.close()
            raise
        return Session(
            channel.id,
            source,
            needs,
            number=number,
            first_epoch=first_epoch,
            live=live,
            threads=self.threads,
            detectors=channel.detectors,
        )


def _number_of_file(source: Source, program: int | None) -> int:
    asked = () if program is None else (program,)
    if source.path is None:
        # Servers do not reliably say when a file was changed, and FFmpeg does not pass it on.
        return file_session(source.location, source.container.size, source.container.duration, *asked)
    try:
        status = source.path.stat()
    except OSError as error:
        raise InputError(f"cannot read {source.path}: {error.strerror}") from error
    return file_session(source.location, status.st_size, status.st_mtime_ns, *asked)


def _shifted(unit: MediaUnit, epochs: int) -> MediaUnit:
    """The same in the numbering of the channel's epochs."""
    if not epochs:
        return unit
    if isinstance(unit, StreamFact):
        return replace(unit, at=Instant(unit.at.epoch + epochs, unit.at.seconds))
    return replace(unit, epoch=unit.epoch + epochs)
