"""Clips of media, cut by FFmpeg."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import imageio_ffmpeg

from bench.provenance import digest
from glasswatch.core.errors import GlasswatchError

TIMEOUT_S = 600


def cut(arguments: Sequence[str], target: Path, name: str) -> None:
    """Write `target` by FFmpeg's arguments, which say the input and everything but the output.

    Raises:
        GlasswatchError: FFmpeg cannot; it begins with `name`.
    """
    part = target.with_suffix(f".{os.getpid()}.part{target.suffix}")  # two jobs may want one clip at once
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments, str(part)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise GlasswatchError(f"{name}: {(done.stderr.strip().splitlines() or ['FFmpeg failed'])[-1]}")
    part.replace(target)


@cache
def simulator_code(*names: str) -> str:
    """Hash of files of the simulator, by their paths in it: for the names of what they have made."""
    package = Path(str(resources.files("glasswatch.simulator")))
    return digest((package / name).read_bytes() for name in names)
