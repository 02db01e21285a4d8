from __future__ import annotations

import re
from pathlib import Path

from glasswatch.telemetry.metrics import REGISTRY

OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def test_the_operators_guide_explains_every_metric_and_no_other() -> None:
    rows = [line for line in OPERATIONS.read_text("utf-8").splitlines() if line.startswith("| `glasswatch_")]
    explained = set(re.findall(r"`(glasswatch_\w+)`", "".join(line.split("|")[1] for line in rows)))
    ours = {metric.name + ("_total" if metric.type == "counter" else "") for metric in REGISTRY.collect()}
    assert explained == {name for name in ours if name.startswith("glasswatch_")}
