from __future__ import annotations

import hashlib
import io
import urllib.request
from pathlib import Path
from threading import Event, Thread

import pytest

from glasswatch.config.folders import cache_folder
from glasswatch.runtime.cluster import ClusterError, downloads
from glasswatch.runtime.cluster.downloads import jars, locked, packages_of, python_environment, python_of

FILES = {"org/a/1/a-1.jar": b"first", "org/b/2/b-2.jar": b"second"}


class Repository:
    """Stands for HTTPS: what is served under which address, and what was asked for."""

    def __init__(self) -> None:
        self.files = {f"{downloads.MAVEN_CENTRAL}/{path}": data for path, data in FILES.items()}
        self.asked: list[str] = []

    def open(self, url: str, timeout: float) -> io.BytesIO:
        assert timeout > 0
        self.asked.append(url)
        if url not in self.files:
            raise OSError("not found")
        return io.BytesIO(self.files[url])


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(downloads.MAVEN_VARIABLE, raising=False)


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    served = Repository()
    monkeypatch.setattr(urllib.request, "urlopen", served.open)
    return served


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.jars"
    path.write_text("".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in FILES.items()))
    return path


def found(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_jars_are_fetched_once(repository: Repository, lock: Path) -> None:
    folder = jars(lock)
    assert found(folder) == {"a-1.jar": b"first", "b-2.jar": b"second"}
    assert jars(lock) == folder
    assert len(repository.asked) == 2


def test_a_jar_that_is_not_the_one_of_the_lock_is_refused_and_not_kept(repository: Repository, lock: Path) -> None:
    address = f"{downloads.MAVEN_CENTRAL}/org/b/2/b-2.jar"
    repository.files[address] = b"secon"
    with pytest.raises(ClusterError, match=r"b-2\.jar is not the file that it should be"):
        jars(lock)
    repository.files[address] = b"second"
    assert found(jars(lock))["b-2.jar"] == b"second"


def test_what_an_interrupted_download_left_is_not_used(repository: Repository, lock: Path) -> None:
    folder = jars(lock)
    (folder / "a-1.jar").rename(folder / "a-1.jar.part")
    (folder / "a-1.jar.part").write_bytes(b"fir")
    assert found(jars(lock)) == {"a-1.jar": b"first", "b-2.jar": b"second"}


def test_a_jar_that_was_damaged_later_is_fetched_again(repository: Repository, lock: Path) -> None:
    (jars(lock) / "a-1.jar").write_bytes(b"worst")
    assert found(jars(lock))["a-1.jar"] == b"first"
    assert len(repository.asked) == 3


def test_what_cannot_be_fetched_is_one_line_with_the_address(repository: Repository, lock: Path) -> None:
    repository.files.clear()
    with pytest.raises(ClusterError, match=r"cannot fetch https://.*not found.*GLASSWATCH_MAVEN") as error:
        jars(lock)
    assert "\n" not in str(error.value)


def test_another_repository_can_be_named(repository: Repository, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.files = {f"https://mirror.test/maven/{path}": data for path, data in FILES.items()}
    monkeypatch.setenv(downloads.MAVEN_VARIABLE, "https://mirror.test/maven/")
    assert found(jars(lock)) == {"a-1.jar": b"first", "b-2.jar": b"second"}


def test_only_https_is_asked(repository: Repository, lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(downloads.MAVEN_VARIABLE, "http://mirror.test/maven")
    with pytest.raises(ClusterError, match="https"):
        jars(lock)
    assert not repository.asked


def test_every_lock_file_of_jars_is_well_formed() -> None:
    for path in downloads.LOCKS.glob("*.jars"):
        for line in path.read_text().splitlines():
            sha256, name = line.split()
            assert len(sha256) == 64
            assert name.endswith(".jar")


def test_an_environment_that_was_not_finished_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "some.txt"
    lock.write_text("")
    calls = []

    def install(environment: Path, _lock: Path) -> None:
        assert not (packages_of(environment) / "half").exists()
        (packages_of(environment) / "half").touch()
        calls.append(environment)
        if len(calls) == 1:
            raise ClusterError("the line was cut")

    monkeypatch.setattr(downloads, "_install", install)
    with pytest.raises(ClusterError, match="cut"):
        python_environment(lock)
    environment = python_environment(lock)
    assert python_environment(lock) == environment
    assert len(calls) == 2
    python_of(environment).unlink()  # As when the Python that it was made from is removed.
    python_environment(lock)
    assert len(calls) == 3


def test_pip_says_in_one_line_what_it_cannot_install(tmp_path: Path) -> None:
    lock = tmp_path / "some.txt"
    lock.write_text("no-hash-here==1\n")
    with pytest.raises(ClusterError, match=r"some\.txt") as error:
        python_environment(lock)
    assert "\n" not in str(error.value)


def test_the_cache_is_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache" / "glasswatch"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "glasswatch"


def test_a_lock_keeps_others_waiting_and_tells_them(tmp_path: Path) -> None:
    waiting, entered = Event(), Event()

    def enter() -> None:
        with locked(tmp_path / "lock", waiting.set):
            entered.set()

    other = Thread(target=enter)
    with locked(tmp_path / "lock"):
        other.start()
        assert waiting.wait(20)
        assert not entered.is_set()
    other.join(20)
    assert entered.is_set()
