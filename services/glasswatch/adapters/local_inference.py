"""Models in this process: ONNX Runtime over the same repository that a Triton server reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime

from glasswatch.adapters.model_repository import ModelFile, ModelRepository
from glasswatch.adapters.model_signature import TensorSpec
from glasswatch.core.errors import InferenceError
from glasswatch.ports.inference import Tensors

_QUIET = 4
"""ONNX Runtime's severity "fatal": its errors reach the caller as exceptions, and must not also go to stderr."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model that is ready to run."""

    file: ModelFile
    session: Any


class LocalInference:
    """Runs ONNX models on the CPU; implements `glasswatch.ports.inference.Inference` for any number of threads.

    A model is loaded when it is first used and stays loaded. Loading does not count against a call's deadline.
    """

    def __init__(self, repository: Path, threads: int = 1, at_once: int = 1) -> None:
        """Say where the models are; nothing is read yet.

        Args:
            repository: A Triton model repository.
            threads: Threads that one call computes with. Calls from several threads run side by side.
            at_once: Most samples of a batch that are run together. By itself, what a sample is between the layers of a
                network stays in a core's cache: twelve pictures take face_landmarks 16 ms and not 25. Of the models
                that there are, only audio_artifacts is slower by it, by a tenth.
        """
        if threads < 1:
            raise ValueError(f"inference needs at least one thread, not {threads}")
        if at_once < 1:
            raise ValueError(f"at least one sample is run at once, not {at_once}")
        self._repository = ModelRepository(repository)
        self._threads = threads
        self._at_once = at_once
        self._loading = threading.Lock()
        self._loaded: dict[str, _Loaded] = {}

    def version(self, model: str) -> str:
        """The version that `infer` uses, as in the name of its folder."""
        loaded = self._loaded.get(model)
        return str((loaded.file if loaded else self._repository.find(model)).version)

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        """Outputs of `model` by name; see the port for arguments and errors.

        A run that is late is stopped before its next operator, so a call can outlast its deadline by one operator.
        """
        loaded = self._load(model)
        batches = loaded.file.batches(inputs, self._at_once)
        names = [output.name for output in loaded.file.outputs]
        with _failures_of(model):
            results = _run(loaded.session, names, batches, deadline_s)
        return loaded.file.join([dict(zip(names, arrays, strict=True)) for arrays in results])

    def _load(self, model: str) -> _Loaded:
        loaded = self._loaded.get(model)
        if loaded is None:
            with self._loading:
                loaded = self._loaded.get(model)
                if loaded is None:
                    loaded = self._loaded[model] = self._open(self._repository.find(model))
        return loaded

    def _open(self, file: ModelFile) -> _Loaded:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        # Planned memory is one more block beside what the first call took: 100 MiB for pictures of 1080 lines. It saves
        # no time.
        options.enable_mem_pattern = False
        # Idle threads would otherwise spin, which takes the CPU from the decoder.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        with _failures_of(file.name):
            session = onnxruntime.InferenceSession(str(file.path), options, providers=["CPUExecutionProvider"])
        _check_names(file, "input", file.inputs, [node.name for node in session.get_inputs()])
        _check_names(file, "output", file.outputs, [node.name for node in session.get_outputs()])
        return _Loaded(file, session)


def _run(session: Any, names: list[str], batches: Sequence[Tensors], deadline_s: float) -> list[list[npt.NDArray[Any]]]:
    """Run the session; TimeoutError when it took longer than the deadline, even if it was not stopped in time."""
    options = onnxruntime.RunOptions()
    late = threading.Timer(deadline_s, setattr, (options, "terminate", True))
    late.daemon = True
    started = time.monotonic()
    late.start()
    try:
        results = [session.run(names, dict(inputs), options) for inputs in batches]
    except Exception as error:
        if options.terminate:
            raise TimeoutError(f"stopped after {deadline_s:g} s") from error
        raise
    finally:
        late.cancel()
    if time.monotonic() - started >= deadline_s:
        raise TimeoutError(f"not done within {deadline_s:g} s")
    return results


@contextmanager
def _failures_of(model: str) -> Iterator[None]:
    """Turn whatever ONNX Runtime raises, which has no common base, into an InferenceError of one line."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())
        raise InferenceError(f"model {model}: {reason}") from error


def _check_names(file: ModelFile, kind: str, specs: tuple[TensorSpec, ...], found: list[str]) -> None:
    configured = {spec.name for spec in specs}
    missing = configured - set(found)
    unfed = set(found) - configured if kind == "input" else set()
    if missing or unfed:
        raise InferenceError(
            f"model {file.name}: config.pbtxt names the {kind}s {sorted(configured)}, {file.path} has {sorted(found)}"
        )
