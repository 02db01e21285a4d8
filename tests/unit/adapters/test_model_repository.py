"""Which models of a repository can run, and which version of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.adapters.model_signature import TensorSpec
from glasswatch.core.errors import InferenceError

MINIMAL = """
backend: "onnxruntime"
input [{ name: "x" data_type: TYPE_FP32 dims: [3, -1] }]
output [{ name: "y" data_type: TYPE_INT64 dims: [1] }]
"""

PRODUCTION = """
# What a production server is given besides.
name: "net"
platform: "onnxruntime_onnx"
max_batch_size: 32
default_model_filename: "net.onnx"
input { name: "mel" data_type: TYPE_FP16 format: FORMAT_NONE dims: 96 dims: 64 }
input { name: "length" data_type: TYPE_UINT8 dims: [1] allow_ragged_batch: true }
output [ { name: "scores" data_type: TYPE_FP32 dims: [521] label_filename: "labels.txt" } ]
version_policy: { latest { num_versions: 2 } }
instance_group [ { count: 2 kind: KIND_GPU gpus: [0, 1] rate_limiter { resources [ { name: "R1" count: 4 } ] } } ]
dynamic_batching {
  preferred_batch_size: [8, 16]
  max_queue_delay_microseconds: 2000
  default_queue_policy { timeout_action: REJECT default_timeout_microseconds: 500000 max_queue_size: 64 }
}
parameters { key: "intra_op_thread_count" value: { string_value: "1" } }
optimization { execution_accelerators { gpu_execution_accelerator: [ { name: "tensorrt" } ] } }
model_warmup [ { name: "one" batch_size: 1 inputs { key: "mel" value: { data_type: TYPE_FP16 dims: [96, 64] zero_data: true } } } ]
response_cache { enable: true }
"""  # noqa: E501


def repository(root: Path, config: str, versions: tuple[str, ...] = ("1",)) -> ModelRepository:
    (root / "net").mkdir()
    (root / "net" / "config.pbtxt").write_text(config)
    for version in versions:
        (root / "net" / version).mkdir()
    return ModelRepository(root)


def test_a_minimal_configuration(tmp_path: Path) -> None:
    model = repository(tmp_path, MINIMAL).find("net")
    assert model.path == tmp_path / "net" / "1" / "model.onnx"
    assert model.max_batch is None
    assert model.inputs == (TensorSpec("x", np.dtype(np.float32), (3, -1)),)
    assert model.outputs == (TensorSpec("y", np.dtype(np.int64), (1,)),)


def test_what_only_a_server_needs_is_passed_over(tmp_path: Path) -> None:
    model = repository(tmp_path, PRODUCTION, ("1", "2")).find("net")
    assert model.path == tmp_path / "net" / "2" / "net.onnx"
    assert model.max_batch == 32
    assert model.inputs == (
        TensorSpec("mel", np.dtype(np.float16), (-1, 96, 64)),
        TensorSpec("length", np.dtype(np.uint8), (-1, 1)),
    )
    assert model.outputs == (TensorSpec("scores", np.dtype(np.float32), (-1, 521)),)


@pytest.mark.parametrize(
    ("policy", "version"),
    [
        pytest.param("", 10, id="default"),
        pytest.param("version_policy: { latest {} }", 10, id="latest"),
        pytest.param("version_policy: { latest { num_versions: 2 } }", 10, id="latest-2"),
        pytest.param("version_policy: { all {} }", 10, id="all"),
        pytest.param("version_policy: { specific { versions: [1, 9] } }", 9, id="specific"),
        pytest.param("version_policy: { specific { versions: [2, 12] } }", 2, id="specific-one-is-not-there"),
    ],
)
def test_the_highest_version_that_the_policy_admits_is_served(tmp_path: Path, policy: str, version: int) -> None:
    folders = ("1", "2", "9", "10", "011", "0", "draft", "11.bak")
    assert repository(tmp_path, MINIMAL + policy, folders).find("net").version == version


def test_a_file_is_not_a_version(tmp_path: Path) -> None:
    models = repository(tmp_path, MINIMAL)
    (tmp_path / "net" / "2").write_text("")
    assert models.find("net").version == 1


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param("input [{", "1:8", id="syntax"),
        pytest.param(MINIMAL.replace("TYPE_FP32", "TYPE_FP23"), "TYPE_INVALID|TYPE_FP23", id="unknown-type"),
        pytest.param(MINIMAL.replace("TYPE_FP32", "TYPE_STRING"), "'x' has data_type TYPE_STRING", id="string-type"),
        pytest.param(MINIMAL.replace("TYPE_INT64", "TYPE_BF16"), "'y' has data_type TYPE_BF16", id="bfloat-type"),
        pytest.param(MINIMAL.replace("onnxruntime", "python"), "'python'", id="backend"),
        pytest.param(MINIMAL.replace('backend: "onnxruntime"', 'platform: "ensemble"'), "'ensemble'", id="ensemble"),
        pytest.param(MINIMAL + 'name: "other"', "'other'", id="other-name"),
        pytest.param(MINIMAL + "max_batch_size: -1", "max_batch_size is -1", id="negative-batch"),
        pytest.param(MINIMAL + 'default_model_filename: "../../etc/x.onnx"', "plain file name", id="file-elsewhere"),
        pytest.param(MINIMAL.replace("[3, -1]", "[3, 0]"), r"'x' has dims \[3, 0\]", id="zero-dimension"),
        pytest.param(MINIMAL.replace("[1]", "[]"), r"'y' has dims \[\]", id="no-dimensions"),
        pytest.param(
            MINIMAL.replace("dims: [1]", "dims: [1] reshape { shape: [] }"), "'y' has a reshape", id="reshape"
        ),
        pytest.param("\n".join(MINIMAL.splitlines()[:3]), "no output", id="no-output"),
        pytest.param(MINIMAL + "version_policy: { specific { versions: [7] } }", "version_policy", id="no-version"),
    ],
)
def test_what_cannot_run_is_an_error_that_names_file_and_reason(tmp_path: Path, config: str, reason: str) -> None:
    with pytest.raises(InferenceError, match=reason) as caught:
        repository(tmp_path, config).find("net")
    assert "net" in str(caught.value)
    assert "config.pbtxt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_model_is_answered_with_those_there_are(tmp_path: Path) -> None:
    models = repository(tmp_path, MINIMAL)
    assert models.names() == ["net"]
    with pytest.raises(InferenceError, match=r"it has: net.*`glasswatch models build`"):
        models.find("nets")


def test_a_repository_that_is_not_there_has_no_models(tmp_path: Path) -> None:
    models = ModelRepository(tmp_path / "nowhere")
    assert models.names() == []
    with pytest.raises(InferenceError, match=r"nowhere, which is no folder: .* GLASSWATCH_MODELS"):
        models.find("net")


def test_an_empty_repository_has_none(tmp_path: Path) -> None:
    with pytest.raises(InferenceError, match="it has: none"):
        ModelRepository(tmp_path).find("net")


def test_a_configuration_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    models = repository(tmp_path, MINIMAL)
    (tmp_path / "net" / "config.pbtxt").write_bytes(b"\xff\xfe")
    with pytest.raises(InferenceError, match="net"):
        models.find("net")
