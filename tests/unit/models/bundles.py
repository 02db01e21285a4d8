"""Writing what TensorFlow writes as `variables.index` and `variables.data-00000-of-00001`."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from glasswatch.models.tensor_bundle import MAGIC

Entries = Sequence[tuple[bytes, bytes]]

HEADER = b"\x08\x01"
"""One data file, little-endian."""


def varint(value: int) -> bytes:
    """As in protobuf and LevelDB."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(shape: Sequence[int], offset: int, size: int, dtype: int = 1, **extra: int | bytes) -> bytes:
    """A BundleEntryProto; `f7=b"..."` is field 7."""
    dims = b"".join(field(2, field(1, size)) for size in shape)
    parts = field(1, dtype) + field(2, dims) + field(4, offset) + field(5, size)
    return parts + b"".join(field(int(name[1:]), value) for name, value in extra.items())


def block(entries: Entries, restart_every: int = 16) -> bytes:
    """A block with its trailer; the checksum is none."""
    out, restarts, before = b"", [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % restart_every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(before), len(key)) and before[shared] == key[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts)) + b"\0" + b"\xff" * 4


def table(entries: Entries, per_block: int = 20) -> bytes:
    """A LevelDB table."""
    out, index = b"", []
    for i in range(0, len(entries), per_block):
        data = block(entries[i : i + per_block])
        last = entries[i : i + per_block][-1][0]
        index.append((last, varint(len(out)) + varint(len(data) - 5)))
        out += data
    empty, blocks = block([]), block(index, restart_every=1)
    handles = varint(len(out)) + varint(len(empty) - 5) + varint(len(out) + len(empty)) + varint(len(blocks) - 5)
    return out + empty + blocks + handles.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def bundle(tensors: Mapping[str, npt.NDArray[np.float32]], per_block: int = 20) -> tuple[bytes, bytes]:
    """Index and data of these variables."""
    data, entries = b"", [(b"", HEADER)]
    for name in sorted(tensors):
        raw = tensors[name].astype("<f4").tobytes()
        entries.append((name.encode(), entry(tensors[name].shape, len(data), len(raw))))
        data += raw
    return table(entries, per_block), data
