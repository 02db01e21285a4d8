"""Several renditions of one channel as one stream, in the order of media time.

The order is a function of what each rendition says, whatever the order in which messages of different renditions
arrive: the next unit is handed on when every rendition has told what it has next. So each rendition has to go on
telling: where it has nothing for a while, whoever numbers its messages says so with a *lull*, a fact among its media
(`decoder.lulls`). Units that have no counterpart are handed on with the reason, so that nobody judges them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Generic, TypeVar

from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.core.needs import FactNeed
from glasswatch.core.sessions import Admission, Sessions
from glasswatch.core.time import Instant

MOST_AHEAD_S = Fraction(30)
"""So much media of a rendition waits for another one at most. Lulls come after `decoder.lulls.LULL_S`: only where a
rendition is not published at all, or its messages are gone, is it waited for in vain."""

TOO_LATE = "it came too late to be put beside the rest"

T = TypeVar("T")


@dataclass(slots=True)
class InputState:
    """How far one rendition has been handed on.

    Attributes:
        sessions: Which of its messages were handed on.
        end: Where its media in this session ends so far, None before there was any.
        passed: What starts before this instant is too late.
        missing: Why there is no media behind `end`, None where it goes on.
        ended: Whether its last message in this session was handed on.
        reason: The word in that message.
    """

    sessions: Sessions = field(default_factory=Sessions)
    end: Instant | None = None
    passed: Instant | None = None
    missing: str | None = None
    ended: bool = False
    reason: str | None = None


@dataclass(slots=True)
class JoinState:
    """All that must survive; what waits is not part of it, and has to be delivered again.

    Attributes:
        version: How many messages were handed on.
        session: The session that is being handed on.
        position: Number of the session's next message behind the join.
        epoch: Epoch of the media handed on last.
        inputs: By name of the rendition.
    """

    version: int = 0
    session: int | None = None
    position: int = 0
    epoch: int | None = None
    inputs: dict[str, InputState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Handed(Generic[T]):
    """What became of one message when its turn had come.

    Attributes:
        token: What was given to `add` with it.
        message: The message, numbered anew behind the join; a number that is left out is a message that did not arrive.
            None where there is nothing to hand on: a lull, the end of one rendition while others go on.
        missing: Why the unit has no counterpart or no place; it must not be judged then.
        shed: As given to `add`.
    """

    token: T
    message: MediaMessage | None = None
    missing: str | None = None
    shed: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    """A message that has arrived and is not handed on yet; `lost` are missing before it."""

    message: MediaMessage
    lost: int
    shed: bool
    token: T

    @property
    def lull(self) -> str | None:
        """Why there is no media before this, if that is what it says."""
        return self.message.unit.message if isinstance(self.message.unit, StreamFact) else None

    @property
    def starts(self) -> Instant | None:
        """Where its media starts, or the lull ends; None at the end of the stream."""
        match self.message.unit:
            case FrameChunk() as chunk:
                return Instant(chunk.epoch, chunk.pts[0])
            case AudioChunk() as chunk:
                return Instant(chunk.epoch, chunk.start)
            case StreamFact() as fact:
                return fact.at
            case EndOfStream():
                return None

    @property
    def seconds(self) -> Fraction:
        """How much media it is; tracks of sound go side by side."""
        match self.message.unit:
            case FrameChunk() as chunk:
                return chunk.ends[-1] - chunk.pts[0]
            case AudioChunk() as chunk:
                return chunk.span.duration / chunk.tracks
            case _:
                return Fraction(0)


class Join(Generic[T]):
    """Joins the renditions of one channel.

    Messages of one rendition must come in order, as for a detector that reads one. Order behind the join: by epoch,
    then by the start of the unit, then by the name of the rendition. Within a rendition the order stays: units of
    several tracks of sound may lie a chunk apart.

    - A rendition that is ahead waits, not handed on.
    - One that has a lull does not hold up the others. Their units behind its last media are handed on as missing it,
      up to the next that it has.
    - One that has ended does not hold up the others, which are handed on by themselves: they end soon, or it had a
      lull.
    - One of which nothing comes is given up where another one is `MOST_AHEAD_S` ahead of it, like a lull. What it
      still brings is too late.
    - Messages that did not arrive are like a lull, up to the next one that did.
    - A new session begins when every rendition has ended the one before, or left it.
    """

    def __init__(self, renditions: Iterable[str]) -> None:
        """`renditions` are those of pictures and sound; ValueError for facts, which have no time of their own."""
        names = sorted(renditions)
        if FactNeed().rendition in names:
            raise ValueError("facts cannot be joined: they tell of several streams, each at its own time")
        self._state = JoinState(inputs={name: InputState() for name in names})
        self._received: dict[str, Sessions] = {name: Sessions() for name in names}
        self._waiting: dict[str, deque[_Waiting[T]]] = {name: deque() for name in names}
        self._seconds: dict[str, Fraction] = dict.fromkeys(names, Fraction(0))

    @property
    def state(self) -> JoinState:
        """For a checkpoint; only messages that were handed on may be acknowledged with it."""
        return self._state

    def restore(self, state: JoinState) -> None:
        """Go on from `state`; what waited must be delivered again. ValueError where it is of other renditions."""
        if set(state.inputs) != set(self._waiting):
            raise ValueError(f"a join of {', '.join(state.inputs)} is none of {', '.join(self._waiting)}")
        self._state = state
        for name, waiting in self._waiting.items():
            known = state.inputs[name].sessions
            self._received[name] = Sessions(known.current, dict(known.handled))
            self._seconds[name] = Fraction(0)
            waiting.clear()

    def ahead_s(self, rendition: str) -> Fraction:
        """How much media of a rendition waits for others, in seconds."""
        return self._seconds[rendition]

    def has_given_up(self) -> bool:
        """Whether a rendition is waited for no longer, and has brought nothing since."""
        inputs = self._state.inputs.items()
        return any(known.missing == _nothing_of(name) and not self._waiting[name] for name, known in inputs)

    def add(self, message: MediaMessage, token: T, *, shed: bool = False) -> Admission:
        """Take a message of one of the renditions; `handed` then gives those whose turn has come."""
        received = self._received[message.rendition]
        admission = received.admission(message.session, message.sequence)
        if admission is Admission.HANDLE:
            lost = message.sequence - received.position if message.session == received.current else 0
            received.advance(message.session, message.sequence)
            waiting = _Waiting(message, lost, shed, token)
            self._waiting[message.rendition].append(waiting)
            self._seconds[message.rendition] += waiting.seconds
        return admission

    def handed(self) -> Iterator[Handed[T]]:
        """Hand on all whose turn has come."""
        while (name := self._next()) is not None:
            yield self._hand_on(name)

    def _next(self) -> str | None:
        """The rendition whose next message is to be handed on, None where that is not known yet."""
        gives_up = max(self._seconds.values()) > MOST_AHEAD_S
        while True:
            silent = [name for name in self._waiting if not self._waiting[name] and not self._is_over(name)]
            if silent and not gives_up:
                return None
            open_ = [name for name in self._waiting if self._waiting[name] and not self._is_over(name)]
            if open_:
                chosen = min(open_, key=self._order)
                self._give_up(silent, self._waiting[chosen][0].starts)
                return chosen
            heads = [self._waiting[name][0].message.session for name in self._waiting if self._waiting[name]]
            if not heads or (len(heads) < len(self._waiting) and not gives_up):
                return None
            # Numbers of live sessions grow. A file's is followed by another's only where its channel is given another
            # file; whichever is taken first, both are handed on.
            self._begin(min(heads))

    def _is_over(self, name: str) -> bool:
        """Whether a rendition has nothing more in this session."""
        if self._state.session is None or self._state.inputs[name].ended:
            return True
        waiting = self._waiting[name]
        return bool(waiting) and waiting[0].message.session != self._state.session

    def _order(self, name: str) -> tuple[bool, Instant, str]:
        starts = self._waiting[name][0].starts
        return starts is None, starts or Instant(0, Fraction(0)), name

    def _begin(self, session: int) -> None:
        self._state.session, self._state.position, self._state.epoch = session, 0, None
        for name, known in self._state.inputs.items():
            self._state.inputs[name] = InputState(known.sessions)

    def _give_up(self, names: Iterable[str], starts: Instant | None) -> None:
        for name in names:
            known = self._state.inputs[name]
            known.missing = _nothing_of(name)
            known.passed = max(filter(None, (known.passed, starts)), default=None)

    def _hand_on(self, name: str) -> Handed[T]:
        item = self._waiting[name].popleft()
        self._seconds[name] -= item.seconds
        state, known = self._state, self._state.inputs[name]
        state.version += 1
        state.position += item.lost
        known.sessions.advance(item.message.session, item.message.sequence)
        match item.message.unit:
            case EndOfStream() as end:
                known.ended, known.reason = True, end.reason
                if end.at is not None:
                    known.end = max(known.end or end.at, end.at)
                if not all(other.ended for other in state.inputs.values()):
                    return Handed(item.token)
                ends = [other.end for other in state.inputs.values() if other.end is not None]
                reasons = [other.reason for other in state.inputs.values() if other.reason is not None]
                return self._numbered(item, EndOfStream(max(ends, default=None), next(iter(reasons), None)))
            case StreamFact() as lull:
                known.missing, known.passed = lull.message, max(known.passed or lull.at, lull.at)
                return Handed(item.token)
            case unit:
                missing = self._missing(name, item, unit)
                return self._numbered(item, unit, missing)

    def _missing(self, name: str, item: _Waiting[T], unit: FrameChunk | AudioChunk) -> str | None:
        """Why a unit cannot be judged, None where it can; takes note of it."""
        state, known, starts = self._state, self._state.inputs[name], item.starts
        assert starts is not None
        if known.passed is not None and starts < known.passed:
            return TOO_LATE
        if state.epoch is not None and unit.epoch < state.epoch:
            return TOO_LATE
        state.epoch = unit.epoch
        known.end = max(known.end or unit.end, unit.end)
        known.missing = None
        lacks = [self._lacks(other, starts) for other in state.inputs if other != name]
        return next(filter(None, lacks), None)

    def _lacks(self, name: str, starts: Instant) -> str | None:
        """Why a rendition has no media at that instant, None where it may have."""
        known = self._state.inputs[name]
        if known.end is not None and starts < known.end:
            return None
        if known.missing is not None:
            return known.missing
        if not self._is_over(name):
            head = self._waiting[name][0]
            if head.lull is not None:
                return head.lull
            if head.lost:
                return f"{head.lost} media messages of {name} did not arrive"
            if head.starts is not None:
                return None
        return _nothing_of(name) if known.end is None else None

    def _numbered(self, item: _Waiting[T], unit: MediaUnit | EndOfStream, missing: str | None = None) -> Handed[T]:
        number = self._state.position
        self._state.position += 1
        return Handed(item.token, replace(item.message, sequence=number, unit=unit), missing, item.shed)


def _nothing_of(rendition: str) -> str:
    return f"nothing of {rendition} has come"
