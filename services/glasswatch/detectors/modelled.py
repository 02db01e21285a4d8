"""Base of the detectors that call models."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy.typing as npt

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import Detector
from glasswatch.core.errors import InferenceError
from glasswatch.core.runs import Reading
from glasswatch.core.time import Span
from glasswatch.ports.inference import Inference, Tensors

Outputs = Mapping[str, npt.NDArray[Any]]


@dataclass
class ModelState:
    """What every detector with models keeps; its own state is a subclass.

    Without slots, so that a state can have a base of its medium beside this one.

    Attributes:
        versions: The version of each model that has answered in this epoch, by name.
    """

    versions: dict[str, str] = field(default_factory=dict)


P = TypeVar("P")
M = TypeVar("M", bound=ModelState)


class ModelDetector(Detector[P, M]):
    """A detector whose judgement is a model's, wherever that runs; `spec.models` names what it calls.

    The composition root sets the attributes before the first unit (`runtime.detectors.make_detector`).

    Attributes:
        inference: Where the models run.
        deadline_s: Longest wait for one call, in seconds.
    """

    inference: Inference
    deadline_s: float

    @abstractmethod
    def fresh_state(self) -> M:
        """State at the start of an epoch."""

    def infer(self, model: str, inputs: Tensors) -> Outputs:
        """Call a model, for detectors that call several; InferenceError where it does not answer."""
        outputs = self.inference.infer(model, inputs, self.deadline_s)
        self.state.versions[model] = self.inference.version(model)
        return outputs

    def readings(
        self, model: str, inputs: Tensors, count: int, judge: Callable[[Outputs], Sequence[Reading]]
    ) -> Sequence[Reading]:
        """Judge `count` frames or windows with a model.

        A model that does not answer has judged nothing: all readings are INCONCLUSIVE then, with the reason. They go
        into `core.runs.Runs` like any other, which gives them their span.

        Args:
            model: One of `spec.models`.
            inputs: Arrays by input name, batch first; a batch of any size is one call.
            count: How many frames or windows they stand for.
            judge: Makes the readings, one for each of the `count`, out of the model's outputs by name.
        """
        try:
            outputs = self.infer(model, inputs)
        except InferenceError as error:
            return [Reading(Verdict.INCONCLUSIVE, 0.0, reason=str(error))] * count
        judged = judge(outputs)
        if len(judged) != count:
            raise ValueError(f"{self.spec.name}: {len(judged)} readings of {count} inputs of {model}")
        return judged

    def detection(self, defect: str, span: Span, verdict: Verdict, score: float, **more: Any) -> Detection:
        """A detection that carries the version of the model too; of several models, each with its name."""
        versions = self.state.versions
        if len(self.spec.models) == 1:
            model = versions.get(self.spec.models[0])
        else:
            model = ", ".join(f"{name} {versions[name]}" for name in self.spec.models if name in versions) or None
        return super().detection(defect, span, verdict, score, **{"model": model, **more})
