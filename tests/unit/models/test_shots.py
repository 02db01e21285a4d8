from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.models import shots
from tests.unit.models.torch_files import save

pytest.importorskip("onnx")

Floats = npt.NDArray[Any]
Weights = dict[str, npt.NDArray[np.float32]]

CARD = Path(shots.__file__).parent / "files" / "shots"


@pytest.fixture(scope="module")
def weights() -> Weights:
    """Random weights that keep a signal's size from layer to layer."""
    rng = np.random.default_rng(7)
    made = {}

    def add(name: str, shape: tuple[int, ...], inputs: int, gain: float = 2) -> None:
        made[name] = rng.normal(0, (gain / inputs) ** 0.5, shape)

    def linear(name: str, inputs: int, outputs: int) -> None:
        add(f"{name}.weight", (outputs, inputs), inputs)
        add(f"{name}.bias", (outputs,), 10)

    channels = 3
    for stage in range(3):
        filters = 16 * 2**stage
        for layer in range(2):
            name = f"SDDCNN.{stage}.DDCNN.{layer}"
            for dilation in (1, 2, 4, 8):
                add(f"{name}.Conv3D_{dilation}.layers.0.weight", (2 * filters, channels, 1, 3, 3), 9 * channels, 1)
                add(f"{name}.Conv3D_{dilation}.layers.1.weight", (filters, 2 * filters, 3, 1, 1), 6 * filters, 1)
            channels = 4 * filters
            for what, low, high in (("weight", 0.5, 1.5), ("bias", -0.3, 0.3), ("running_mean", -0.3, 0.3)):
                made[f"{name}.bn.{what}"] = rng.uniform(low, high, channels)
            made[f"{name}.bn.running_var"] = rng.uniform(0.2, 3, channels)
    linear("frame_sim_layer.projection", 448, 128)
    linear("frame_sim_layer.fc", 101, 128)
    linear("color_hist_layer.fc", 101, 128)
    linear("fc1", 4864, 1024)
    linear("cls_layer1", 1024, 1)
    linear("cls_layer2", 1024, 1)
    return {name: values.astype(np.float32) for name, values in made.items()}


def convolution(x: Floats, kernel: Floats, dilation: int) -> Floats:
    """Over (time, lines, columns, channels), as large as before."""
    reach = [(size - 1) // 2 * step for size, step in zip(kernel.shape[2:], (dilation, 1, 1), strict=True)]
    padded = np.pad(x, [*((n, n) for n in reach), (0, 0)])
    times, lines, columns = x.shape[:3]
    out: Any = 0
    for t, i, j in np.ndindex(*kernel.shape[2:]):
        seen = padded[t * dilation : t * dilation + times, i : i + lines, j : j + columns]
        out = out + seen @ kernel[:, :, t, i, j].T
    return out


def transnet(weights: Weights, frames: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """The network as its definition says; frames (100, 27, 48, 3)."""

    def linear(name: str, x: Floats) -> Floats:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def layer(name: str, x: Floats) -> Floats:
        parts = []
        for dilation in (1, 2, 4, 8):
            part = convolution(x, weights[f"{name}.Conv3D_{dilation}.layers.0.weight"], 1)
            parts.append(convolution(part, weights[f"{name}.Conv3D_{dilation}.layers.1.weight"], dilation))
        mean, variance = weights[f"{name}.bn.running_mean"], weights[f"{name}.bn.running_var"]
        normal = (np.concatenate(parts, axis=-1) - mean) / np.sqrt(variance + np.float32(1e-3))
        return normal * weights[f"{name}.bn.weight"] + weights[f"{name}.bn.bias"]

    def neighbours(vectors: Floats) -> Floats:
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        alike = unit @ unit.T
        found = np.zeros((100, 101), np.float32)
        for time in range(100):
            for k in range(101):
                if 0 <= time + k - 50 < 100:
                    found[time, k] = alike[time, time + k - 50]
        return found

    x: Floats = frames.astype(np.float32) / np.float32(255)
    means = []
    for stage in range(3):
        first = np.maximum(layer(f"SDDCNN.{stage}.DDCNN.0", x), 0)
        x = np.maximum(layer(f"SDDCNN.{stage}.DDCNN.1", first), 0) + first
        lines, columns = x.shape[1] // 2, x.shape[2] // 2
        x = x[:, : 2 * lines, : 2 * columns].reshape(100, lines, 2, columns, 2, -1).mean(axis=(2, 4))
        means.append(x.mean(axis=(1, 2)))
    projected = linear("frame_sim_layer.projection", np.concatenate(means, axis=1))
    similarity = np.maximum(linear("frame_sim_layer.fc", neighbours(projected)), 0)
    red, green, blue = (frames // 32).astype(int).transpose(3, 0, 1, 2)
    bins = (64 * red + 8 * green + blue).reshape(100, -1)
    histograms = np.stack([np.bincount(line, minlength=512) for line in bins])
    colours = np.maximum(linear("color_hist_layer.fc", neighbours(histograms)), 0)
    x = np.concatenate([colours, similarity, x.reshape(100, -1)], axis=1)
    x = np.maximum(linear("fc1", x), 0)
    cuts, transitions = (linear(name, x)[:, 0] for name in ("cls_layer1", "cls_layer2"))
    return 1 / (1 + np.exp(-cuts)), 1 / (1 + np.exp(-transitions))


def test_the_converted_network_computes_what_pytorch_would(weights: Weights) -> None:
    content = shots.convert({"weights": save(weights), "licence": b"terms"})["model.onnx"]
    rng = np.random.default_rng(1)
    # Two scenes with a little noise, so that there is something to tell apart; the other item of the batch is noise.
    scenes = rng.integers(0, 246, (2, 27, 48, 3)).repeat(50, axis=0)
    frames = np.stack([rng.integers(0, 256, scenes.shape), scenes + rng.integers(0, 10, scenes.shape)]).astype(np.uint8)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    cuts, transitions = session.run(["cuts", "transitions"], {"frames": frames})
    expected = transnet(weights, frames[1])
    assert expected[0].std() > 0.01
    np.testing.assert_allclose(cuts[1], expected[0], atol=1e-4)
    np.testing.assert_allclose(transitions[1], expected[1], atol=1e-4)


def test_another_network_is_refused(weights: Weights) -> None:
    one_less = {name: array for name, array in weights.items() if name != "cls_layer2.bias"}
    with pytest.raises(ValueError, match=r"no tensor cls_layer2\.bias"):
        shots.to_onnx(one_less)
    with pytest.raises(ValueError, match=r"tensor fc1\.bias is float32 \(3,\), not float32 \(1024,\)"):
        shots.to_onnx({**weights, "fc1.bias": np.zeros(3, np.float32)})


def test_the_configuration_says_what_the_network_takes_and_gives(tmp_path: Path, weights: Weights) -> None:
    (tmp_path / "shots" / "1").mkdir(parents=True)
    (tmp_path / "shots" / "config.pbtxt").write_bytes((CARD / "config.pbtxt").read_bytes())
    file = ModelRepository(tmp_path).find("shots")
    session = onnxruntime.InferenceSession(shots.to_onnx(weights), providers=["CPUExecutionProvider"])
    for specs, ports in ((file.inputs, session.get_inputs()), (file.outputs, session.get_outputs())):
        assert {spec.name: spec.shape[1:] for spec in specs} == {port.name: tuple(port.shape[1:]) for port in ports}
    assert (file.max_batch or 0) > 1
