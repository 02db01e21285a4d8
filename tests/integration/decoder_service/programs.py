"""glasswatch as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "glasswatch", *map(str, arguments)]


def environment(kafka: str) -> dict[str, str]:
    return {**os.environ, "GLASSWATCH_KAFKA": kafka, "GLASSWATCH_DEBUG": "1"}


@contextmanager
def decoding(kafka: str, *options: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A decoder, killed at the end if it still runs then."""
    process = subprocess.Popen(
        command("decode", *options),
        env=environment(kafka),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], timeout_s: float) -> int:
    """Its exit status, once it has ended by itself in time; what it printed where it is not 0."""
    _, errors = process.communicate(timeout=timeout_s)
    if process.returncode:
        sys.stderr.write(errors)
    return process.returncode


def glasswatch(kafka: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        command(*arguments), env=environment(kafka), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
