"""`glasswatch inspect` finds simulated audio artifacts with the trained model, and none in clean media."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import CLEAN, glasswatch

START_S, END_S = 4.0, 9.0
HARM = {
    "hum": ["shape=rectifier", "snr_db=4"],
    "hiss": ["snr_db=0"],
    "distortion": ["mode=decimate", "rate_hz=5000"],
    "clicks": ["mode=single", "count=6", "peak_db=26"],
}


def found(title: Path, report: Path) -> list[dict[str, Any]]:
    glasswatch("inspect", title, "--detectors", "audio_artifacts", "--json", report, "--strict", status=(0, 1))
    events: list[dict[str, Any]] = json.loads(report.read_text())["events"]
    return events


@pytest.mark.parametrize("defect", HARM)
def test_an_artifact_is_found_where_it_is(tmp_path: Path, defect: str) -> None:
    title = tmp_path / "title.mp4"
    span = [f"--start={START_S}", f"--duration={END_S - START_S}", "--seed=3"]
    glasswatch("simulate", defect, CLEAN, title, *span, *(f"--set={word}" for word in HARM[defect]))
    events = found(title, tmp_path / "report.json")
    assert {event["defect"] for event in events} == {defect}
    assert abs(min(event["start_s"] for event in events) - START_S) <= 2
    assert max(event["end_s"] for event in events) <= END_S + 1


def test_a_clean_title_has_none(tmp_path: Path) -> None:
    assert found(CLEAN, tmp_path / "report.json") == []
