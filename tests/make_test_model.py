"""Make the model that the inference tests run: python tests/make_test_model.py tests/data/triton_models."""

from __future__ import annotations

import sys
from pathlib import Path

from onnx import TensorProto, checker, helper, save_model

CONFIG = """\
# y = 2 x + 1, for any batch of vectors of any length. Made by tests/make_test_model.py.
name: "identity_scale"
backend: "onnxruntime"
max_batch_size: 8
input [{ name: "x" data_type: TYPE_FP32 dims: [-1] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [-1] }]
dynamic_batching {}
"""


def main(repository: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "scale"], ["scaled"]), helper.make_node("Add", ["scaled", "offset"], ["y"])],
        "identity_scale",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "size"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "size"])],
        [
            helper.make_tensor("scale", TensorProto.FLOAT, [], [2.0]),
            helper.make_tensor("offset", TensorProto.FLOAT, [], [1.0]),
        ],
    )
    # Old enough for every ONNX Runtime that a Triton server of the last years holds.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="")
    checker.check_model(model, full_check=True)
    folder = repository / "identity_scale"
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "config.pbtxt").write_text(CONFIG, encoding="utf-8")
    save_model(model, folder / "1" / "model.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
