"""A detector that reads several renditions of one channel, fed with their messages in any order between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from glasswatch.core.detector import DetectorSpec
from glasswatch.core.join import Join, JoinState
from glasswatch.core.message import MediaMessage
from glasswatch.core.sessions import Admission
from glasswatch.core.state import decode_state, encode_state
from glasswatch.runtime.instances import MakeDetector
from glasswatch.runtime.worker.detecting import Detected, DetectorTask

REST_S = Fraction(8)
"""A rendition that is this far ahead need bring no more: farther than a lull lets it come."""

T = TypeVar("T")


@dataclass(slots=True)
class _Saved:
    """The join and the task behind it, which go on from the same message."""

    join: JoinState
    task: str


class JoinedTask(Generic[T]):
    """A `DetectorTask` behind a join.

    What waits in the join is not in the snapshot: records must not be acknowledged before `handled` gives their tokens.
    """

    def __init__(self, spec: DetectorSpec, make: MakeDetector, channel: str) -> None:
        self._join: Join[T] = Join(spec.renditions)
        self._task = DetectorTask(spec, make, channel)

    @property
    def version(self) -> int:
        """Grows with every message handed on."""
        return self._join.state.version

    @property
    def ahead(self) -> frozenset[str]:
        """Renditions that are `REST_S` ahead of others that may still come."""
        if self._join.has_given_up():
            return frozenset()
        return frozenset(name for name in self._join.state.inputs if self._join.ahead_s(name) > REST_S)

    def add(self, message: MediaMessage, token: T, *, shed: bool = False) -> Admission:
        """Take a message of one of the renditions."""
        return self._join.add(message, token, shed=shed)

    def handled(self) -> Iterator[tuple[T, Detected]]:
        """Handle those whose turn has come; the token of each, and what came of it."""
        for handed in self._join.handed():
            if handed.message is None:
                yield handed.token, Detected(Admission.HANDLE)
            else:
                yield handed.token, self._task.handle(handed.message, shed=handed.shed, missing=handed.missing)

    def snapshot(self) -> bytes:
        """All that must survive but what waits."""
        return encode_state(_Saved(self._join.state, self._task.snapshot().decode()))

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot."""
        saved = decode_state(data, _Saved)
        self._join.restore(saved.join)
        self._task.restore(saved.task.encode())
