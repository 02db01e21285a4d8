"""What a call of a model costs besides the model: in process, on Triton over the connection, through shared memory.

    python -m bench.inference [--calls N]

Starts a Triton of its own on two models that do almost nothing: one gives 3 numbers for each picture of 3 x 224 x 224
float32, as a classifier does, the other a whole picture. The ways take turns within one run, and every answer is
compared. Needs the extra `cluster`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, save_model
from rich.console import Console

from bench.provenance import headline, provenance
from bench.tables import Table, number
from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.triton_inference import TritonInference
from glasswatch.ports.inference import Inference
from glasswatch.runtime.cluster import Cluster, Triton

PICTURE = (3, 224, 224)
BATCHES = (1, 16)
ROUNDS = 10
DEADLINE_S = 60.0

MODELS: Mapping[str, tuple[NodeProto, tuple[int, ...]]] = {
    "means": (helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0), (3,)),
    "negative": (helper.make_node("Neg", ["x"], ["y"]), PICTURE),
}
"""The one operator of each model, and the shape of its output for one picture."""


def write_models(repository: Path) -> None:
    """The models, for batches of up to 16 pictures."""
    for name, (node, shape) in MODELS.items():
        tensors = [
            helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["batch", *dims])
            for tensor, dims in (("x", PICTURE), ("y", shape))
        ]
        graph = helper.make_graph([node], name, tensors[:1], tensors[1:])
        (repository / name / "1").mkdir(parents=True)
        (repository / name / "config.pbtxt").write_text(
            f'backend: "onnxruntime" max_batch_size: {max(BATCHES)}'
            f' input [{{ name: "x" data_type: TYPE_FP32 dims: {list(PICTURE)} }}]'
            f' output [{{ name: "y" data_type: TYPE_FP32 dims: {list(shape)} }}]',
            encoding="utf-8",
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        save_model(model, repository / name / "1" / "model.onnx")


def measure(ways: Mapping[str, Inference], model: str, pictures: npt.NDArray[np.float32], calls: int) -> list[float]:
    """Median milliseconds of a call in each way, one caller; the ways take turns, round by round."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    expected = next(iter(ways.values())).infer(model, {"x": pictures}, DEADLINE_S)["y"]
    for _ in range(ROUNDS):
        for name, inference in ways.items():
            for _ in range(max(1, calls // ROUNDS)):
                started = time.perf_counter()
                outputs = inference.infer(model, {"x": pictures}, DEADLINE_S)
                spent[name].append((time.perf_counter() - started) * 1e3)
            np.testing.assert_allclose(outputs["y"], expected, rtol=1e-5)
    return [statistics.median(times) for times in spent.values()]


@click.command()
@click.option("--calls", default=200, show_default=True, help="Calls of each kind.")
def main(calls: int) -> None:
    """Measure calls of two small models in three ways."""
    origin = headline(provenance("bench.inference", {}))
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_models(folder / "models")
        cluster = Cluster(folder / "cluster", given={})
        stack.callback(cluster.down)
        address = cluster.up([Triton(folder / "models")])["triton"]
        ways: dict[str, Inference] = {
            "in process": LocalInference(folder / "models"),
            "connection": stack.enter_context(TritonInference(address, shared_memory=False)),
            "shared memory": stack.enter_context(TritonInference(address)),
        }
        for model, (_, shape) in MODELS.items():
            for batch in BATCHES:
                pictures = np.random.default_rng(batch).random((batch, *PICTURE), np.float32)
                local, connection, shared = measure(ways, model, pictures, calls)
                label = f"{batch} x 3x224x224 to {batch} x {'x'.join(map(str, shape))}"
                times = [number(ms) for ms in (local, connection, shared)]
                rows.append([label, *times, number(connection / shared, 1)])
    table = Table(
        "Milliseconds of a call, float32",
        ("input to output", "in process", "Triton, connection", "Triton, shared memory", "connection / shared memory"),
        rows,
        f"Medians of {calls} calls by one caller. {origin}",
    )
    table.show(Console(width=160))
    print(table.markdown())


if __name__ == "__main__":
    main()
