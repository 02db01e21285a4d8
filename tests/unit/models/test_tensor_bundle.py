from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.models import tensor_bundle
from glasswatch.models.tensor_bundle import TensorBundle
from tests.unit.models.bundles import HEADER, Entries, block, bundle, entry, table, varint

TENSORS = {
    f"layer-{i}/{what}": np.arange(i * 6, dtype=np.float32).reshape(i, 2, 3) for i in range(9) for what in ("a", "b")
} | {"scalar": np.array(2.5, np.float32)}


@pytest.mark.parametrize("per_block", [1, 3, 100])
def test_variables_are_read_as_they_were_written(per_block: int) -> None:
    read = TensorBundle(*bundle(TENSORS, per_block))
    assert read.names() == sorted(TENSORS)
    for name, values in TENSORS.items():
        np.testing.assert_array_equal(read.float32(name, values.shape), values)


def test_what_is_read_cannot_be_written_to() -> None:
    values = TensorBundle(*bundle(TENSORS)).float32("layer-2/a", (2, 2, 3))
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 0


def test_a_variable_is_what_is_expected_or_an_error() -> None:
    read = TensorBundle(*bundle(TENSORS))
    with pytest.raises(ValueError, match="no variable layer-9/a"):
        read.float32("layer-9/a", (9, 2, 3))
    with pytest.raises(ValueError, match=r"shape \(2, 2, 3\), not float32 \(2, 3, 2\)"):
        read.float32("layer-2/a", (2, 3, 2))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (entry([2], 0, 8, dtype=2), "has type 2"),
        (entry([2], 0, 8, f7=b""), "not float32"),
        (entry([2], 0, 8, f3=1), "not in the data file"),
        (entry([2], 0, 12), "not in the data file"),
        (entry([2], 1, 8), "not in the data file"),
        (entry([2], 2**64 - 1, 8), "not in the data file"),
        (entry([2**63 - 1, 2], 0, 8), "not float32"),
        (b"\x08", "no Entry"),
    ],
    ids=[
        "double",
        "in slices",
        "another file",
        "another size",
        "past the end",
        "before the start",
        "huge",
        "no message",
    ],
)
def test_an_entry_that_leads_elsewhere_is_refused(value: bytes, says: str) -> None:
    read = TensorBundle(table([(b"", HEADER), (b"x", value)]), bytes(8))
    with pytest.raises(ValueError, match=says):
        read.float32("x", (2,))


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([(b"", b"\x08\x02")], "2 data files"),
        ([(b"", b"\x08\x01\x10\x01")], "byte order 1"),
        ([(b"x", entry([2], 0, 8))], "0 data files"),
        ([(b"", HEADER), (b"b", b""), (b"a", b"")], "do not ascend"),
        ([(b"", HEADER), (b"a", b""), (b"a", b"")], "do not ascend"),
        ([(b"", HEADER), (b"a" * 1025, b"")], "too long"),
        ([(b"", HEADER), (b"\xff", b"")], "utf-8"),
    ],
    ids=["two files", "big-endian", "no header", "descending", "repeated", "long key", "no text"],
)
def test_an_index_of_another_kind_is_refused(entries: Entries, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TensorBundle(table(entries), bytes(8))


def with_block(data: bytes) -> bytes:
    """A table whose index block is this one."""
    footer = (varint(0) + varint(0) + varint(0) + varint(len(data) - 5)).ljust(40, b"\0")
    return data + footer + struct.pack("<Q", tensor_bundle.MAGIC)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"", "no LevelDB table"),
        (bytes(48), "no LevelDB table"),
        (with_block(b"\0\0\0\0\1" + bytes(4)), "compressed"),
        (with_block(b"\xff\xff\xff\xff\0" + bytes(4)), "no end"),
        (with_block(b"\0\0" + bytes(5)), "no end"),
        (with_block(b"\1\0\0" + struct.pack("<I", 0) + bytes(5)), "not whole"),
        (with_block(b"\0\5\0ab" + struct.pack("<I", 0) + bytes(5)), "middle of an entry"),
        (with_block(b"\x80" * 11 + struct.pack("<I", 0) + bytes(5)), "number in a table is too long"),
        (with_block(block([(b"x", varint(2**40) + varint(1))])), "is not in it"),
    ],
    ids=[
        "empty",
        "no magic",
        "compressed",
        "restarts",
        "no restarts",
        "shares nothing",
        "cut",
        "long number",
        "outside",
    ],
)
def test_a_broken_table_is_refused(file: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        TensorBundle(file, b"")


def test_a_table_that_repeats_its_blocks_is_refused_before_it_grows() -> None:
    data = block([(b"", HEADER), *((b"k%05d" % i, b"") for i in range(6000))])
    handle = varint(0) + varint(len(data) - 5)
    index = block([(b"%05d" % i, handle) for i in range(50)])
    footer = (varint(0) + varint(0) + varint(len(data)) + varint(len(index) - 5)).ljust(40, b"\0")
    with pytest.raises(ValueError, match="do not ascend"):
        TensorBundle(data + index + footer + struct.pack("<Q", tensor_bundle.MAGIC), b"")


def test_more_entries_than_any_model_has_are_refused() -> None:
    keys = [b"k%05d" % i for i in range(tensor_bundle.MOST_ENTRIES)]
    with pytest.raises(ValueError, match="too many"):
        TensorBundle(table([(b"", HEADER), *((key, b"") for key in keys)], per_block=1000), b"")


INDEX, DATA = bundle({f"layer-{i}": np.ones((i, 2), np.float32) for i in range(4)}, per_block=2)


@given(
    st.lists(st.tuples(st.integers(0, len(INDEX) - 1), st.integers(0, 255)), max_size=4),
    st.integers(0, len(INDEX)),
    st.integers(0, len(DATA)),
)
def test_no_damage_does_worse_than_a_value_error(changes: list[tuple[int, int]], cut: int, data: int) -> None:
    index = bytearray(INDEX)
    for position, value in changes:
        index[position] = value
    with contextlib.suppress(ValueError):
        read = TensorBundle(bytes(index[cut if cut < 8 else 0 :]), DATA[:data])
        for name in read.names():
            read.float32(name, (2, 2))
