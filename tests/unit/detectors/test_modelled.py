"""Which detectors call models."""

from __future__ import annotations

import pytest

from glasswatch.detectors.modelled import ModelDetector
from glasswatch.detectors.registry import registered


@pytest.mark.parametrize("name", registered())
def test_a_detector_that_names_models_is_told_where_they_run(name: str) -> None:
    cls = registered()[name]
    assert issubclass(cls, ModelDetector) == bool(cls.spec.models)
