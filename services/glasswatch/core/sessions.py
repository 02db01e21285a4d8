"""Handling each numbered message once, however often and by whomever it is delivered."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

MOST_SESSIONS = 32
"""Sessions of a channel that are remembered; redelivery reaches back minutes, an input that flaps reopens each second
at most."""


class Admission(Enum):
    """What becomes of a message."""

    HANDLE = "handle"
    DUPLICATE = "duplicate"
    """It was handled before."""
    STRAY = "stray"
    """It is of a session that another one has superseded: its decoder does not know yet that it was replaced."""


@dataclass(slots=True)
class Sessions:
    """The sessions of one channel that a consumer has seen, and how far it has come in each.

    Attributes:
        current: The session that is being handled, None before the first message.
        handled: For each session the number of the next message; the newest session last.
    """

    current: int | None = None
    handled: dict[int, int] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """Number of the next message of the current session."""
        return self.handled[self.current] if self.current is not None else 0

    def admission(self, session: int, number: int) -> Admission:
        """What is to become of message `number` of a session; a session that is not known is a new one."""
        if number < self.handled.get(session, 0):
            return Admission.DUPLICATE
        if session != self.current and session in self.handled:
            return Admission.STRAY
        return Admission.HANDLE

    def advance(self, session: int, number: int) -> None:
        """Note that message `number` of a session, which is the current one from now on, was handled."""
        self.current = session
        self.handled[session] = number + 1
        while len(self.handled) > MOST_SESSIONS:
            del self.handled[next(iter(self.handled))]
