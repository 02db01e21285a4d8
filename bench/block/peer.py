"""FFmpeg's blockdetect on the same pictures."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from bench.block.frames import NEED, SAME_TIME_S, Look
from glasswatch.core.errors import GlasswatchError

TIMEOUT_S = 600
_READING = re.compile(r"pts_time:([\d.]+)\s+lavfi\.block=([\d.]+|-?nan|inf)")


def with_blockiness(looks: Sequence[Look], path: Path) -> tuple[Look, ...]:
    """The pictures with blockdetect's value of each, where it has one."""
    values = blockdetect(path)
    times = np.array([time for time, _ in values])
    found = []
    for look in looks:
        number = int(np.searchsorted(times, look.time_s - SAME_TIME_S))
        hit = number < len(times) and times[number] <= look.time_s + SAME_TIME_S
        found.append(replace(look, peer=values[number][1]) if hit else look)
    return tuple(found)


def blockdetect(path: Path) -> list[tuple[float, float]]:
    """Time in seconds from the start of the file and blockiness of each picture.

    Raises:
        GlasswatchError: FFmpeg gives none.
    """
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-threads", "1", "-noautorotate"),
        *("-i", str(path), "-map", "0:v:0", "-fps_mode", "passthrough"),
        *("-vf", f"scale=-2:min({NEED.lines}\\,ih),blockdetect,metadata=print:key=lavfi.block:file=-"),
        *("-f", "null", "-"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise GlasswatchError(f"{path.name}: blockdetect took more than {TIMEOUT_S} s") from error
    values = parse(done.stdout)
    if not values:
        raise GlasswatchError(f"{path.name}: {(done.stderr.strip().splitlines() or ['blockdetect gave nothing'])[-1]}")
    return values


def parse(log: str) -> list[tuple[float, float]]:
    """What the filter `metadata` has printed, in order of time; values that are no number are left out."""
    found = [(float(time), float(value)) for time, value in _READING.findall(log)]
    return sorted((time, value) for time, value in found if np.isfinite(value))
