"""ONNX Runtime as a Python-based Triton backend: copied into a development Triton, never imported by glasswatch.

The Triton that PyPI holds has the Python backend only. With this file as `backends/onnxruntime/model.py` it serves the
models whose config.pbtxt says `backend: "onnxruntime"`, so that the same repository runs here and in production.
Requests that the dynamic batcher brings together are run as one batch.

The interface is Triton's ("Python-based backends" in the Python backend's documentation).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]  # Triton puts it on the path


class TritonPythonModel:
    """One instance of one model."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the version's ONNX file with as many threads as `intra_op_thread_count` says, or else one.

        One by default, because on a development machine every model shares its few cores with the rest.
        """
        config = json.loads(args["model_config"])
        parameters = {key: value["string_value"] for key, value in config.get("parameters", {}).items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(parameters.get("intra_op_thread_count", 1))
        options.inter_op_num_threads = int(parameters.get("inter_op_thread_count", 1))
        file = config.get("default_model_filename") or "model.onnx"
        path = Path(args["model_repository"]) / args["model_version"] / file
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = [tensor["name"] for tensor in config["output"]]
        self.batched = config["max_batch_size"] > 0

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer every request; where a batch fails, each of its requests is told why."""
        if self.batched:
            return self._run(requests)
        return [response for request in requests for response in self._run([request])]

    def _run(self, requests: list[Any]) -> list[Any]:
        try:
            parts = [[pb_utils.get_input_tensor_by_name(r, name).as_numpy() for name in self.inputs] for r in requests]
            feed = {
                name: np.concatenate(column) if self.batched else column[0]
                for name, column in zip(self.inputs, zip(*parts, strict=True), strict=True)
            }
            results = self.session.run(self.outputs, feed)
        except Exception as error:  # noqa: BLE001 - whatever the model raises is the caller's answer, not our end
            failure = pb_utils.TritonError(str(error))
            return [pb_utils.InferenceResponse(output_tensors=[], error=failure) for _ in requests]
        if not self.batched:
            shares = [results]
        else:
            ends = np.cumsum([len(part[0]) for part in parts])[:-1]
            shares = list(zip(*(np.split(result, ends) for result in results), strict=True))
        return [self._response(request, share) for request, share in zip(requests, shares, strict=True)]

    def _response(self, request: Any, arrays: Any) -> Any:
        wanted = set(request.requested_output_names())
        named = zip(self.outputs, arrays, strict=True)
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in named if name in wanted])
