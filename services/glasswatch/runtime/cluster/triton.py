"""NVIDIA Triton Inference Server without Docker or GPU, from the wheel nvidia-pytriton.

That wheel holds the server with its Python backend only. Beside it stands an `onnxruntime` backend written in Python
(onnxruntime_backend.py), so that a model repository for production runs unchanged. The environment is one of its own,
because that build needs NumPy 1: with NumPy 2 it answers with empty tensors.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

from glasswatch.config.models import default_models
from glasswatch.runtime.cluster.downloads import LOCKS, packages_of, python_environment
from glasswatch.runtime.cluster.server import LOOPBACK, ClusterError, Launch, Unhealthy, check_connection

_TIMEOUT_S = 10.0
_EXIT_TIMEOUT_S = 5
_ANY_SIZE = 64
"""What a dimension of -1 is tried with: small, and a multiple of the strides that networks for pictures have."""


@dataclass(frozen=True, slots=True)
class Triton:
    """A server on loopback, gRPC only; its address is HOST:PORT.

    Attributes:
        models: The model repository; all its models are loaded at the start, and can be unloaded and loaded.
        port: Where gRPC is served.
    """

    models: Path = field(default_factory=default_models)
    port: int | None = None
    name = "triton"
    variable = "GLASSWATCH_TRITON"

    @property
    def settings(self) -> dict[str, str]:
        """The model repository."""
        return {"models": str(self.models.resolve())}

    def launch(self, folder: Path, port: int) -> Launch:
        """Make the environment, and a folder of backends for it."""
        models = self.models.resolve()
        if not models.is_dir():
            raise ClusterError(f"there is no model repository {self.models}: name one with --models")
        environment = python_environment(LOCKS / "triton.txt")
        packages = packages_of(environment)
        backends = _backends(packages / "pytriton" / "tritonserver", folder / "backends")
        prefix = f"glasswatch_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}_"
        argv = (
            str(packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"),
            f"--model-repository={models}",
            f"--backend-directory={backends}",
            f"--backend-config=python,shm-region-prefix-name={prefix}",
            "--model-control-mode=explicit",
            "--load-model=*",
            # It stays, so that `check` can tell which model failed, and why.
            "--exit-on-error=false",
            f"--grpc-address={LOOPBACK}",
            f"--grpc-port={port}",
            "--allow-http=false",
            "--allow-metrics=false",
            f"--exit-timeout-secs={_EXIT_TIMEOUT_S}",
        )
        libraries = (
            sysconfig.get_config_var("LIBDIR"),
            packages / "nvidia_pytriton.libs",
            os.environ.get("LD_LIBRARY_PATH"),
        )
        env = {
            # The backend's processes take their Python, and so their packages, from the first python3 on PATH.
            "PATH": f"{environment / 'bin'}:{os.environ.get('PATH', os.defpath)}",
            "LD_LIBRARY_PATH": ":".join(str(part) for part in libraries if part),
        }
        return Launch(argv, f"{LOOPBACK}:{port}", env, shared_memory=prefix)

    def check(self, address: str, *, given: bool) -> None:
        """Ask whether it is ready; on a server of ours also run every instance of every loaded model once.

        A model whose process was killed stays "ready" while its calls fail.

        Raises:
            Unhealthy: It is not ready, or a model does not answer.
            ClusterError: A model cannot be loaded.
        """
        check_connection(address)
        try:
            with closing(InferenceServerClient(address)) as client:
                if not given:
                    for model in client.get_model_repository_index(client_timeout=_TIMEOUT_S).models:
                        _try(client, model)
                if not client.is_server_ready(client_timeout=_TIMEOUT_S):
                    raise Unhealthy("not ready")
        except InferenceServerException as error:
            raise Unhealthy(str(error)) from error


def _try(client: InferenceServerClient, model: Any) -> None:
    """Call a model with zeros, once for each of its instances: they take turns."""
    if model.state == "UNAVAILABLE" and model.reason != "unloaded":
        raise ClusterError(f"triton cannot load model {model.name}: {model.reason}")
    if model.state != "READY":
        return  # Unloaded by somebody, or put there later.
    config = client.get_model_config(model.name, client_timeout=_TIMEOUT_S).config
    inputs = []
    for tensor in client.get_model_metadata(model.name, client_timeout=_TIMEOUT_S).inputs:
        shape = [_ANY_SIZE if size < 0 else size for size in tensor.shape]
        if config.max_batch_size:
            shape[0] = 1
        given = InferInput(tensor.name, shape, tensor.datatype)
        given.set_data_from_numpy(np.zeros(shape, triton_to_np_dtype(tensor.datatype)))
        inputs.append(given)
    for _ in range(sum(group.count for group in config.instance_group)):
        try:
            client.infer(model.name, inputs, client_timeout=_TIMEOUT_S)
        except InferenceServerException as error:
            raise Unhealthy(f"model {model.name}: {error}") from error


def _backends(server: Path, folder: Path) -> Path:
    """Lay out the Python backend with the stub for this Python, and the backend written in Python."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.exists():
        raise ClusterError(f"this build of Triton has no Python backend for Python {version}")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(server / "backends" / "python", folder / "python")
    shutil.copy2(stub, folder / "python")
    (folder / "onnxruntime").mkdir()
    shutil.copyfile(Path(__file__).parent / "onnxruntime_backend.py", folder / "onnxruntime" / "model.py")
    return folder
