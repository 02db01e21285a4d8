"""Finding faces and their landmarks, as ONNX, out of MediaPipe's TensorFlow Lite models.

Pictures go in as they are, and places come out as parts of the picture: the scaling before and the decoding after the
networks are in the models, as MediaPipe 0.10.14 does them (google-ai-edge/mediapipe, mediapipe/modules/face_detection
and mediapipe/modules/face_landmark). Choosing from boxes that overlap is left to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from glasswatch.models import tflite
from glasswatch.models.onnx_graph import Graph, Port
from glasswatch.models.tflite_to_onnx import TO_ONNX, append

DETECTION_PX, BOXES, KEYPOINTS = 128, 896, 6
GRIDS = ((16, 2), (8, 6))
"""Cells each way, and boxes in each cell: strides of 8 and three times 16 (face_detection_short_range.pbtxt)."""

LANDMARKS_PX, LANDMARKS = 192, 468


def convert_detection(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of face_detection: of the `network` face_detection_short_range, and the `licence`.

    Raises:
        ValueError: It is another network.
    """
    network = tflite.read(members["network"])
    _expect(network, DETECTION_PX, [(1, BOXES, 2 * (2 + KEYPOINTS)), (1, BOXES, 1)])
    graph = Graph()
    pixels = graph.add("Div", [_pixels(graph), graph.weight(np.float32(127.5))])
    pixels = graph.add("Sub", [pixels, graph.weight(np.float32(1))])
    places, logits = append(network, graph, pixels)
    graph.add("Sigmoid", [graph.add("Squeeze", [logits, graph.weight([2])])], "scores")
    # Of each box x and y of the centre, width and height, then x and y of each keypoint: pixels from the anchor.
    places = graph.add("Reshape", [places, graph.weight([0, BOXES, 2 + KEYPOINTS, 2])])
    places = graph.add("Div", [places, graph.weight(np.float32(DETECTION_PX))])
    places = graph.add("Add", [places, graph.weight(_origins())])
    centre, size = (graph.add("Gather", [places, graph.weight(i)], axis=2) for i in (0, 1))
    half = graph.add("Div", [size, graph.weight(np.float32(2))])
    corners = [graph.add("Sub", [centre, half]), graph.add("Add", [centre, half])]
    graph.add("Concat", corners, "boxes", axis=2)
    graph.add("Slice", [places, graph.weight([2]), graph.weight([2 + KEYPOINTS]), graph.weight([2])], "keypoints")
    inputs = [Port("frames", "uint8", (DETECTION_PX, DETECTION_PX, 3))]
    outputs = [
        Port("boxes", "float32", (BOXES, 4)),
        Port("keypoints", "float32", (BOXES, KEYPOINTS, 2)),
        Port("scores", "float32", (BOXES,)),
    ]
    return {"model.onnx": graph.model("face_detection", inputs, outputs), "LICENSE": members["licence"]}


def convert_landmarks(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of face_landmarks: of the `network` face_landmark, and the `licence`.

    Raises:
        ValueError: It is another network.
    """
    network = tflite.read(members["network"])
    _expect(network, LANDMARKS_PX, [(1, 1, 1, 3 * LANDMARKS), (1, 1, 1, 1)])
    graph = Graph()
    pixels = graph.add("Div", [_pixels(graph), graph.weight(np.float32(255))])
    places, logit = append(network, graph, pixels)
    places = graph.add("Reshape", [places, graph.weight([0, LANDMARKS, 3])])
    graph.add("Div", [places, graph.weight(np.float32(LANDMARKS_PX))], "landmarks")
    graph.add("Sigmoid", [graph.add("Flatten", [logit])], "presence")
    inputs = [Port("frames", "uint8", (LANDMARKS_PX, LANDMARKS_PX, 3))]
    outputs = [Port("landmarks", "float32", (LANDMARKS, 3)), Port("presence", "float32", (1,))]
    return {"model.onnx": graph.model("face_landmarks", inputs, outputs), "LICENSE": members["licence"]}


def _pixels(graph: Graph) -> str:
    """The input `frames` as numbers, channels before lines."""
    return graph.add("Transpose", [graph.cast("frames", "float32")], perm=TO_ONNX)


def _origins() -> npt.NDArray[np.float32]:
    """What each pair of a box counts from, as parts of the picture: its anchor, but width and height from 0.

    An anchor is the middle of its cell, and no larger or smaller than another (fixed_anchor_size). (1, 896, 8, 2).
    """
    anchors = [
        np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2).repeat(boxes, axis=0)
        for middles, boxes in (((np.arange(cells) + 0.5) / cells, boxes) for cells, boxes in GRIDS)
    ]
    origins = np.concatenate(anchors)[None, :, None].repeat(2 + KEYPOINTS, axis=2)
    origins[:, :, 1] = 0
    return origins.astype(np.float32)


def _expect(network: tflite.Network, size: int, outputs: list[tuple[int, ...]]) -> None:
    """ValueError where a network takes or gives something else."""
    takes = [network.tensors[number].shape for number in network.inputs]
    gives = [network.tensors[number].shape for number in network.outputs]
    if takes != [(1, size, size, 3)] or gives != outputs:
        raise ValueError(f"a network from {takes} to {gives}")
