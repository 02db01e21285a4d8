"""When, where and with what a measurement was taken."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import imageio_ffmpeg

PACKAGES = ("glasswatch", "av", "numpy", "onnxruntime", "imageio-ffmpeg")


def provenance(module: str, hidden: Mapping[str, str]) -> dict[str, Any]:
    """Date, command, machine and versions.

    Results are published and folders of a machine are not: `hidden` paths appear in the command by the names they map
    to, other absolute paths by their last part.
    """
    words = [hidden.get(word, Path(word).name if Path(word).is_absolute() else word) for word in sys.argv[1:]]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", module, *words]),
        "machine": {
            "cpu": cpu_model(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}",
            "load_average_at_start": round(os.getloadavg()[0], 2),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in PACKAGES},
            "ffmpeg": imageio_ffmpeg.get_ffmpeg_version(),
        },
    }


def headline(origin: Mapping[str, Any]) -> str:
    """One line of `provenance` for the foot of a table."""
    machine, versions = origin["machine"], origin["versions"]
    return (
        f"{origin['date'][:10]}, `{origin['command']}`, {machine['cpu']}, {machine['cores']} cores "
        f"(load {machine['load_average_at_start']} at the start), glasswatch {versions['glasswatch']}, "
        f"PyAV {versions['av']}, FFmpeg {versions['ffmpeg']}"
    )


def cpu_model() -> str:
    """Name of the processor, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def digest(parts: Iterable[str | bytes]) -> str:
    """Name of a cached file: 16 hexadecimal digits of a hash over the parts."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() if isinstance(part, str) else part)
        sha.update(b"\0")
    return sha.hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
