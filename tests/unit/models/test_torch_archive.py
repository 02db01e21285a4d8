from __future__ import annotations

import contextlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.models import torch_archive
from tests.unit.models.torch_files import archive, dictionary, save, tensor, text

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
BYTES = VALUES.tobytes()


def test_tensors_are_read_as_they_were_saved() -> None:
    count = np.array(7, np.int64)
    read = torch_archive.read(save({"weight": VALUES, "bias": np.zeros(0, np.float32), "count": count}))
    assert list(read) == ["weight", "bias", "count"]
    assert read["weight"].dtype == np.float32
    assert read["weight"].tolist() == VALUES.tolist()
    assert read["bias"].shape == (0,)
    assert read["count"].shape == ()
    assert int(read["count"]) == 7


def test_nothing_is_called_that_is_not_a_tensor(tmp_path: Path) -> None:
    evidence = tmp_path / "called"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {evidence}",)

    with pytest.raises(ValueError, match=r"wants to call (posix|nt)\.system"):
        torch_archive.read(archive({"data.pkl": pickle.dumps({"weight": Evil()}, protocol=2)}))
    assert not evidence.exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"data.pkl": dictionary({"a": tensor(VALUES, "0", offset=1)}), "data/0": BYTES}, "not in its storage"),
        ({"data.pkl": dictionary({"a": tensor(VALUES, "0", offset=-1)}), "data/0": BYTES}, "not in its storage"),
        ({"data.pkl": dictionary({"a": tensor(VALUES, "0", stride=(1, 2))}), "data/0": BYTES}, r"strides \(1, 2\)"),
        ({"data.pkl": dictionary({"a": tensor(VALUES, "0")}), "data/0": BYTES[:-1]}, "23 bytes instead of 6 values"),
        ({"data.pkl": dictionary({"a": tensor(VALUES, "0")})}, "no item named 'archive/data/0'"),
        ({"data.pkl": dictionary({"a": text("b")})}, "something else than tensors"),
        ({"data.pkl": b"\x80\x02K\x05."}, "holds no dictionary"),
        ({"data.pkl": b""}, "data.pkl cannot be read"),
        ({"data.pkl": dictionary({}), "byteorder": b"big"}, "not little-endian"),
        ({"version": b"3\n"}, "0 data.pkl in it"),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(files: dict[str, bytes], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        torch_archive.read(archive(files))


def test_another_file_is_refused() -> None:
    with pytest.raises(ValueError, match="not a PyTorch file"):
        torch_archive.read(b"<html></html>")


@given(data=st.data())
def test_a_damaged_index_is_read_or_refused(data: st.DataObject) -> None:
    index = bytearray(dictionary({"a": tensor(VALUES, "0"), "b": tensor(VALUES, "0")}))
    # Numbers of up to 16 bits: a pickle may say how large a table of the unpickler is to be.
    for place in data.draw(st.lists(st.integers(0, len(index) - 1), min_size=1, max_size=3)):
        index[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != ord("r")))
    with contextlib.suppress(ValueError):
        torch_archive.read(archive({"data.pkl": bytes(index), "data/0": BYTES}))
