"""A trained network as a model of the repository: ONNX and config.pbtxt."""

from __future__ import annotations

from pathlib import Path

import torch

from training.block_corruption.network import BlockCorruptionNet, Served
from training.onnx_model import onnx_file, save

CONFIG = """\
# Where in a picture blocks are damaged, and whether the picture is. Card: README.md in this folder.
# frames: R'G'B' of any size; map: probability for each cell of 32 x 32 pixels; score: probability for the picture.
name: "{name}"
backend: "onnxruntime"
max_batch_size: 8
input [{{ name: "frames" data_type: TYPE_UINT8 dims: [-1, -1, 3] }}]
output [
  {{ name: "map" data_type: TYPE_FP32 dims: [-1, -1] }},
  {{ name: "score" data_type: TYPE_FP32 dims: [1] }}
]
dynamic_batching {{ max_queue_delay_microseconds: 5000 }}
"""


def export(net: BlockCorruptionNet, folder: Path, version: int | None) -> Path:
    """Write a version of a model; the folder's name is the model's; None for the next. Returns the ONNX file."""
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("height"), 2: torch.export.Dim("width")}
    example = torch.zeros((2, 64, 96, 3), dtype=torch.uint8)
    target = onnx_file(folder, version)
    save(Served(net).eval(), (example,), (sizes,), ["frames"], ["map", "score"], target)
    (folder / "config.pbtxt").write_text(CONFIG.format(name=folder.name), "utf-8")
    return target
