from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.models import yamnet
from tests.unit.models.bundles import bundle

Floats = npt.NDArray[Any]

CLASSES = "index,mid,display_name\n" + "".join(f'{i},/m/{i},"Class {i}, or so"\n' for i in range(yamnet.CLASSES))
CARD = Path(yamnet.__file__).parent / "files" / "yamnet"


@pytest.fixture(scope="module")
def variables() -> dict[str, npt.NDArray[np.float32]]:
    """Random variables, in TensorFlow's layouts, that keep a signal's size from layer to layer."""
    rng = np.random.default_rng(7)
    found = {}
    layer = 0

    def add(what: str, values: Floats) -> None:
        found[yamnet.VARIABLE.format(layer, what)] = values.astype(np.float32)

    def normalised(what: str, shape: tuple[int, ...], inputs: int, filters: int) -> None:
        nonlocal layer
        add(what, rng.normal(0, (2 / inputs) ** 0.5, shape))
        layer += 1
        add("beta", rng.normal(0, 0.1, filters))
        add("moving_mean", rng.normal(0, 0.1, filters))
        add("moving_variance", rng.uniform(0.5, 1.5, filters))
        layer += 1

    normalised("kernel", (3, 3, 1, 32), 9, 32)
    channels = 32
    for filters, _ in yamnet.LAYERS:
        normalised("depthwise_kernel", (3, 3, channels, 1), 9, channels)
        normalised("kernel", (1, 1, channels, filters), channels, filters)
        channels = filters
    add("kernel", rng.normal(0, 0.05, (channels, yamnet.CLASSES)))
    add("bias", rng.normal(0, 0.1, yamnet.CLASSES))
    return found


@pytest.fixture(scope="module")
def converted(variables: dict[str, npt.NDArray[np.float32]]) -> dict[str, bytes]:
    index, data = bundle(variables)
    return yamnet.convert({"index": index, "data": data, "classes": CLASSES.encode()})


def same(picture: Floats, kernel: Floats, stride: int) -> Floats:
    """TensorFlow's convolution with padding SAME, (batch, lines, columns, channels); depthwise for one output."""
    size = kernel.shape[0]
    lines, columns = (-(-n // stride) for n in picture.shape[1:3])
    totals = (
        max((out - 1) * stride + size - n, 0) for out, n in zip((lines, columns), picture.shape[1:3], strict=True)
    )
    padded = np.pad(picture, ((0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)))
    depthwise = kernel.shape[3] == 1
    out: Any = 0
    for i in range(size):
        for j in range(size):
            tap = padded[:, i::stride, j::stride][:, :lines, :columns]
            out = out + (tap * kernel[i, j, :, 0] if depthwise else tap @ kernel[i, j])
    return out


def tensorflow(variables: dict[str, npt.NDArray[np.float32]], log_mel: Floats) -> tuple[Floats, Floats]:
    """The network as its definition says, in double precision."""
    layer = 0

    def value(what: str) -> Floats:
        return variables[yamnet.VARIABLE.format(layer, what)].astype(np.float64)

    def normalised(what: str, picture: Floats, stride: int) -> Floats:
        nonlocal layer
        out = same(picture, value(what), stride)
        layer += 1
        out = (out - value("moving_mean")) / np.sqrt(value("moving_variance") + 1e-4) + value("beta")
        layer += 1
        return np.maximum(out, 0)

    picture = normalised("kernel", log_mel[..., None].astype(np.float64), 2)
    for stride in (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1):
        picture = normalised("depthwise_kernel", picture, stride)
        picture = normalised("kernel", picture, 1)
    assert picture.shape[1:] == (3, 2, 1024)
    embedding = picture.mean(axis=(1, 2))
    return embedding, 1 / (1 + np.exp(-(embedding @ value("kernel") + value("bias"))))


def test_the_converted_network_computes_what_tensorflow_would(
    variables: dict[str, npt.NDArray[np.float32]], converted: dict[str, bytes]
) -> None:
    log_mel = np.random.default_rng(1).normal(-2, 2, (2, 96, 64)).astype(np.float32)
    session = onnxruntime.InferenceSession(converted["model.onnx"], providers=["CPUExecutionProvider"])
    embedding, scores = session.run(["embedding", "scores"], {"log_mel": log_mel})
    expected = tensorflow(variables, log_mel)
    assert expected[0].std() > 0.01
    np.testing.assert_allclose(embedding, expected[0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(scores, expected[1], atol=1e-4)


def test_every_weight_has_its_name(converted: dict[str, bytes]) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load_model_from_string(converted["model.onnx"]).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert shapes["conv1.weight"] == (32, 1, 3, 3)
    assert shapes["conv1.bias"] == (32,)
    assert shapes["depthwise2.weight"] == (32, 1, 3, 3)
    assert shapes["pointwise2.weight"] == (64, 32, 1, 1)
    assert shapes["depthwise14.bias"] == (1024,)
    assert shapes["pointwise14.weight"] == (1024, 1024, 1, 1)
    assert shapes["logits.weight"] == (521, 1024)
    assert shapes["logits.bias"] == (521,)


def test_the_same_wheel_gives_the_same_bytes(
    variables: dict[str, npt.NDArray[np.float32]], converted: dict[str, bytes]
) -> None:
    index, data = bundle(variables)
    assert yamnet.convert({"index": index, "data": data, "classes": CLASSES.encode()}) == converted


def test_labels_are_one_a_line_in_order(converted: dict[str, bytes]) -> None:
    labels = converted["labels.txt"].decode().splitlines()
    assert labels == [f"Class {i}, or so" for i in range(521)]


def test_another_model_is_refused(variables: dict[str, npt.NDArray[np.float32]]) -> None:
    one_less = dict(variables)
    one_less.pop(yamnet.VARIABLE.format(54, "bias"))
    index, data = bundle(one_less)
    with pytest.raises(ValueError, match=r"no variable .*layer_with_weights-54/bias"):
        yamnet.convert({"index": index, "data": data, "classes": CLASSES.encode()})
    with pytest.raises(ValueError, match="1 classes instead of 521"):
        yamnet.convert({"index": index, "data": data, "classes": b"index,mid,display_name\n0,/m/0,Speech\n"})


def test_the_configuration_says_what_the_network_takes(tmp_path: Path, converted: dict[str, bytes]) -> None:
    folder = tmp_path / "yamnet"
    (folder / "1").mkdir(parents=True)
    (folder / "config.pbtxt").write_bytes((CARD / "config.pbtxt").read_bytes())
    file = ModelRepository(tmp_path).find("yamnet")
    assert {spec.name: spec.shape for spec in file.inputs} == {"log_mel": (-1, 96, 64)}
    assert {spec.name: spec.shape for spec in file.outputs} == {"embedding": (-1, 1024), "scores": (-1, 521)}
    assert (file.max_batch or 0) > 1
