"""Reading TensorFlow Lite models without TensorFlow: what tensorflow/lite/schema/schema.fbs says, version 3.

Only what a network of one subgraph without quantisation, sparsity or variables needs; the rest is a ValueError.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.models import flatbuffer
from glasswatch.models.flatbuffer import Table

IDENTIFIER = b"TFL3"
VERSION = 3

DTYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 1: np.dtype("<f2"), 2: np.dtype("<i4")}
"""Of TensorType, what is read."""


class Kind(IntEnum):
    """Of BuiltinOperator, what is converted."""

    ADD = 0
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    MAX_POOL_2D = 17
    RELU = 19
    RESHAPE = 22
    PAD = 34
    PRELU = 54


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a network.

    Attributes:
        shape: Its sizes, the first of what is computed being the batch.
        values: What it holds, not to be written to; None where it is put in or computed.
    """

    shape: tuple[int, ...]
    values: npt.NDArray[np.generic] | None


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of a network.

    Attributes:
        kind: What it does.
        inputs: Numbers of the tensors that it takes.
        output: Number of the tensor that it makes.
        options: The table of its builtin options; None where it has none.
    """

    kind: Kind
    inputs: tuple[int, ...]
    output: int
    options: Table | None


@dataclass(frozen=True, slots=True)
class Network:
    """A model: its tensors, and its operators in an order in which they can run."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read(data: bytes) -> Network:
    """The model in the content of a `.tflite` file; ValueError where it is none, or has what is not read."""
    model = flatbuffer.root(data, IDENTIFIER)
    if model.integer(0, "I") != VERSION:
        raise ValueError(f"TensorFlow Lite schema version {model.integer(0, 'I')}, not {VERSION}")
    graphs = model.tables(2)
    if len(graphs) != 1:
        raise ValueError(f"{len(graphs)} subgraphs instead of one")
    (graph,) = graphs
    buffers = model.tables(4)
    tensors = tuple(_tensor(table, buffers) for table in graph.tables(0))
    codes = [_code(table) for table in model.tables(1)]
    network = Network(
        tensors=tensors,
        operators=tuple(_operator(table, codes) for table in graph.tables(3)),
        inputs=_integers(graph, 1),
        outputs=_integers(graph, 2),
    )
    used = {i for operator in network.operators for i in (*operator.inputs, operator.output)}
    if not used | {*network.inputs, *network.outputs} <= set(range(len(tensors))):
        raise ValueError("an operator of a tensor that is not there")
    return network


def _tensor(table: Table, buffers: list[Table]) -> Tensor:
    shape = _integers(table, 0)
    kind, buffer = table.integer(1, "b"), table.integer(2, "I")
    if kind not in DTYPES:
        raise ValueError(f"a tensor of type {kind}")
    if buffer >= len(buffers):
        raise ValueError("a tensor whose buffer is not there")
    held = buffers[buffer].numbers(0, np.uint8)
    if not held.size:
        return Tensor(shape, None)
    if table.has(6):
        raise ValueError("a sparse tensor")
    if held.size != math.prod(shape) * DTYPES[kind].itemsize:
        raise ValueError(f"{held.size} bytes for a tensor of shape {shape}")
    return Tensor(shape, held.view(DTYPES[kind]).reshape(shape))


def _code(table: Table) -> int:
    # The first field is a byte, in which newer operators have no room: they stand in the other, and 127 in this one.
    return max(table.integer(0, "b"), table.integer(3, "i"))


def _operator(table: Table, codes: list[int]) -> Operator:
    index = table.integer(0, "I")
    if index >= len(codes):
        raise ValueError("an operator without a code")
    outputs = _integers(table, 2)
    try:
        kind = Kind(codes[index])
    except ValueError:
        known = ", ".join(kind.name for kind in Kind)
        raise ValueError(f"an operator of code {codes[index]}; only {known} are read") from None
    if len(outputs) != 1:
        raise ValueError(f"{kind.name} with {len(outputs)} outputs")
    return Operator(kind, _integers(table, 1), outputs[0], table.table(4) if table.has(4) else None)


def _integers(table: Table, field: int) -> tuple[int, ...]:
    return tuple(int(number) for number in table.numbers(field, np.int32))
