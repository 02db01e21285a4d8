"""`glasswatch inspect` finds simulated block corruption with the trained model, and none in clean media."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import CLEAN, glasswatch


def found(title: Path, report: Path) -> list[dict[str, Any]]:
    glasswatch("inspect", title, "--detectors", "block_corruption", "--json", report, status=(0, 1))
    events: list[dict[str, Any]] = json.loads(report.read_text())["events"]
    return events


@pytest.mark.parametrize("mode", ["displaced", "uniform", "smeared"])
def test_damage_is_found_where_it_is(tmp_path: Path, mode: str) -> None:
    title, labels = tmp_path / "title.mp4", tmp_path / "labels.json"
    span = ["--start=4", "--duration=4", "--seed=3"]
    harm = [f"--set=mode={mode}", "--set=strength=0.4", "--set=every=4"]
    glasswatch("simulate", "block_corruption", CLEAN, title, *span, *harm, "--labels", labels)
    truth = [picture["time_s"] for picture in json.loads(labels.read_text())["pictures"]]
    events = found(title, tmp_path / "report.json")
    assert events
    assert abs(events[0]["start_s"] - min(truth)) <= 1
    assert max(event["end_s"] for event in events) <= max(truth) + 1
    assert all(event["region"] for event in events)


def test_a_clean_title_has_none(tmp_path: Path) -> None:
    assert found(CLEAN, tmp_path / "report.json") == []
