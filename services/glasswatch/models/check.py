"""Checking a model in a repository: its files, and that it takes and gives what its config.pbtxt says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.model_repository import ModelFile, ModelRepository
from glasswatch.core.errors import InferenceError
from glasswatch.models import checksums

BATCH = 2
"""Enough to tell a model that batches from one that was exported for single items."""

ANY_SIZE = 64
"""What is put in where a model says that it takes any size."""

DEADLINE_S = 60.0


def check(repository: Path, name: str) -> ModelFile:
    """Check one model by its files' checksums and by running it once, on zeros.

    Returns:
        What its configuration says.

    Raises:
        InferenceError: What is wrong with it, in one line.
    """
    file = ModelRepository(repository).find(name)
    folder = repository / name
    wrong = checksums.wrong_file(folder, file.path.relative_to(folder).as_posix())
    if wrong is not None:
        raise InferenceError(f"model {name}: {wrong}")
    batch = min(BATCH, file.max_batch) if file.max_batch is not None else None
    zeros = {}
    for spec in file.inputs:
        first, *rest = (ANY_SIZE if size == -1 else size for size in spec.shape)
        zeros[spec.name] = np.zeros((batch or first, *rest), spec.dtype)
    outputs = LocalInference(repository, at_once=BATCH).infer(name, zeros, DEADLINE_S)
    if batch is not None:
        for output, array in outputs.items():
            if len(array) != batch:
                raise InferenceError(f"model {name}: a batch of {batch} gives {len(array)} of the output {output}")
    return file
