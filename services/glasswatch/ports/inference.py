"""Running models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Tensors = Mapping[str, npt.NDArray[np.generic]]


class Inference(Protocol):
    """A place where the models of `triton_models/` run: in process, or a Triton server."""

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        """Outputs of `model` by name.

        Args:
            model: Folder name in the model repository.
            inputs: Arrays by input name, batch first, dtypes as the model's configuration says.
            deadline_s: Longest time to wait, in seconds.

        Raises:
            InferenceError: Unknown model, wrong shape or dtype, no server, or too late.
        """
        ...

    def version(self, model: str) -> str:
        """The version that `infer` uses, for the detections' `model` field; InferenceError if unknown."""
        ...
