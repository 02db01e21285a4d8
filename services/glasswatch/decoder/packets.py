"""Decoding times of a stream's packets: what they leave uncovered, and where they are irregular."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from av.packet import Packet

SLACK_S = Fraction(15, 1000)
"""Containers round timestamps (Matroska to 1 ms), and fragments of ISO files by a tick: less is no irregularity."""


class PacketTimes:
    """Follows the packets of one stream in the order of decoding.

    Attributes:
        end: Where the last packet ends in decoding time, in seconds; None before the first.
    """

    def __init__(self) -> None:
        self.end: Fraction | None = None

    def step(self, packet: Packet[Any]) -> Fraction | None:
        """Seconds from where the packets before have ended to this one; None where that is regular or not known."""
        if packet.dts is None or not packet.time_base:
            return None
        start = packet.dts * packet.time_base
        step = start - self.end if self.end is not None else Fraction(0)
        self.end = start + (packet.duration or 0) * packet.time_base
        return step if abs(step) > SLACK_S else None
