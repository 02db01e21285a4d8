"""What looking at a packet's checksums gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Damage:
    """Something in a packet that does not fit its checksum.

    Attributes:
        what: In words.
        after_s: How long after the packet's timestamp it is heard, where a packet holds several frames.
        lasts_s: How long it lasts, None where that is the packet's length.
    """

    what: str
    after_s: float = 0.0
    lasts_s: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The checksums of one packet.

    Attributes:
        held: How many fit what they protect.
        failed: What is damaged.
        is_short: The packet ends before its frame does: damage, or the end of a recording.
    """

    held: int = 0
    failed: tuple[Damage, ...] = ()
    is_short: bool = False


NOTHING_PROTECTED = Finding()
WHOLE = Finding(held=1)

Check = Callable[[bytes], Finding]
"""Compares the checksums of a packet's bytes. Nothing in them makes it raise."""


def damaged(what: str) -> Finding:
    """One checksum that does not fit."""
    return Finding(failed=(Damage(what),))
