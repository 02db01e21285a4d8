"""`SHA256SUMS` in a model's folder: what its files are, in the format of sha256sum.

It holds the files that are never changed once released. config.pbtxt is not among them: how a server schedules is for
whoever runs it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

FILE = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64}) [ *]((?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*)")
"""A checksum and a path that cannot lead out of the folder."""


def to_text(files: Mapping[str, bytes]) -> str:
    """The content of SHA256SUMS for files by their paths in the model's folder."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items()))


def wrong_file(folder: Path, needed: str) -> str | None:
    """What is wrong with the files that a model's SHA256SUMS lists, in a few words; None where they are all right.

    Args:
        folder: The model's.
        needed: A path in it that must be among them.
    """
    try:
        lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return f"no {FILE} (`sha256sum {needed} > {FILE}` in {folder} records what is there)"
    except (OSError, UnicodeDecodeError) as error:
        return f"{FILE} cannot be read: {error}"
    sums: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            return f"{FILE} is not as sha256sum writes it"
        sums[match[2]] = match[1]
    if needed not in sums:
        return f"{needed} is not in {FILE}"
    for path, expected in sums.items():
        try:
            found = hashlib.sha256((folder / path).read_bytes()).hexdigest()
        except OSError as error:
            return f"{path} cannot be read: {error.strerror}"
        if found != expected:
            return f"{path} is not the file that it was: sha256 {found}, recorded {expected}"
    return None
