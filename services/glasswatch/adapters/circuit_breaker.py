"""A circuit breaker: where calls keep failing, the next ones fail at once instead of each waiting for its deadline.

The states are those of M. Nygard, "Release It!" (2nd ed. 2018, chapter 5): closed, open, half-open.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class CircuitBreaker:
    """Decides whether a call may be tried. Not for several threads at once.

    Every call that `admit` lets through ends in exactly one of `succeeded`, `failed` or `abandoned`.

    Attributes:
        limit: It opens after this many failures in a row.
        pause_s: So long it stays open before one call, the probe, may try again.
        clock: Seconds that only grow.
    """

    limit: int
    pause_s: float
    clock: Callable[[], float] = time.monotonic
    _failures: int = field(default=0, init=False)
    _opened: float | None = field(default=None, init=False)
    _probing: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        if self.limit < 1 or self.pause_s < 0:
            raise ValueError(f"a breaker cannot open after {self.limit} failures for {self.pause_s} s")

    @property
    def is_open(self) -> bool:
        """Whether calls are held back; half-open counts as open."""
        return self._opened is not None

    @property
    def wait_s(self) -> float:
        """Seconds until a probe may go, 0 where one may go now."""
        return 0.0 if self._opened is None else max(0.0, self._opened + self.pause_s - self.clock())

    def admit(self) -> bool:
        """Whether a call may go; while half-open, the first who asks is the probe."""
        if self._opened is None:
            return True
        if self._probing or self.wait_s > 0:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """A call was answered: close."""
        self._failures, self._opened, self._probing = 0, None, False

    def failed(self) -> None:
        """A call failed: open if it is one too many, or if it was the probe."""
        self._failures += 1
        if self._probing or (self._opened is None and self._failures >= self.limit):
            self._opened = self.clock()
        self._probing = False

    def abandoned(self) -> None:
        """A call ended without telling anything of the server: if it was the probe, the next one may be it."""
        self._probing = False
