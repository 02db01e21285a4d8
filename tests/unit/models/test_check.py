from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.core.errors import InferenceError
from glasswatch.models import checksums
from glasswatch.models.check import check

ROOT = Path(__file__).parents[3]
OURS = ROOT / "triton_models"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The models that the inference tests run, with their checksums."""
    folder = tmp_path / "models"
    shutil.copytree(ROOT / "tests" / "data" / "triton_models", folder)
    for name in ModelRepository(folder).names():
        model = (folder / name / "1" / "model.onnx").read_bytes()
        (folder / name / "SHA256SUMS").write_text(checksums.to_text({"1/model.onnx": model}), "utf-8")
    return folder


@pytest.mark.parametrize("name", ModelRepository(OURS).names())
def test_every_model_of_this_checkout_is_right(name: str) -> None:
    assert check(OURS, name).name == name


@pytest.mark.parametrize("name", ["identity_scale", "slow"], ids=["with a batch", "without"])
def test_what_is_right(repository: Path, name: str) -> None:
    assert check(repository, name).version == 1


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('name: "x"', 'name: "z"', r"names the inputs \['z'\]"),
        ('name: "y"', 'name: "z"', r"names the outputs \['z'\]"),
        ("TYPE_FP32 dims: [-1] }]\noutput", "TYPE_FP64 dims: [-1] }]\noutput", "float"),
        ('"y" data_type: TYPE_FP32', '"y" data_type: TYPE_FP64', "output y is float64"),
        (
            '"y" data_type: TYPE_FP32 dims: [-1]',
            '"y" data_type: TYPE_FP32 dims: [3]',
            r"output y is float32 \[any, 3\]",
        ),
        ('"x" data_type: TYPE_FP32 dims: [-1]', '"x" data_type: TYPE_FP32 dims: [-1, 2]', "rank"),
    ],
    ids=["input's name", "output's name", "input's type", "output's type", "output's size", "input's dimensions"],
)
def test_a_configuration_that_is_not_the_models(repository: Path, before: str, after: str, says: str) -> None:
    change(repository / "identity_scale" / "config.pbtxt", before, after)
    with pytest.raises(InferenceError, match=rf"model identity_scale: .*{says}"):
        check(repository, "identity_scale")


def test_a_model_that_was_exported_for_single_items(repository: Path) -> None:
    onnx = pytest.importorskip("onnx")
    path = repository / "identity_scale" / "1" / "model.onnx"
    model = onnx.load_model(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save_model(model, path)
    sums = checksums.to_text({"1/model.onnx": path.read_bytes()})
    (repository / "identity_scale" / "SHA256SUMS").write_text(sums, "utf-8")
    with pytest.raises(InferenceError, match="identity_scale"):
        check(repository, "identity_scale")


@pytest.mark.parametrize(
    ("sums", "says"),
    [
        (None, r"no SHA256SUMS \(`sha256sum 1/model.onnx > SHA256SUMS`"),
        ("", "1/model.onnx is not in SHA256SUMS"),
        (f"{'0' * 64}  1/model.onnx\n", "1/model.onnx is not the file that it was"),
        (f"{'0' * 64}  ../other/model.onnx\n", "not as sha256sum writes it"),
        (f"{'0' * 64}  /etc/passwd\n", "not as sha256sum writes it"),
        ("abc  1/model.onnx\n", "not as sha256sum writes it"),
        ("\xff", "SHA256SUMS cannot be read"),
    ],
    ids=["none", "empty", "another", "outside", "absolute", "short", "no text"],
)
def test_checksums_that_do_not_hold(repository: Path, sums: str | None, says: str) -> None:
    path = repository / "identity_scale" / "SHA256SUMS"
    path.unlink()
    if sums is not None:
        path.write_bytes(sums.encode("latin-1"))
    with pytest.raises(InferenceError, match=f"model identity_scale: .*{says}"):
        check(repository, "identity_scale")


def test_a_file_that_is_listed_and_gone(repository: Path) -> None:
    with (repository / "identity_scale" / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  labels.txt\n")
    with pytest.raises(InferenceError, match=r"labels.txt cannot be read: No such file"):
        check(repository, "identity_scale")


def test_a_damaged_model(repository: Path) -> None:
    path = repository / "identity_scale" / "1" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InferenceError, match="is not the file that it was"):
        check(repository, "identity_scale")
    sums = checksums.to_text({"1/model.onnx": path.read_bytes()})
    (repository / "identity_scale" / "SHA256SUMS").write_text(sums, "utf-8")
    with pytest.raises(InferenceError, match="model identity_scale: "):
        check(repository, "identity_scale")
