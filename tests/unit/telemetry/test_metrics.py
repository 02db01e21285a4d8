import re

import pytest

from glasswatch.telemetry.metrics import REGISTRY

OURS = [metric for metric in REGISTRY.collect() if metric.name.startswith("glasswatch")]


@pytest.mark.parametrize("metric", OURS, ids=lambda metric: metric.name)
def test_every_metric_is_described_and_named_by_its_unit(metric):
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    assert re.fullmatch(r"glasswatch_[a-z0-9_]+", name)
    assert metric.documentation.endswith(".")


def test_there_are_metrics():
    assert len(OURS) >= 12
