"""The decoder service: every channel that is wanted has one follower, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from hashlib import sha256

from glasswatch.config.channels import Channel
from glasswatch.config.profile import enabled_by_default
from glasswatch.core.control import ChannelStopped, ControlMessage
from glasswatch.core.errors import ConfigError, UsageError
from glasswatch.core.needs import FactNeed, Need
from glasswatch.detectors.registry import registered
from glasswatch.runtime.channels.follower import Follower, Open, Sink
from glasswatch.runtime.channels.session import LiveNumbers, Opener
from glasswatch.runtime.channels.wanted import Wanted
from glasswatch.telemetry import metrics

log = logging.getLogger(__name__)

TICK_S = 0.2
DRAIN_S = 3.0
"""How long followers have to end on SIGTERM. One that waits for a silent input longer than this is left behind: a
read of FFmpeg's cannot be interrupted."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The part of the channels that one of several decoders follows, told by a hash of the channel id."""

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From "0/3", the first of three; UsageError where it is no such thing."""
        index, mark, count = text.partition("/")
        if not (mark and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
            raise UsageError(f"{text!r} is no shard: write 0/3, 1/3 and 2/3 for three decoders")
        return cls(int(index), int(count))

    def holds(self, channel: str) -> bool:
        """Whether the channel belongs to this part."""
        return int.from_bytes(sha256(channel.encode()).digest()[:8], "big") % self.count == self.index


def needs_of(channel: Channel, deployed: Collection[str] | None) -> list[Need]:
    """What the channel's detectors need, of those that are deployed; facts always.

    Where nobody says what is deployed, a channel that names no detectors has those that are enabled by default.

    Raises:
        ConfigError: None of them is deployed.
    """
    if deployed is None:
        deployed = channel.detectors or enabled_by_default()
    chosen = [name for name in deployed if not channel.detectors or name in channel.detectors]
    if not chosen:
        raise ConfigError(f"none of its detectors runs here: {', '.join(channel.detectors)}")
    needs = {need.rendition: need for name in chosen for need in registered()[name].spec.needs}
    return list((needs | {FactNeed().rendition: FactNeed()}).values())


@dataclass(slots=True)
class _Running:
    channel: Channel
    follower: Follower | None = None
    thread: threading.Thread | None = None
    failure: str | None = None

    @property
    def alive(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    @property
    def reason(self) -> str | None:
        return self.follower.reason if self.follower is not None else self.failure


class DecoderService:
    """Keeps followers in step with the channels that are wanted.

    Attributes:
        stopping: Whether `stop` was called.
    """

    def __init__(
        self,
        wanted: Wanted,
        sink: Sink,
        tell: Callable[[ControlMessage], None],
        *,
        detectors: Collection[str] | None = None,
        shard: Shard | None = None,
        once: bool = False,
        open_session: Open | None = None,
    ) -> None:
        """Prepare.

        Args:
            wanted: Which channels there should be.
            sink: Takes all media messages, from many threads.
            tell: Told which channels begin and end.
            detectors: Those that are deployed; None where a channel's own may be any.
            shard: The part of the channels that are followed here.
            once: Open every input once, and end when all have ended.
            open_session: Opens inputs.
        """
        self._wanted = wanted
        self._sink = sink
        self._tell = tell
        self._detectors = detectors
        self._shard = shard or Shard()
        self._once = once
        self._open: Open = open_session or Opener()
        self._running: dict[str, _Running] = {}
        self._numbers: dict[str, LiveNumbers] = {}
        self._crash: BaseException | None = None
        self._again = False
        self.stopping = False

    def reload(self) -> None:
        """Read the channels again, and begin finished ones anew; may be called from a signal handler."""
        self._again = True

    def stop(self) -> None:
        """Make `run` return soon; may be called from a signal handler."""
        self.stopping = True

    def live(self) -> str | None:
        """Why the process cannot go on, None while it can."""
        return None if self._crash is None else str(self._crash)

    def run(self) -> bool:
        """Follow the channels until `stop`, or with `once` to the end of all.

        Returns:
            Whether every channel that has ended had come to its regular end.

        Raises:
            GlasswatchError: What the sink raised: nothing more can be handed on.
        """
        try:
            while not self.stopping and self._crash is None:
                self._step()
                if self._once and self._wanted.complete and not any(r.alive for r in self._running.values()):
                    break
                time.sleep(TICK_S)
            regular = all(running.reason is None for running in self._running.values())
        finally:
            self._drain()
        if self._crash is not None:
            raise self._crash
        return regular

    def _step(self) -> None:
        """Stop followers that are not wanted (any more, or so), and start those that lack."""
        again, self._again = self._again, False
        wanted = {name: c for name, c in self._wanted.poll(again=again).items() if self._shard.holds(name)}
        for name, running in list(self._running.items()):
            if wanted.get(name) == running.channel:
                continue
            if running.follower is not None and running.alive:
                running.follower.stop()
            elif name not in wanted:
                del self._running[name]
                _forget_metrics(name)
        for name, channel in wanted.items():
            former = self._running.get(name)
            if former is None or (not former.alive and _differs(former.channel, channel)):
                self._running[name] = self._start(channel)
        metrics.DECODER_CHANNELS.set(sum(running.alive for running in self._running.values()))

    def _start(self, channel: Channel) -> _Running:
        running = _Running(channel)
        try:
            needs = needs_of(channel, self._detectors)
        except ConfigError as error:
            running.failure = str(error)
            log.warning("not followed: %s", error, extra={"channel": channel.id})
            self._tell(ChannelStopped(channel.id, running.failure))
            return running
        follower = running.follower = Follower(
            channel,
            needs,
            self._sink,
            self._tell,
            once=self._once,
            numbers=self._numbers.setdefault(channel.id, LiveNumbers()),
            open_session=self._open,
        )

        def work() -> None:
            try:
                follower.run()
            except BaseException as error:  # noqa: BLE001
                if self._crash is None:
                    self._crash = error

        # A thread that FFmpeg does not let go of must not keep the process.
        running.thread = threading.Thread(target=work, name=f"channel-{channel.id}", daemon=True)
        running.thread.start()
        return running

    def _drain(self) -> None:
        until = time.monotonic() + DRAIN_S
        for running in self._running.values():
            if running.follower is not None:
                running.follower.stop()
        for name, running in self._running.items():
            if running.thread is not None:
                running.thread.join(max(0.0, until - time.monotonic()))
            if running.alive:
                log.warning("left behind, it waits for its input or for Kafka", extra={"channel": name})


def _differs(former: Channel, channel: Channel) -> bool:
    return former != channel or former.revision != channel.revision


def _forget_metrics(channel: str) -> None:
    for metric in (metrics.DECODER_MEDIA_SECONDS, metrics.DECODER_RECONNECTS, metrics.DECODER_LAG_SECONDS):
        metric.remove_by_labels({"channel": channel})
