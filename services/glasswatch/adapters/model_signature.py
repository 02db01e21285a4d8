"""What a model takes and gives, and whether arrays are that: the same checks wherever the model runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.core.errors import InferenceError
from glasswatch.ports.inference import Tensors

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A name that cannot lead out of its folder."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of a model.

    Attributes:
        name: Its name in the model.
        dtype: Type of its elements.
        shape: Its dimensions, batch first where the model batches; -1 for any size.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What one version of a model takes and gives.

    Attributes:
        name: Name of its folder in the repository.
        version: The version that is served where none is asked for.
        max_batch: Largest batch that it runs at once, None for a model without a batch dimension.
        inputs: What it takes.
        outputs: What it gives.
    """

    name: str
    version: int
    max_batch: int | None
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def batches(self, inputs: Tensors, most: int | None = None) -> list[Tensors]:
        """The inputs in batches that the model runs at once; InferenceError where they are not what it takes.

        Args:
            inputs: By name.
            most: Of a batch, where that is to be less than the model takes.
        """
        expected = {spec.name for spec in self.inputs}
        if set(inputs) != expected:
            raise InferenceError(f"model {self.name}: takes the inputs {sorted(expected)}, got {sorted(inputs)}")
        self._check("input", self.inputs, inputs)
        if self.max_batch is None:
            return [inputs]
        rows = {array.shape[0] for array in inputs.values()}
        if len(rows) > 1 or 0 in rows:
            raise InferenceError(f"model {self.name}: takes one batch of at least 1, got {sorted(rows)}")
        size = self.max_batch if most is None else min(most, self.max_batch)
        starts = range(0, rows.pop(), size)
        return [{name: array[s : s + size] for name, array in inputs.items()} for s in starts]

    def join(self, batches: Sequence[Mapping[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
        """The outputs of all batches as one; InferenceError where they are not what the model should give."""
        for outputs in batches:
            self._check("output", self.outputs, outputs)
        if len(batches) == 1:
            return dict(batches[0])
        try:
            return {spec.name: np.concatenate([outputs[spec.name] for outputs in batches]) for spec in self.outputs}
        except ValueError as error:
            raise InferenceError(f"model {self.name}: outputs of its batches do not fit together: {error}") from error

    def _check(self, kind: str, specs: tuple[TensorSpec, ...], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        for spec in specs:
            array = arrays[spec.name]
            fits = len(array.shape) == len(spec.shape) and all(
                want in (-1, size) for want, size in zip(spec.shape, array.shape, strict=True)
            )
            if not fits or array.dtype != spec.dtype:
                raise InferenceError(
                    f"model {self.name}: {kind} {spec.name} is {spec.dtype} {_text(spec.shape)}, "
                    f"got {array.dtype} {_text(array.shape)}"
                )


def check_name(name: str) -> None:
    """InferenceError where `name` cannot be a model's."""
    if not PLAIN_NAME.fullmatch(name):
        raise InferenceError(f"{name!r} is not a model name")


def _text(shape: tuple[int, ...]) -> str:
    return f"[{', '.join('any' if size == -1 else str(size) for size in shape)}]"
