"""What servers are made of, fetched once into the user's cache and checked against the lock files of this package.

A file has its name only when it is whole and its checksum is right; an environment counts only when its mark was
written, which comes last. Processes that need the same thing at once wait for the one that fetches it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import urllib.error
import urllib.request
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from glasswatch.config.folders import cache_folder
from glasswatch.runtime.cluster.server import ClusterError

LOCKS = Path(__file__).parent / "locks"

MAVEN_CENTRAL = "https://repo.maven.apache.org/maven2"
MAVEN_VARIABLE = "GLASSWATCH_MAVEN"

_TIMEOUT_S = 60.0
_CONNECTIONS = 4
_MARK = ".complete"


@contextlib.contextmanager
def locked(path: Path, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock file `path`, waiting for other processes that hold it; the kernel frees it when we end.

    Raises:
        ClusterError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise ClusterError(f"cannot write {path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def jars(lock: Path) -> Path:
    """The folder that holds every jar of a lock file (`sha256  path in the repository`, as sha256sum writes it).

    Every file is checked each time: one that was damaged later is fetched again.

    Raises:
        ClusterError: One cannot be fetched, or is not the one that the lock names.
    """
    entries = [line.split() for line in lock.read_text(encoding="utf-8").splitlines()]
    repository = os.environ.get(MAVEN_VARIABLE, MAVEN_CENTRAL).rstrip("/")
    folder = _folder_for(lock)
    with locked(_lock_of(folder)), ThreadPoolExecutor(_CONNECTIONS) as pool:
        folder.mkdir(exist_ok=True)
        list(
            pool.map(lambda entry: _fetch(f"{repository}/{entry[1]}", entry[0], folder / Path(entry[1]).name), entries)
        )
    return folder


def _folder_for(lock: Path, variant: str = "") -> Path:
    """A folder for each content of a lock file, so that versions never mix."""
    return cache_folder() / f"{lock.stem}{variant}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _fetch(url: str, sha256: str, target: Path) -> None:
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == sha256:
        return
    if not url.startswith("https://"):
        raise ClusterError(f"{MAVEN_VARIABLE} must be an https:// address")
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310 - https, see above
            data = response.read()
    except (OSError, urllib.error.URLError) as error:
        raise ClusterError(f"cannot fetch {url}: {error}; {MAVEN_VARIABLE} names another Maven repository") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ClusterError(f"{url} is not the file that it should be: its sha256 is {found}, expected {sha256}")
    part = target.with_name(target.name + ".part")
    part.write_bytes(data)
    part.replace(target)


def python_environment(lock: Path) -> Path:
    """A virtual environment that holds the packages of a requirements file with hashes, and nothing else.

    It is made for the Python that runs now, by pip with its usual configuration.

    Raises:
        ClusterError: pip is missing, or a package cannot be had for this Python and machine.
    """
    folder = _folder_for(lock, f"-py{sys.version_info.major}.{sys.version_info.minor}")
    with locked(_lock_of(folder)):
        # A link to a Python that was removed since then does not exist.
        if not ((folder / _MARK).exists() and python_of(folder).exists()):
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=False, symlinks=True)
            _install(folder, lock)
            (folder / _MARK).touch()
    return folder


def python_of(environment: Path) -> Path:
    """The interpreter of a virtual environment."""
    return environment / "bin" / "python"


def packages_of(environment: Path) -> Path:
    """The site-packages folder of a virtual environment."""
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(environment)}))


def _install(environment: Path, lock: Path) -> None:
    if importlib.util.find_spec("pip") is None:
        raise ClusterError(f"pip is needed to fetch what {lock.name} lists: run `{sys.executable} -m ensurepip`")
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary", ":all:")
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own arguments
        (sys.executable, "-m", "pip", "--python", str(python_of(environment)), "install", *options, "-r", str(lock)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["it gave no reason"]
        raise ClusterError(f"pip could not install what {lock.name} lists: {errors[-1]}")
