from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jsonschema
import numpy as np
import pytest

from glasswatch.core.detection import Region
from glasswatch.report.json_report import to_json, write_json
from tests.unit.report.samples import BLACK, audio_only_report, clean_report, make_report

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/report.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_valid_and_closed() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    objects = [SCHEMA, *(part for part in SCHEMA["$defs"].values() if part.get("type") == "object")]
    for part in objects:
        assert part["additionalProperties"] is False
        assert set(part["required"]) == set(part["properties"])


@pytest.mark.parametrize("report", [make_report(), clean_report(), audio_only_report()], ids=["full", "clean", "audio"])
def test_reports_fit_the_schema(report: Any, tmp_path: Path) -> None:
    write_json(report, tmp_path / "r.json")
    VALIDATOR.validate(json.loads((tmp_path / "r.json").read_text("utf-8")))


BREAKAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "other version": lambda r: r.update(schema="glasswatch.report/2"),
    "unknown key": lambda r: r.update(verdict="pass"),
    "event without onset": lambda r: r["events"][0].pop("start_s"),
    "unknown severity": lambda r: r["events"][0].update(severity="fatal"),
    "region of three": lambda r: r["events"][0].update(region=[1, 2, 3]),
    "region of five": lambda r: r["events"][0].update(region=[1, 2, 3, 4, 5]),
    "measurement in words": lambda r: r["events"][0]["measurements"].update(level_dbfs="-inf"),
    "failure without reason": lambda r: r["detectors"][3].update(reason=None),
    "half-read without reason": lambda r: r["input"].update(complete=False),
    "frame rate as number": lambda r: r["input"]["video"].update(frame_rate=29.97),
    "negative time": lambda r: r["timing"].update(wall_s=-1),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_report_does_not_fit_the_schema(name: str) -> None:
    broken = copy.deepcopy(to_json(make_report()))
    BREAKAGES[name](broken)
    assert not VALIDATOR.is_valid(broken)


def test_values() -> None:
    report = to_json(make_report())
    assert report["input"]["video"]["frame_rate"] == "30000/1001"
    assert report["input"]["video"]["fps"] == pytest.approx(29.97003)
    black, silence = report["events"]
    assert black["region"] == [0, 0, 1920, 1080]
    assert (black["severity"], black["verdict"], black["kind"]) == ("error", "defect", None)
    assert (silence["kind"], silence["track"], silence["reason"]) == ("digital", "1", "every sample is zero")
    assert silence["measurements"] == {"level_dbfs": None}


def test_numpy_scalars_are_written(tmp_path: Path) -> None:
    event = replace(BLACK, measurements={"level_dbfs": cast(float, np.float32(-3.5))}, region=_numpy_region())
    write_json(make_report(events=(event,)), tmp_path / "r.json")
    written = json.loads((tmp_path / "r.json").read_text("utf-8"))["events"][0]
    assert written["measurements"] == {"level_dbfs": -3.5}
    assert written["region"] == [0, 1, 2, 3]


def _numpy_region() -> Region:
    return cast(Region, tuple(np.arange(4)))
