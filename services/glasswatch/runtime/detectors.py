"""Making detectors: those that call models are told where the models run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glasswatch.config.models import default_models
from glasswatch.core.detector import DetectorContext, DetectorSpec
from glasswatch.core.errors import ConfigError
from glasswatch.detectors.modelled import ModelDetector
from glasswatch.detectors.params import Params
from glasswatch.detectors.registry import AnyDetector, registered
from glasswatch.ports.inference import Inference

LIVE_DEADLINE_S = 5.0
"""Longest wait for a model on a live channel: a few chunks of media, which the queues before a detector hold."""

FILE_DEADLINE_S = 60.0
"""Longest wait for a model where no live channel goes on meanwhile."""


def make_detector(
    name: str,
    params: Params,
    context: DetectorContext,
    inference: Inference | None = None,
    deadline_s: float = LIVE_DEADLINE_S,
) -> AnyDetector:
    """An instance of a detector that can run.

    Args:
        name: A registered detector.
        params: Its parameters.
        context: Whom it works for.
        inference: Where models run; needed by detectors that call models.
        deadline_s: Longest wait for a model, in seconds.

    Raises:
        ConfigError: The detector calls models, and there is no place to run them.
    """
    detector = registered()[name](params, context)
    if isinstance(detector, ModelDetector):
        if inference is None:
            models = ", ".join(detector.spec.models)
            raise ConfigError(f"detector {name} needs a place to run models ({models}): set GLASSWATCH_TRITON")
        detector.inference = inference
        detector.deadline_s = deadline_s
    return detector


@contextmanager
def inference(spec: DetectorSpec, triton: str | None = None, models: Path | None = None) -> Iterator[Inference | None]:
    """A place where the models of a detector run while the context lasts, None for a detector without models.

    Args:
        spec: What the detector calls.
        triton: Address of a Triton server; None runs them in this process.
        models: The repository, where they run in this process; None is `config.models.default_models`.
    """
    if not spec.models:
        yield None
    elif triton is None:
        yield local_inference(models)
    else:
        from glasswatch.adapters.triton_inference import TritonInference  # noqa: PLC0415 - needs the extra `cluster`

        with TritonInference(triton) as running:
            yield running


def local_inference(models: Path | None = None) -> Inference:
    """Models in this process, of `config.models.default_models` unless given; nothing is read before the first call."""
    # ONNX Runtime takes 0.1 s and 40 MB to import, which detectors without models need not pay.
    from glasswatch.adapters.local_inference import LocalInference  # noqa: PLC0415

    return LocalInference(models or default_models())
