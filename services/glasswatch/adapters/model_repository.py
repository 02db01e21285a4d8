"""Reading a Triton model repository: which models there are, their tensors, which version is served.

The layout and the meaning of config.pbtxt are Triton's ("Model Repository" and "Model Configuration" in the Triton
Inference Server user guide), so that the same folder serves in process and in production.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glasswatch.adapters.model_config import DATA_TYPES, DTYPES, parse_config
from glasswatch.adapters.model_signature import PLAIN_NAME, ModelSignature, TensorSpec, check_name
from glasswatch.core.errors import InferenceError

CONFIG_FILE = "config.pbtxt"


@dataclass(frozen=True, slots=True)
class ModelFile(ModelSignature):
    """One servable version of a model.

    Attributes:
        path: The ONNX file.
    """

    path: Path


class ModelRepository:
    """A folder of models as a Triton server reads it: `<model>/config.pbtxt` and `<model>/<version>/model.onnx`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        """All models, sorted; none where there is no repository."""
        return sorted(config.parent.name for config in self._root.glob(f"*/{CONFIG_FILE}"))

    def find(self, name: str) -> ModelFile:
        """The version of a model that is served; InferenceError where it is unknown or wrongly configured."""
        check_name(name)
        if not self._root.is_dir():
            hint = "name the model repository with --models or GLASSWATCH_MODELS"
            raise InferenceError(f"no model {name} in {self._root}, which is no folder: {hint}")
        folder = self._root / name
        try:
            text = (folder / CONFIG_FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            known = ", ".join(self.names()) or "none"
            hint = "those of others are built by `glasswatch models build`"
            raise InferenceError(f"no model {name} in {self._root} (it has: {known}): {error}; {hint}") from None
        try:
            return _model_file(folder, parse_config(text))
        except ValueError as error:
            raise InferenceError(f"model {name}: {folder / CONFIG_FILE}: {error}") from None


def _model_file(folder: Path, config: Any) -> ModelFile:
    """What the configuration says; ValueError where it says something that cannot be run here."""
    if config.name not in ("", folder.name):
        raise ValueError(f"name is {config.name!r}, but the folder is {folder.name!r}")
    if config.backend != "onnxruntime" and config.platform != "onnxruntime_onnx":
        raise ValueError(f"only ONNX models run in process, not backend {config.backend or config.platform!r}")
    file = config.default_model_filename or "model.onnx"
    if not PLAIN_NAME.fullmatch(file):
        raise ValueError(f"default_model_filename {file!r} is not a plain file name")
    if config.max_batch_size < 0:
        raise ValueError(f"max_batch_size is {config.max_batch_size}")
    max_batch = config.max_batch_size or None
    version = _served_version(folder, config.version_policy)
    return ModelFile(
        name=folder.name,
        version=version,
        path=folder / str(version) / file,
        max_batch=max_batch,
        inputs=_tensors("input", config.input, batched=max_batch is not None),
        outputs=_tensors("output", config.output, batched=max_batch is not None),
    )


def _served_version(folder: Path, policy: Any) -> int:
    """The highest version that the policy admits, which is the one Triton answers with; the default is the latest."""
    versions = {int(v.name) for v in folder.iterdir() if re.fullmatch(r"[1-9][0-9]*", v.name) and v.is_dir()}
    if policy.HasField("specific"):
        versions &= set(policy.specific.versions)
    if not versions:
        raise ValueError("no version folder that version_policy admits")
    return max(versions)


def _tensors(kind: str, configs: Iterable[Any], *, batched: bool) -> tuple[TensorSpec, ...]:
    tensors = []
    for config in configs:
        label = DATA_TYPES[config.data_type]
        if label not in DTYPES:
            raise ValueError(f"{kind} {config.name!r} has data_type {label}, which does not run in process")
        if config.HasField("reshape"):
            raise ValueError(f"{kind} {config.name!r} has a reshape, which does not run in process")
        if not config.dims or any(dim < 1 and dim != -1 for dim in config.dims):
            raise ValueError(f"{kind} {config.name!r} has dims {list(config.dims)}: needed are sizes, or -1 for any")
        shape = (-1, *config.dims) if batched else tuple(config.dims)
        tensors.append(TensorSpec(config.name, np.dtype(DTYPES[label]), shape))
    if not tensors:
        raise ValueError(f"it names no {kind}")
    return tuple(tensors)
