"""Writing TensorFlow Lite models, by the library that Google maintains for FlatBuffers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt

from glasswatch.models.tflite import Kind

FLOAT32, FLOAT16, INT32 = 0, 1, 2
TYPES = {np.dtype(np.float32): FLOAT32, np.dtype(np.float16): FLOAT16, np.dtype(np.int32): INT32}

Write = Callable[[flatbuffers.Builder], int]


@dataclass
class Model:
    """A model in the making. Tensors go by the number that adding them returns."""

    identifier: bytes = b"TFL3"
    version: int = 3
    subgraphs: int = 1
    sparse: bool = False
    tensors: list[tuple[tuple[int, ...], int, npt.NDArray[Any] | None]] = field(default_factory=list)
    operators: list[tuple[int, tuple[int, ...], tuple[int, ...], Mapping[int, tuple[str, int]] | None]] = field(
        default_factory=list
    )
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()

    def values(self, values: npt.ArrayLike, dtype: type[np.generic] = np.float32) -> int:
        array = np.asarray(values, dtype)
        self.tensors.append((array.shape, TYPES[array.dtype], array))
        return len(self.tensors) - 1

    def empty(self, *shape: int, kind: int = FLOAT32) -> int:
        self.tensors.append((shape, kind, None))
        return len(self.tensors) - 1

    def step(
        self,
        kind: int,
        inputs: Sequence[int],
        shape: tuple[int, ...],
        options: Mapping[int, tuple[str, int]] | None = None,
    ) -> int:
        """Add an operator; its options are written as Int8 or Int32 by field, as the schema has them."""
        output = self.empty(*shape)
        self.operators.append((kind, tuple(inputs), (output,), options))
        return output

    def convolve(
        self, picture: int, kernel: npt.ArrayLike, shape: tuple[int, ...], stride: int, padding: int, dilation: int = 1
    ) -> int:
        """CONV_2D with weights of 16 bits; padding 0 is SAME, 1 VALID."""
        array = np.asarray(kernel, np.float16)
        bias = self.values(np.linspace(-1, 1, len(array)), np.float16)
        weights = [
            self.step(Kind.DEQUANTIZE, [number], self.tensors[number][0])
            for number in (self.values(array, np.float16), bias)
        ]
        options = {0: ("Int8", padding), 1: ("Int32", stride), 2: ("Int32", stride)}
        options |= {4: ("Int32", dilation), 5: ("Int32", dilation)} if dilation > 1 else {}
        return self.step(Kind.CONV_2D, [picture, *weights], shape, options)

    def content(self) -> bytes:
        builder = flatbuffers.Builder()
        buffers = [_table(builder, {})]
        tensors = []
        for shape, kind, array in self.tensors:
            buffer = 0
            if array is not None:
                data = builder.CreateNumpyVector(np.frombuffer(array.tobytes(), np.uint8))
                buffer = len(buffers)
                buffers.append(_table(builder, {0: ("UOffsetTRelative", data)}))
            fields = {0: ("UOffsetTRelative", _numbers(builder, shape)), 1: ("Int8", kind), 2: ("Uint32", buffer)}
            if self.sparse:
                fields[6] = ("UOffsetTRelative", _table(builder, {}))
            tensors.append(_table(builder, fields))
        kinds = sorted({operator[0] for operator in self.operators})
        codes = [_table(builder, {0: ("Int8", min(kind, 127)), 3: ("Int32", kind)}) for kind in kinds]
        operators = []
        for kind, inputs, outputs, options in self.operators:
            fields = {0: ("Uint32", kinds.index(kind)), 1: ("UOffsetTRelative", _numbers(builder, inputs))}
            fields[2] = ("UOffsetTRelative", _numbers(builder, outputs))
            if options is not None:
                fields[4] = ("UOffsetTRelative", _table(builder, options))
            operators.append(_table(builder, fields))
        parts = {0: _offsets(builder, tensors), 1: _numbers(builder, self.inputs), 2: _numbers(builder, self.outputs)}
        parts[3] = _offsets(builder, operators)
        graph = _table(builder, {number: ("UOffsetTRelative", part) for number, part in parts.items()})
        vectors = {1: codes, 2: [graph] * self.subgraphs, 4: buffers}
        fields = {number: ("UOffsetTRelative", _offsets(builder, tables)) for number, tables in vectors.items()}
        builder.Finish(_table(builder, {0: ("Uint32", self.version), **fields}), self.identifier)
        return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, fields: Mapping[int, tuple[str, int]]) -> int:
    builder.StartObject(max(fields, default=-1) + 1)
    for number, (kind, value) in fields.items():
        getattr(builder, f"Prepend{kind}Slot")(number, value, 0)
    return int(builder.EndObject())


def _numbers(builder: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    return int(builder.CreateNumpyVector(np.array(numbers, np.int32)))


def _offsets(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
