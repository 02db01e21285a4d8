"""Writing a report so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from pathlib import Path

from glasswatch.core.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text; a file appears whole or not at all.

    Pipes and devices (`/dev/stdout`) cannot be replaced and are written as they are. Characters that UTF-8 cannot
    hold are written as escapes.

    Raises:
        OutputError: The path cannot be written.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        if _is_special(path):
            path.write_bytes(data)
        else:
            # Through a link the file that it points to is replaced, as an ordinary write would do.
            _replace(path.resolve(), data)
    except OSError as error:
        why = "its folder does not exist" if isinstance(error, FileNotFoundError) else error.strerror
        raise OutputError(f"cannot write {path}: {why}") from error


def _is_special(path: Path) -> bool:
    """Whether the path names something that a new file must not take the place of."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _replace(target: Path, data: bytes) -> None:
    """Write beside the target, then rename: within one folder that is atomic."""
    temporary = target.with_name(f".glasswatch-{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(target, temporary)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
