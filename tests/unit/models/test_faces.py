from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.models import faces
from glasswatch.models.tflite import Kind
from tests.unit.models.tflite_files import Model

pytest.importorskip("onnx")

Floats = npt.NDArray[Any]

CARDS = Path(faces.__file__).parent / "files"
VALID = 1
RNG = np.random.default_rng(5)


def kernel(*shape: int) -> Floats:
    return RNG.normal(0, 0.5, shape).astype(np.float16).astype(np.float64)


KERNELS = {(cells, values): kernel(boxes * values, 1, 1, 3) for cells, boxes in ((16, 2), (8, 6)) for values in (16, 1)}


def detection() -> Model:
    """A network with the inputs and outputs of the real one, that looks at one pixel for each cell."""
    model = Model()
    model.inputs = (model.empty(1, 128, 128, 3),)
    outputs = []
    for values in (16, 1):
        parts = []
        for cells, boxes in ((16, 2), (8, 6)):
            shape = (1, cells, cells, boxes * values)
            found = model.convolve(0, KERNELS[cells, values], shape, stride=128 // cells, padding=VALID)
            parts.append(model.step(Kind.RESHAPE, [found], (1, cells * cells * boxes, values)))
        outputs.append(model.step(Kind.CONCATENATION, parts, (1, 896, values), {0: ("Int32", 1)}))
    model.outputs = tuple(outputs)
    return model


LANDMARK_KERNEL, PRESENCE_KERNEL = kernel(1404, 3, 3, 3), kernel(1, 3, 3, 3)


def landmarks() -> Model:
    """A network with the inputs and outputs of the real one, that looks at the brightest pixels of nine squares."""
    model = Model()
    model.inputs = (model.empty(1, 192, 192, 3),)
    options = {0: ("Int8", VALID), 1: ("Int32", 64), 2: ("Int32", 64), 3: ("Int32", 64), 4: ("Int32", 64)}
    squares = model.step(Kind.MAX_POOL_2D, [0], (1, 3, 3, 3), options)
    model.outputs = (
        model.convolve(squares, LANDMARK_KERNEL, (1, 1, 1, 1404), stride=1, padding=VALID),
        model.convolve(squares, PRESENCE_KERNEL, (1, 1, 1, 1), stride=1, padding=VALID),
    )
    return model


def run(content: bytes, frames: Floats) -> dict[str, Floats]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"frames": frames}), strict=True))


def bias(count: int) -> Floats:
    return np.linspace(-1, 1, count).astype(np.float16).astype(np.float64)


def test_boxes_are_decoded_from_their_anchors() -> None:
    converted = faces.convert_detection({"network": detection().content(), "licence": b"terms"})
    assert converted["LICENSE"] == b"terms"
    frames = RNG.integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    found = run(converted["model.onnx"], frames)
    assert {name: array.shape for name, array in found.items()} == {
        "boxes": (2, 896, 4),
        "keypoints": (2, 896, 6, 2),
        "scores": (2, 896),
    }
    box = 0
    for cells, boxes in ((16, 2), (8, 6)):
        step = 128 // cells
        for line in range(cells):
            for column in range(cells):
                pixel = frames[:, line * step, column * step] / 127.5 - 1
                places = pixel @ KERNELS[cells, 16][:, 0, 0].T + bias(16 * boxes)
                logits = pixel @ KERNELS[cells, 1][:, 0, 0].T + bias(boxes)
                for k in range(boxes):
                    x, y, width, height, *points = (places[:, 16 * k : 16 * k + 16] / 128).T
                    x, y = x + (column + 0.5) / cells, y + (line + 0.5) / cells
                    corners = np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=-1)
                    np.testing.assert_allclose(found["boxes"][:, box], corners, atol=1e-6)
                    np.testing.assert_allclose(
                        found["keypoints"][:, box, 4],
                        np.stack([points[8] + (column + 0.5) / cells, points[9] + (line + 0.5) / cells], axis=-1),
                        atol=1e-6,
                    )
                    np.testing.assert_allclose(found["scores"][:, box], 1 / (1 + np.exp(-logits[:, k])), atol=1e-6)
                    box += 1
    assert box == 896


def test_landmarks_are_parts_of_the_picture() -> None:
    converted = faces.convert_landmarks({"network": landmarks().content(), "licence": b"terms"})
    frames = RNG.integers(0, 256, (3, 192, 192, 3), dtype=np.uint8)
    found = run(converted["model.onnx"], frames)
    squares = frames.reshape(3, 3, 64, 3, 64, 3).max(axis=(2, 4)) / 255
    places = np.einsum("bxyc,oxyc->bo", squares, LANDMARK_KERNEL) + bias(1404)
    np.testing.assert_allclose(found["landmarks"], places.reshape(3, 468, 3) / 192, atol=1e-6)
    logits = np.einsum("bxyc,oxyc->bo", squares, PRESENCE_KERNEL) + bias(1)
    np.testing.assert_allclose(found["presence"], 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a network from \[\(1, 192, 192, 3\)\] to"):
        faces.convert_detection({"network": landmarks().content(), "licence": b""})
    with pytest.raises(ValueError, match="no TFL3 file"):
        faces.convert_landmarks({"network": b"<html></html>", "licence": b""})


@pytest.mark.parametrize(
    ("name", "convert"), [("face_detection", faces.convert_detection), ("face_landmarks", faces.convert_landmarks)]
)
def test_the_configuration_says_what_the_network_takes_and_gives(tmp_path: Path, name: str, convert: Any) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "1").mkdir()
    (folder / "config.pbtxt").write_bytes((CARDS / name / "config.pbtxt").read_bytes())
    file = ModelRepository(tmp_path).find(name)
    network = detection() if name == "face_detection" else landmarks()
    content = convert({"network": network.content(), "licence": b""})["model.onnx"]
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for specs, ports in ((file.inputs, session.get_inputs()), (file.outputs, session.get_outputs())):
        assert {spec.name: spec.shape[1:] for spec in specs} == {port.name: tuple(port.shape[1:]) for port in ports}
    assert (file.max_batch or 0) > 1
