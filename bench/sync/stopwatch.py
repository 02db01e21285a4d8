"""Processor time by stage, from outside: methods of the product are wrapped for as long as is measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

Name = Callable[[tuple[Any, ...]], str]
"""The stage of a call, by its arguments, self being the first."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds that the calling threads took in each stage, without what stages inside of it took."""

    spent: dict[str, float] = field(default_factory=dict)
    _local: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is done here."""
        inside: list[float] = self._local.__dict__.setdefault("inside", [])
        inside.append(0.0)
        started = time.thread_time()
        try:
            yield
        finally:
            took = time.thread_time() - started
            own = took - inside.pop()
            if inside:
                inside[-1] += took
            with self._lock:
                self.spent[name] = self.spent.get(name, 0.0) + own

    @contextmanager
    def watching(self, methods: Sequence[tuple[type, str, str | Name]]) -> Iterator[None]:
        """Count the calls of methods: (class, name of the method, stage).

        Raises:
            AttributeError: A class has no such method.
        """
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in methods]
        for owner, name, stage in methods:
            setattr(owner, name, self._watched(getattr(owner, name), stage))
        try:
            yield
        finally:
            for owner, name, method in before:
                setattr(owner, name, method)

    def _watched(self, method: Callable[..., Any], stage: str | Name) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **more: Any) -> Any:
            with self.stage(stage if isinstance(stage, str) else stage(args)):
                return method(*args, **more)

        return call
