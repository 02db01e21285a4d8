"""What running models in this process adds to the contract: loading, threads, stopping."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import NodeProto, TensorProto, helper, save_model

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.errors import InferenceError

AMPLE_S = 30.0
VECTOR = np.ones((1, 4), np.float32)


def write_model(
    root: Path, nodes: Sequence[NodeProto], *, inputs: Sequence[str] = ("x",), version: int = 1, dims: str = "[-1]"
) -> None:
    """A model "net" that gives y; inputs and output are batches of vectors."""
    tensors = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, None]) for name in (*inputs, "y")}
    graph = helper.make_graph(nodes, "net", [tensors[name] for name in inputs], [tensors["y"]])
    folder = root / "net" / str(version)
    folder.mkdir(parents=True)
    save_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    config = f'backend: "onnxruntime" max_batch_size: 4 output {{ name: "y" data_type: TYPE_FP32 dims: {dims} }}'
    config += "".join(f' input {{ name: "{name}" data_type: TYPE_FP32 dims: {dims} }}' for name in inputs)
    (root / "net" / "config.pbtxt").write_text(config)


def node(kind: str, inputs: Sequence[str] = ("x",), output: str = "y") -> NodeProto:
    return helper.make_node(kind, list(inputs), [output])


def test_a_model_is_loaded_once_by_however_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, [node("Neg")])
    opened = []

    class SlowToOpen(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            opened.append(args)
            time.sleep(0.05)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", SlowToOpen)
    inference = LocalInference(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: inference.infer("net", {"x": VECTOR}, AMPLE_S)["y"][0, 0], range(4)))
    assert results == [-1.0] * 4
    assert len(opened) == 1


def test_sessions_keep_to_the_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, [node("Neg")])
    used = []
    real = onnxruntime.InferenceSession

    def record(path: str, options: Any, **more: Any) -> Any:
        used.append((options.intra_op_num_threads, options.inter_op_num_threads))
        return real(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    LocalInference(tmp_path, threads=2).infer("net", {"x": VECTOR}, AMPLE_S)
    assert used == [(2, 1)]


def test_no_threads_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="thread"):
        LocalInference(tmp_path, threads=0)


def test_a_loaded_model_keeps_its_version(tmp_path: Path) -> None:
    write_model(tmp_path, [node("Neg")])
    inference = LocalInference(tmp_path)
    inference.infer("net", {"x": VECTOR}, AMPLE_S)
    write_model(tmp_path, [node("Abs")], version=2)
    assert inference.version("net") == "1"
    assert inference.infer("net", {"x": VECTOR}, AMPLE_S)["y"][0, 0] == -1.0
    assert LocalInference(tmp_path).version("net") == "2"


def test_a_run_that_is_late_is_stopped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = ["x", *(f"h{n}" for n in range(4000)), "y"]
    write_model(tmp_path, [node("Erf", [a], b) for a, b in pairwise(names)])
    inference = LocalInference(tmp_path)
    x = np.ones((1, 200_000), np.float32)
    inference.infer("net", {"x": VECTOR}, AMPLE_S)
    started = time.monotonic()
    with pytest.raises(InferenceError, match=r"net: stopped after 0\.05 s"):
        inference.infer("net", {"x": x}, deadline_s=0.05)
    assert time.monotonic() - started < 0.5
    assert inference.infer("net", {"x": VECTOR}, AMPLE_S)["y"].shape == VECTOR.shape
    assert capfd.readouterr().err == ""


def test_a_result_that_comes_after_the_deadline_is_not_given(tmp_path: Path) -> None:
    """The only operator of the model cannot be stopped once it runs."""
    write_model(tmp_path, [node("Erf")])
    inference = LocalInference(tmp_path)
    inference.infer("net", {"x": VECTOR}, AMPLE_S)
    with pytest.raises(InferenceError, match=r"net: (not done within|stopped after) 0\.005 s"):
        inference.infer("net", {"x": np.ones((1, 10_000_000), np.float32)}, deadline_s=0.005)


def test_a_model_that_fails_while_running_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_model(tmp_path, [node("Transpose", output="t"), node("MatMul", ["x", "x"])])
    with pytest.raises(InferenceError, match="MatMul") as caught:
        LocalInference(tmp_path).infer("net", {"x": VECTOR}, AMPLE_S)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("content", [b"", b"not a model"], ids=["empty", "garbage"])
def test_a_damaged_model_file_is_an_error(tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    write_model(tmp_path, [node("Neg")])
    (tmp_path / "net" / "1" / "model.onnx").write_bytes(content)
    with pytest.raises(InferenceError, match=r"model net: .*model\.onnx"):
        LocalInference(tmp_path).infer("net", {"x": VECTOR}, AMPLE_S)
    assert capfd.readouterr().err == ""


def test_a_model_file_that_comes_later_is_found(tmp_path: Path) -> None:
    inference = LocalInference(tmp_path)
    with pytest.raises(InferenceError, match="no model net"):
        inference.infer("net", {"x": VECTOR}, AMPLE_S)
    write_model(tmp_path, [node("Neg")])
    assert inference.infer("net", {"x": VECTOR}, AMPLE_S)["y"][0, 0] == -1.0


@pytest.mark.parametrize(("kind", "name"), [("input", "x"), ("output", "y")])
def test_a_configuration_with_other_names_than_the_model_is_an_error(tmp_path: Path, kind: str, name: str) -> None:
    write_model(tmp_path, [node("Neg")])
    config = tmp_path / "net" / "config.pbtxt"
    config.write_text(config.read_text().replace(f'name: "{name}"', 'name: "other"'))
    with pytest.raises(InferenceError, match=rf"{kind}s \['other'\].*\['{name}'\]"):
        LocalInference(tmp_path).infer("net", {"x": VECTOR}, AMPLE_S)


def test_an_output_that_is_not_as_configured_is_an_error(tmp_path: Path) -> None:
    write_model(tmp_path, [helper.make_node("Concat", ["x", "x"], ["y"], axis=1)], dims="[4]")
    with pytest.raises(InferenceError, match=r"output y is float32 \[any, 4\], got float32 \[1, 8\]"):
        LocalInference(tmp_path).infer("net", {"x": VECTOR}, AMPLE_S)


def test_samples_of_a_batch_are_run_one_by_one(tmp_path: Path) -> None:
    # Along the batch each is all that there is.
    write_model(tmp_path, [helper.make_node("Softmax", ["x"], ["y"], axis=0)])
    x = np.arange(24, dtype=np.float32).reshape(6, 4)
    assert (LocalInference(tmp_path).infer("net", {"x": x}, AMPLE_S)["y"] == 1).all()
    pairs = LocalInference(tmp_path, at_once=2).infer("net", {"x": x}, AMPLE_S)["y"]
    np.testing.assert_allclose(pairs[::2] + pairs[1::2], 1, rtol=1e-6)
    with pytest.raises(ValueError, match="at least one sample"):
        LocalInference(tmp_path, at_once=0)


def test_inputs_of_one_call_are_one_batch(tmp_path: Path) -> None:
    """A model would broadcast the single row, and answer for media that it was not given."""
    write_model(tmp_path, [node("Add", ["x", "z"])], inputs=("x", "z"))
    inference = LocalInference(tmp_path)
    rows = np.ones((3, 4), np.float32)
    assert inference.infer("net", {"x": rows, "z": rows}, AMPLE_S)["y"].shape == (3, 4)
    with pytest.raises(InferenceError, match=r"one batch of at least 1, got \[1, 3\]"):
        inference.infer("net", {"x": rows, "z": VECTOR}, AMPLE_S)


def test_a_reason_of_several_lines_becomes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, [node("Neg")])

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no memory\n  for the arena\n")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    with pytest.raises(InferenceError, match=r"^model net: no memory for the arena$"):
        LocalInference(tmp_path).infer("net", {"x": VECTOR}, AMPLE_S)
