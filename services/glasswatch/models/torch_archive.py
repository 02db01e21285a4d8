"""Reading the tensors of a PyTorch file without PyTorch, and without running what it says.

`torch.save` writes a ZIP archive: `data.pkl` is a pickle of a dictionary from names to tensors, each tensor being a
call with the key of its storage, which is `data/<key>` (pytorch, torch/serialization.py and torch/_utils.py). A pickle
can call anything that can be imported. Here it can call what is in _ALLOWED and nothing else.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

INDEX = "data.pkl"
LITTLE = b"little"

MOST_STORAGE_BYTES = 256 << 20
"""Of all tensors together."""


def read(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    """The tensors of a state dictionary by their names, not to be written to.

    Raises:
        ValueError: It is no such file, holds something else than tensors, or wants to call something.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = _Unpickler(archive).load()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"not a PyTorch file that can be read: {error}") from error
    except (pickle.UnpicklingError, EOFError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"its {INDEX} cannot be read: {error}") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"its {INDEX} holds no dictionary")
    for name, tensor in found.items():
        if not isinstance(name, str) or not isinstance(tensor, np.ndarray):
            raise ValueError(f"its {INDEX} holds something else than tensors by their names")
    return dict(found)


@dataclass(frozen=True, slots=True)
class _StorageType:
    """What stands for a class of storages."""

    dtype: np.dtype[Any]


def _rebuild_tensor(
    storage: npt.NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *gradients: object
) -> npt.NDArray[Any]:
    """What `torch._utils._rebuild_tensor_v2` does, for values that lie one after the other."""
    steps = [math.prod(size[i + 1 :]) for i in range(len(size))]
    if any(n > 1 and found != step for n, found, step in zip(size, stride, steps, strict=True)):
        raise ValueError(f"a tensor of size {size} with strides {stride}")
    count = math.prod(size)
    if min(offset, *size, 0) < 0 or offset + count > len(storage):
        raise ValueError(f"a tensor of size {size} that is not in its storage")
    return storage[offset : offset + count].reshape(size)


_ALLOWED: dict[tuple[str, str], Callable[..., object] | _StorageType] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch", "FloatStorage"): _StorageType(np.dtype("<f4")),
    ("torch", "LongStorage"): _StorageType(np.dtype("<i8")),
}


class _Unpickler(pickle.Unpickler):
    """Unpickles tensors of an archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        names = [name for name in archive.namelist() if name.endswith(f"/{INDEX}")]
        if len(names) != 1:
            raise ValueError(f"{len(names)} {INDEX} in it instead of one")
        self._archive = archive
        self._folder = names[0].removesuffix(INDEX)
        if sum(info.file_size for info in archive.infolist()) > MOST_STORAGE_BYTES:
            raise ValueError(f"it holds more than {MOST_STORAGE_BYTES} bytes")
        if f"{self._folder}byteorder" in archive.namelist() and archive.read(f"{self._folder}byteorder") != LITTLE:
            raise ValueError("its numbers are not little-endian")
        super().__init__(io.BytesIO(archive.read(names[0])))

    def find_class(self, module_name: str, global_name: str) -> Any:
        """What a name in the pickle stands for; ValueError for all others."""
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            raise ValueError(f"its {INDEX} wants to call {module_name}.{global_name}") from None

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        """The values of a storage."""
        word, kind, key, _, count = pid
        if word != "storage" or not isinstance(kind, _StorageType) or not isinstance(key, str):
            raise ValueError(f"its {INDEX} wants to load something else than a storage")
        content = self._archive.read(f"{self._folder}data/{key}")
        if len(content) != count * kind.dtype.itemsize:
            raise ValueError(f"storage {key} has {len(content)} bytes instead of {count} values")
        return np.frombuffer(content, kind.dtype)
