"""Writing what `torch.save` writes of a state dictionary."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

STORAGES = {"f": b"ctorch\nFloatStorage\n", "i": b"ctorch\nLongStorage\n"}


def text(value: str) -> bytes:
    """A string in a pickle."""
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def integers(*values: int) -> bytes:
    """A tuple of numbers in a pickle."""
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def tensor(array: npt.NDArray[Any], key: str, offset: int = 0, stride: tuple[int, ...] | None = None) -> bytes:
    """A call that makes a tensor of a storage in a pickle."""
    steps = tuple(step // array.itemsize for step in array.strides) if stride is None else stride
    storage = b"(" + text("storage") + STORAGES[array.dtype.kind] + text(key) + text("cpu")
    storage += b"J" + struct.pack("<i", array.size) + b"tQ"
    backward_hooks = b"ccollections\nOrderedDict\n)R"
    arguments = (
        storage
        + b"J"
        + struct.pack("<i", offset)
        + integers(*array.shape)
        + integers(*steps)
        + b"\x89"
        + backward_hooks
    )
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def dictionary(items: Mapping[str, bytes]) -> bytes:
    """A pickle of an ordered dictionary."""
    return (
        b"\x80\x02ccollections\nOrderedDict\n)R("
        + b"".join(text(name) + value for name, value in items.items())
        + b"u."
    )


def archive(files: Mapping[str, bytes]) -> bytes:
    """The ZIP archive around it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as written:
        for name, content in files.items():
            written.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def save(tensors: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """A file with these tensors, float32 or int64."""
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    index = dictionary({name: tensor(array, str(i)) for i, (name, array) in enumerate(arrays.items())})
    storages = {f"data/{i}": array.tobytes() for i, array in enumerate(arrays.values())}
    return archive({"data.pkl": index, **storages, "version": b"3\n"})
