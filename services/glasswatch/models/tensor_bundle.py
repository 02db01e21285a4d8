"""Reading the variables of a TensorFlow SavedModel without TensorFlow.

`variables.index` is a LevelDB table (github.com/google/leveldb, doc/table_format.md) from the name of a variable to a
BundleEntryProto (tensorflow/core/protobuf/tensor_bundle.proto), which tells where in `variables.data-00000-of-00001`
its values are. What TensorFlow writes by default is read: one data file, little-endian, blocks that are not compressed.
Anything else is a ValueError, and so is every length that leads out of a file. The CRC-32C in the format are not looked
at: whoever takes a file from elsewhere checks its SHA-256 (`wheels.py`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

MAGIC = 0xDB4775248B80FB57
"""The last eight bytes of a LevelDB table."""

FOOTER_BYTES = 48
TRAILER_BYTES = 5
"""After each block: its compression, and a checksum."""

MOST_ENTRIES, MOST_KEY_BYTES = 10_000, 1024
"""Keys are stored as what differs from the one before, so a small file can stand for a very large one."""

HEADER_KEY = b""
DT_FLOAT = 1

_MESSAGES = {
    "Header": {"num_shards": (1, "int32"), "endianness": (2, "int32")},
    "Dim": {"size": (1, "int64")},
    "Shape": {"dim": (2, "repeated Dim"), "unknown_rank": (3, "bool")},
    "Entry": {
        "dtype": (1, "int32"),
        "shape": (2, "Shape"),
        "shard_id": (3, "int32"),
        "offset": (4, "int64"),
        "size": (5, "int64"),
        "slices": (7, "repeated bytes"),
    },
}
"""The fields that are read of TensorFlow's messages, with numbers; enums and slices by the type on the wire."""


class TensorBundle:
    """The variables in an index and its one data file."""

    def __init__(self, index: bytes, data: bytes) -> None:
        """Read the index; ValueError where it is not one that can be read."""
        table = dict(_table(memoryview(index)))
        header = _message("Header", table.pop(HEADER_KEY, None))
        if header.num_shards != 1 or header.endianness != 0:
            raise ValueError(f"{header.num_shards} data files, byte order {header.endianness}: only 1 and 0 are read")
        self._data = data
        self._entries = {key.decode("utf-8"): value for key, value in table.items()}

    def names(self) -> list[str]:
        """The variables, sorted."""
        return sorted(self._entries)

    def float32(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """The values of a variable, not to be written to; ValueError where it is not float32 of that shape."""
        if name not in self._entries:
            raise ValueError(f"no variable {name}")
        entry = _message("Entry", self._entries[name])
        found = tuple(dim.size for dim in entry.shape.dim)
        if entry.dtype != DT_FLOAT or entry.slices or entry.shape.unknown_rank or found != shape:
            raise ValueError(f"variable {name} has type {entry.dtype} and shape {found}, not float32 {shape}")
        size = 4 * math.prod(shape)
        if entry.shard_id != 0 or entry.size != size or not 0 <= entry.offset <= len(self._data) - size:
            raise ValueError(f"variable {name} is not in the data file: {entry.size} bytes from {entry.offset}")
        return np.frombuffer(self._data, "<f4", math.prod(shape), entry.offset).reshape(shape)


class _Reader:
    """A position in bytes that cannot leave them."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise ValueError("a table ends in the middle of an entry")
        taken, self._at = bytes(self._data[self._at : end]), end
        return taken

    def varint(self) -> int:
        """An unsigned number of 64 bits, seven in each byte, the lowest first."""
        value = 0
        for shift in range(0, 64, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number in a table is too long")


def _table(file: memoryview) -> Iterator[tuple[bytes, bytes]]:
    """All entries of a LevelDB table, by key."""
    if len(file) < FOOTER_BYTES or struct.unpack("<Q", file[-8:])[0] != MAGIC:
        raise ValueError("no LevelDB table")
    blocks, footer = file[:-FOOTER_BYTES], _Reader(file[-FOOTER_BYTES:-8])
    footer.varint(), footer.varint()  # Where a block of metadata is, which TensorFlow leaves empty.
    before, count = None, 0
    for _, handle in _block(blocks, footer):
        for key, value in _block(blocks, _Reader(memoryview(handle))):
            count += 1
            if (before is not None and key <= before) or count > MOST_ENTRIES:
                raise ValueError("a table whose keys do not ascend, or are too many")
            before = key
            yield key, value


def _block(blocks: memoryview, handle: _Reader) -> Iterator[tuple[bytes, bytes]]:
    """The entries of one block, each key being a part of the one before and a part of its own."""
    offset, size = handle.varint(), handle.varint()
    if offset + size + TRAILER_BYTES > len(blocks):
        raise ValueError("a block of a table is not in it")
    if blocks[offset + size] != 0:
        raise ValueError("a block of a table is compressed")
    block = blocks[offset : offset + size]
    # At the end stand the positions of keys that are whole, to search by, and how many they are.
    restarts = struct.unpack("<I", block[-4:])[0] if size >= 4 else size
    entries = size - 4 - 4 * restarts
    if entries < 0:
        raise ValueError("a block of a table has no end")
    reader, key = _Reader(block[:entries]), b""
    while not reader.done:
        shared, own, length = reader.varint(), reader.varint(), reader.varint()
        if shared > len(key) or shared + own > MOST_KEY_BYTES:
            raise ValueError("a key of a table is not whole, or too long")
        key = key[:shared] + reader.take(own)
        yield key, reader.take(length)


def _message(name: str, data: bytes | None) -> Any:
    try:
        return _classes()[name].FromString(data if data is not None else b"")
    except DecodeError:
        raise ValueError(f"an entry of the table is no {name}") from None


@cache
def _classes() -> dict[str, type[Message]]:
    """The message classes of _MESSAGES, in a pool of their own, so that TensorFlow may bring the full ones."""
    proto = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="tensor_bundle.proto", package="bundle", syntax="proto3")
    for message, fields in _MESSAGES.items():
        added = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            repeated, _, element = kind.rpartition(" ")
            field = added.field.add(name=name, number=number)
            field.label = proto.LABEL_REPEATED if repeated else proto.LABEL_OPTIONAL
            if element in _MESSAGES:
                field.type, field.type_name = proto.TYPE_MESSAGE, f".bundle.{element}"
            else:
                field.type = proto.Type.Value(f"TYPE_{element.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = (pool.FindMessageTypeByName(f"bundle.{message}") for message in _MESSAGES)
    return {descriptor.name: message_factory.GetMessageClass(descriptor) for descriptor in found}
