from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench.speed.measure import Cost, interleaved, median, run
from bench.tables import Table


def test_processor_time_and_memory_of_a_child_are_its_own() -> None:
    idle = run([sys.executable, "-c", "import time; time.sleep(0.3)"])
    busy = run([sys.executable, "-c", "b = b'x' * (400 << 20)"])
    assert idle.wall_s >= 0.3
    assert idle.cpu_s < 0.25
    assert busy.peak_rss_bytes > 400 << 20


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="ended with 3: sorry"):
        run([sys.executable, "-c", "import sys; print('sorry', file=sys.stderr); sys.exit(3)"])
    run([sys.executable, "-c", "raise SystemExit(1)"], accept=(0, 1))


def test_commands_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = {n: [sys.executable, "-c", f"open({str(log)!r}, 'a').write({n!r})"] for n in "ab"}
    costs = interleaved(commands, 2)
    assert [len(c) for c in costs.values()] == [2, 2]
    assert log.read_text("utf-8") == "abab"


def test_the_median_is_taken_of_each_figure() -> None:
    assert median([Cost(1, 9, 5), Cost(2, 8, 1), Cost(3, 7, 3)]) == Cost(2, 8, 3)


def test_a_table_becomes_markdown() -> None:
    table = Table("Title", ("name", "value"), [["a|b", "1"]], "Note.")
    assert table.markdown() == "### Title\n\n| name | value |\n| --- | --: |\n| a\\|b | 1 |\n\nNote.\n"


def test_what_measures_is_small() -> None:
    program = "import sys, bench.speed.__main__; sys.exit('numpy' in sys.modules or 'av' in sys.modules)"
    run([sys.executable, "-c", program])
