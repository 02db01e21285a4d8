from __future__ import annotations

import threading
import time

import pytest
from bench.sync.cost import FUNCTIONS, Cost, tables
from bench.sync.stopwatch import Stopwatch


def work(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Worker:
    def outer(self, seconds: float) -> str:
        work(seconds)
        self.inner(2 * seconds)
        return "done"

    def inner(self, seconds: float) -> None:
        work(seconds)


def test_a_stage_is_without_those_inside_of_it() -> None:
    watch, inner, outer = Stopwatch(), Worker.inner, Worker.outer
    with watch.watching([(Worker, "outer", "outer"), (Worker, "inner", lambda args: f"inner of {args[1]:g}")]):
        assert Worker().outer(0.05) == "done"
        other = threading.Thread(target=Worker().inner, args=(0.02,))
        other.start()
        other.join()
    assert (Worker.inner, Worker.outer) == (inner, outer)
    assert set(watch.spent) == {"outer", "inner of 0.1", "inner of 0.02"}
    assert watch.spent["outer"] == pytest.approx(0.05, abs=0.02)
    assert watch.spent["inner of 0.1"] == pytest.approx(0.1, abs=0.02)


def test_what_fails_is_counted_and_passed_on() -> None:
    watch = Stopwatch()
    with pytest.raises(TypeError), watch.watching([(Worker, "inner", "inner")]):
        Worker().inner("no time")  # type: ignore[arg-type]
    assert set(watch.spent) == {"inner"}


def test_what_is_measured_is_there() -> None:
    for owner, name, _ in FUNCTIONS:
        assert callable(getattr(owner, name, None)), f"{owner.__name__}.{name}"


def test_tables_are_for_a_second_of_media() -> None:
    stages = {"decoding": 0.02, "rest of the process": 0.01}
    one = Cost("1 face", 30.0, 1.0, stages, cpu=0.5, wall=0.25, peak_rss_bytes=2**20 * 200, error=None)
    by_stage, command = tables([one])
    assert by_stage.rows == [["decoding", "20.0"], ["rest of the process", "10.0"], ["all", "30.0"]]
    assert command.rows == [["1 face", "30", "1.0", "0.250", "0.500", "4.0", "200", ""]]
