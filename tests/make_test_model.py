"""Make the models that the inference tests run: python tests/make_test_model.py tests/data/triton_models."""

from __future__ import annotations

import sys
from pathlib import Path

from onnx import GraphProto, TensorProto, checker, helper, save_model

IDENTITY_SCALE = """\
# y = 2 x + 1, for any batch of vectors of any length. Made by tests/make_test_model.py.
name: "identity_scale"
backend: "onnxruntime"
max_batch_size: 8
input [{ name: "x" data_type: TYPE_FP32 dims: [-1] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [-1] }]
dynamic_batching {}
"""

SLOW = """\
# Takes as long as it is asked to: `turns` products of 256 x 256 matrices. Made by tests/make_test_model.py.
name: "slow"
backend: "onnxruntime"
max_batch_size: 0
input [{ name: "turns" data_type: TYPE_INT64 dims: [1] }]
output [{ name: "done" data_type: TYPE_INT64 dims: [1] }]
"""


def identity_scale() -> GraphProto:
    return helper.make_graph(
        [helper.make_node("Mul", ["x", "scale"], ["scaled"]), helper.make_node("Add", ["scaled", "offset"], ["y"])],
        "identity_scale",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "size"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "size"])],
        [
            helper.make_tensor("scale", TensorProto.FLOAT, [], [2.0]),
            helper.make_tensor("offset", TensorProto.FLOAT, [], [1.0]),
        ],
    )


def slow() -> GraphProto:
    """A loop whose state is a matrix; its products are of zeros, but no runtime knows that beforehand."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["before", "before"], ["after"]),
            helper.make_node("Identity", ["go_on"], ["still_on"]),
        ],
        "turn",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, [256, 256]),
        ],
        [
            helper.make_tensor_value_info("still_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, [256, 256]),
        ],
    )
    return helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["size"], ["matrix"]),
            helper.make_node("Squeeze", ["turns"], ["trips"]),
            helper.make_node("Loop", ["trips", "on", "matrix"], ["product"], body=body),
            helper.make_node("ReduceSum", ["product"], ["sum"], keepdims=0),
            helper.make_node("Cast", ["sum"], ["nothing"], to=TensorProto.INT64),
            helper.make_node("Add", ["turns", "nothing"], ["done"]),
        ],
        "slow",
        [helper.make_tensor_value_info("turns", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("done", TensorProto.INT64, [1])],
        [
            helper.make_tensor("size", TensorProto.INT64, [2], [256, 256]),
            helper.make_tensor("on", TensorProto.BOOL, [], [True]),
        ],
    )


def write_model(repository: Path, graph: GraphProto, config: str) -> None:
    """Put version 1 of a model into a repository."""
    # Old enough for every ONNX Runtime that a Triton server of the last years holds.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="")
    checker.check_model(model, full_check=True)
    folder = repository / graph.name
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")
    save_model(model, folder / "1" / "model.onnx")


def main(repository: Path) -> None:
    write_model(repository, identity_scale(), IDENTITY_SCALE)
    write_model(repository, slow(), SLOW)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
