"""Reading FlatBuffers without code generated from a schema (flatbuffers.dev, "FlatBuffer Internals").

A table begins with the distance back to its vtable, which says for each field where in the table it is, or 0 where it
was left out. Strings, vectors and other tables stand elsewhere, at a distance from where they are named. Numbers are
little-endian. Every position that leads out of the file is a ValueError.
"""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

OFFSET = "<I"


class Table:
    """A table at a position in a file. Fields go by their number in the schema."""

    def __init__(self, data: bytes, at: int) -> None:
        """Find the vtable; ValueError where there is none."""
        self._data, self._at = data, at
        self._vtable = at - self._number("<i", at)
        self._vtable_bytes = self._number("<H", self._vtable)

    def has(self, field: int) -> bool:
        """Whether the field was written."""
        return self._find(field) is not None

    def integer(self, field: int, kind: str, default: int = 0) -> int:
        """A number, `kind` being its format in `struct`."""
        at = self._find(field)
        return default if at is None else self._number(f"<{kind}", at)

    def table(self, field: int) -> Table:
        """Another table; ValueError where it was left out."""
        at = self._find(field)
        if at is None:
            raise ValueError(f"a table has no field {field}")
        return Table(self._data, self._follow(at))

    def tables(self, field: int) -> list[Table]:
        """A vector of tables, empty where it was left out."""
        at, count = self._vector(field, 4)
        return [Table(self._data, self._follow(at + 4 * i)) for i in range(count)]

    def numbers(self, field: int, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
        """A vector of numbers, not to be written to; empty where it was left out."""
        dtype = np.dtype(dtype).newbyteorder("<")
        at, count = self._vector(field, dtype.itemsize)
        return np.frombuffer(self._data, dtype, count, at) if count else np.empty(0, dtype)

    def _vector(self, field: int, itemsize: int) -> tuple[int, int]:
        """Where a vector's items begin, and how many they are."""
        named = self._find(field)
        if named is None:
            return 0, 0
        at = self._follow(named)
        count = self._number(OFFSET, at)
        if at + 4 + count * itemsize > len(self._data):
            raise ValueError("a vector ends outside the file")
        return at + 4, count

    def _find(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_bytes:
            return None  # Written by a schema that did not have the field yet.
        offset = self._number("<H", self._vtable + entry)
        return self._at + offset if offset else None

    def _follow(self, at: int) -> int:
        return at + self._number(OFFSET, at)

    def _number(self, kind: str, at: int) -> int:
        if not 0 <= at <= len(self._data) - struct.calcsize(kind):
            raise ValueError("a position outside the file")
        (number,) = struct.unpack_from(kind, self._data, at)
        return int(number)


def root(data: bytes, identifier: bytes) -> Table:
    """The table that the file is; ValueError where its four-byte identifier is another."""
    if data[4:8] != identifier:
        raise ValueError(f"no {identifier.decode('ascii')} file")
    return Table(data, struct.unpack_from(OFFSET, data)[0])
