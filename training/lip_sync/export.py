"""A trained network as a model of the repository: ONNX and config.pbtxt."""

from __future__ import annotations

from pathlib import Path

import torch

from glasswatch.detectors.sync.features import BANDS, MOUTH_FEATURES, SOUND_STEPS
from training.lip_sync.network import Ensemble
from training.onnx_model import onnx_file, save

CONFIG = """\
# How mouths and sound look to each other, step by step. Card: README.md in this folder.
# Inputs: glasswatch.detectors.sync.features.mouth and .sound. Outputs: for glasswatch.detectors.sync.offset.similarity.
name: "{name}"
backend: "onnxruntime"
max_batch_size: 16
input [
  {{ name: "mouth" data_type: TYPE_FP32 dims: [-1, {features}] }},
  {{ name: "sound" data_type: TYPE_FP32 dims: [-1, {bands}] }}
]
output [
  {{ name: "seen" data_type: TYPE_FP32 dims: [-1, {size}] }},
  {{ name: "heard" data_type: TYPE_FP32 dims: [-1, {size}] }}
]
dynamic_batching {{ max_queue_delay_microseconds: 5000 }}
"""


def export(net: Ensemble, folder: Path, version: int | None) -> Path:
    """Write a version of a model; the folder's name is the model's; None for the next. Returns the ONNX file."""
    batch, steps, heard = (torch.export.Dim(name) for name in ("batch", "steps", "heard"))
    target = save(
        net.eval(),
        (torch.zeros(2, 50, MOUTH_FEATURES), torch.zeros(2, SOUND_STEPS * 90, BANDS)),
        ({0: batch, 1: steps}, {0: batch, 1: SOUND_STEPS * heard}),
        ["mouth", "sound"],
        ["seen", "heard"],
        onnx_file(folder, version),
    )
    size = net.size
    text = CONFIG.format(name=folder.name, features=MOUTH_FEATURES, bands=BANDS, size=size)
    (folder / "config.pbtxt").write_text(text, "utf-8")
    return target
