"""Writing a network as an ONNX file. It needs the extra `models`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

OPSET, IR_VERSION = 17, 8
"""Old enough for the ONNX Runtime of a Triton server of the last years."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output of a network, whose first dimension is the batch.

    Attributes:
        name: Its name.
        dtype: NumPy's name of its type.
        shape: Its sizes without the batch.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


class Graph:
    """Nodes and weights, in the order in which they are added."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._weights: dict[str, TensorProto] = {}

    def add(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output.

        Args:
            kind: The ONNX operator.
            inputs: Names of what it takes.
            output: Name of what it makes; by default one that is new.
            attributes: The operator's.

        Returns:
            The name of what it makes.
        """
        from onnx import helper  # noqa: PLC0415 - of the extra `models`

        output = output or f"{kind.lower()}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def cast(self, source: str, dtype: str) -> str:
        """Add a node that makes numbers of another type, by NumPy's name of it."""
        from onnx import helper  # noqa: PLC0415 - of the extra `models`

        return self.add("Cast", [source], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def weight(self, values: npt.ArrayLike, name: str | None = None) -> str:
        """Add a tensor that does not change; by default it gets a name that is new. Returns its name."""
        from onnx import helper, numpy_helper  # noqa: PLC0415 - of the extra `models`

        name = name or f"weight.{len(self._weights)}"
        array = np.asarray(values, order="C")
        if array.dtype == np.int64:  # Axes and sizes: as numbers that whoever looks into the file can read.
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            self._weights[name] = helper.make_tensor(name, kind, array.shape, array.reshape(-1).tolist())
        else:
            self._weights[name] = numpy_helper.from_array(array, name)
        return name

    def model(self, name: str, inputs: Sequence[Port], outputs: Sequence[Port]) -> bytes:
        """The content of the file; what has been added must make the outputs out of the inputs."""
        from onnx import ValueInfoProto, checker, helper  # noqa: PLC0415 - of the extra `models`

        def info(port: Port) -> ValueInfoProto:
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
            return helper.make_tensor_value_info(port.name, kind, ["batch", *port.shape])

        graph = helper.make_graph(
            self._nodes,
            name,
            [info(port) for port in inputs],
            [info(port) for port in outputs],
            [*self._weights.values()],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="glasswatch")
        checker.check_model(model, full_check=True)
        return model.SerializeToString()
