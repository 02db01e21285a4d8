"""Processor time by stage, from outside: functions of the product are wrapped for as long as is measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import ModuleType
from typing import Any

Name = Callable[[tuple[Any, ...]], str]
"""The stage of a call, by its arguments, self of a method being the first."""


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
    def watching(self, functions: Sequence[tuple[type | ModuleType, str, str | Name]]) -> Iterator[None]:
        """Count the calls of functions: (class or module that calls it by this name, name, stage).

        Raises:
            AttributeError: There is no such function.
        """
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in functions]
        for owner, name, stage in functions:
            setattr(owner, name, self._watched(getattr(owner, name), stage))
        try:
            yield
        finally:
            for owner, name, function in before:
                setattr(owner, name, function)

    def _watched(self, function: Callable[..., Any], stage: str | Name) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **more: Any) -> Any:
            with self.stage(stage if isinstance(stage, str) else stage(args)):
                return function(*args, **more)

        return call
