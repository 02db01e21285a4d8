"""One channel followed: session after session where it is live, one where it is a file."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing

from glasswatch.config.channels import Channel
from glasswatch.core.control import ChannelStarted, ChannelStopped
from glasswatch.core.errors import InputError
from glasswatch.core.message import MediaMessage
from glasswatch.core.needs import Need
from glasswatch.runtime.channels.session import LiveNumbers, Opener, Session, SessionRefusedError
from glasswatch.telemetry import metrics

log = logging.getLogger(__name__)

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0
GOOD_S = 60
"""So much media shows that the input works: the next failure is a new one, not the same one still."""

STOPPED = "it is no longer followed"

Sink = Callable[[MediaMessage], None]
"""Takes messages, and its time. It raises SessionRefusedError for what can never be handed on; whatever else it raises
ends the follower."""

Tell = Callable[[ChannelStarted | ChannelStopped], None]
Open = Callable[[Channel, Collection[Need], LiveNumbers], Session]


class Backoff:
    """Growing delays: 1 s, 2 s, 4 s ... 30 s, each shortened by up to a half at random.

    So many who lost the same server do not all come back at once.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._delay_s = FIRST_DELAY_S

    def next(self) -> float:
        """How long to wait now, in seconds."""
        delay_s = self._delay_s
        self._delay_s = min(2 * delay_s, LONGEST_DELAY_S)
        return delay_s * (0.5 + 0.5 * self._chance())

    def reset(self) -> None:
        """Begin anew with the shortest delay."""
        self._delay_s = FIRST_DELAY_S


class Follower:
    """Follows one channel in the calling thread; `stop` may be called from any other.

    A file is decoded once. A live input is opened again whenever it ends or cannot be opened. What cannot be opened and
    is no local file counts as live, unless the channel says that it is not.

    Attributes:
        channel: What it follows.
        reason: Why it has ended, None while it runs and where a file has been decoded to its regular end.
    """

    def __init__(
        self,
        channel: Channel,
        needs: Collection[Need],
        sink: Sink,
        tell: Tell,
        *,
        once: bool = False,
        numbers: LiveNumbers | None = None,
        open_session: Open | None = None,
        backoff: Backoff | None = None,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """Prepare.

        Args:
            channel: What to follow.
            needs: What the detectors need.
            sink: Takes the messages.
            tell: Told when the channel begins, and when it ends or cannot be read; once for each change.
            once: Open the input once only, even if it is live.
            numbers: Of the channel's live sessions; give the same to the next follower of a channel.
            open_session: Opens the input.
            backoff: How long to wait before a live input is opened again.
            pause: Waits so many seconds; by default not after `stop`.
        """
        self.channel = channel
        self.reason: str | None = None
        self._needs = needs
        self._sink = sink
        self._tell = tell
        self._once = once
        self._numbers = numbers or LiveNumbers()
        self._open: Open = open_session or Opener()
        self._backoff = backoff or Backoff()
        self._stop = threading.Event()
        self._pause = pause or self._stop.wait
        self._told: ChannelStarted | ChannelStopped | None = None
        self._fields = {"channel": channel.id}

    def stop(self) -> None:
        """End soon: after the message at hand, or when a read that waits has timed out."""
        self._stop.set()

    def run(self) -> None:
        """Follow until `stop`, or to the end of a file."""
        while not self._stop.is_set():
            self.reason, again = self._attempt()
            if self._once or not again or self._stop.is_set():
                break
            delay_s = self._backoff.next()
            log.warning("%s; opened again in %.1f s", self.reason, delay_s, extra=self._fields)
            self._pause(delay_s)
            metrics.DECODER_RECONNECTS.labels(self.channel.id).inc()
        if self._stop.is_set():
            self.reason = STOPPED
        self._report(ChannelStopped(self.channel.id, self.reason))
        log.info("ended: %s", self.reason or "the input was decoded to its end", extra=self._fields)

    def _attempt(self) -> tuple[str | None, bool]:
        """One opening of the input: why it ended, and whether it is worth another."""
        try:
            session = self._open(self.channel, self._needs, self._numbers)
        except InputError as error:
            again = self._is_remote() if self.channel.live is None else self.channel.live
            if again:
                self._report(ChannelStopped(self.channel.id, str(error)))
            return str(error), again
        with closing(session):
            kind = "live session" if session.live else "session"
            log.info("%s %d of %s", kind, session.number, self.channel.shown, extra=self._fields)
            for line in session.not_judged:
                log.info("not judged: %s", line, extra=self._fields)
            self._report(ChannelStarted(self.channel.id, session.renditions))
            reason = self._hand_on(session)
            if session.live:
                self._numbers.see(session.last_epoch)
            if session.position >= GOOD_S:
                self._backoff.reset()
            return reason, session.live

    def _hand_on(self, session: Session) -> str | None:
        """Give the session's messages to the sink; why it ended."""
        measure = _Measure(self.channel.id, live=session.live)
        try:
            for message in session.messages():
                self._sink(message)
                measure.see(float(session.position))
                if self._stop.is_set():
                    # A file's session goes on where it was left, if ever: its end is not told.
                    if session.live:
                        self._end(session, STOPPED)
                    return STOPPED
        except SessionRefusedError as error:
            self._report(ChannelStopped(self.channel.id, str(error)))
            self._end(session, str(error))
            return str(error)
        return session.reason

    def _end(self, session: Session, reason: str) -> None:
        for message in session.end(reason):
            self._sink(message)

    def _is_remote(self) -> bool:
        return "://" in self.channel.location

    def _report(self, what: ChannelStarted | ChannelStopped) -> None:
        """Tell of a change: an input that stays away is told once, however often it is tried."""
        if type(what) is not type(self._told) or (isinstance(what, ChannelStopped) and self.reason == STOPPED):
            self._told = what
            self._tell(what)


class _Measure:
    """Metrics of a session: how much media, and how far behind the time at which it began."""

    def __init__(self, channel: str, *, live: bool) -> None:
        self._seconds = metrics.DECODER_MEDIA_SECONDS.labels(channel)
        self._lag = metrics.DECODER_LAG_SECONDS.labels(channel) if live else None
        self._began: tuple[float, float] | None = None
        self._position_s = 0.0

    def see(self, position_s: float) -> None:
        """Take note of how far the session has come."""
        self._seconds.inc(max(0.0, position_s - self._position_s))
        self._position_s = position_s
        now = time.monotonic()
        began, from_s = self._began = self._began or (now, position_s)
        if self._lag is not None:
            self._lag.set(max(0.0, (now - began) - (position_s - from_s)))
