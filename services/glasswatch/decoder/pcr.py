"""Time of an MPEG transport stream, from its programme clock references (ISO/IEC 13818-1, 2.4.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

CLOCK_HZ = 27_000_000
_CYCLE = (1 << 33) * 300

LONGEST_STEP_S = 1.0
"""A step of the PCR up to this long is read as clocks that did not come, a longer one as a jump of the clock."""


@dataclass(slots=True)
class StreamTime:
    """Stream time: ticks of 27 MHz that have gone by on a reference PCR PID.

    When the reference stays away while another PID's clock goes on for `LONGEST_STEP_S`, that one takes over, so that
    time does not stand still with the programme that was lost.
    """

    now: int = 0
    reading: int | None = None
    _reference: int | None = None
    _turn: int = 0
    _last: dict[int, int] = field(default_factory=dict)
    _since: dict[int, tuple[int, int]] = field(default_factory=dict)

    def tick(self, pid: int, pcr: int, announced: bool) -> int | None:
        """Take a PCR; give its step from the last one of that PID, None where there is none to compare it with."""
        last = self._last.get(pid)
        self._last[pid] = pcr
        step = None
        if last is not None and not announced:
            step = (pcr - last + _CYCLE // 2) % _CYCLE - _CYCLE // 2
        if self._reference is None:
            self._reference = pid
        forward = step if step is not None and 0 < step <= 10 * CLOCK_HZ else 0
        if pid != self._reference:
            turn, since = self._since.get(pid, (self._turn, 0))
            since = forward + (since if turn == self._turn else 0)
            self._since[pid] = self._turn, since
            if since <= LONGEST_STEP_S * CLOCK_HZ:
                return step
            self._reference, forward = pid, since
        self._turn += 1
        self.now += forward
        if forward or last is None or announced:
            # A damaged packet can carry any clock: a jump is believed when the next PCR goes on from it.
            self.reading = pcr
        return step
