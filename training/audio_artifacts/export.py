"""A trained network as a model of the repository: ONNX and config.pbtxt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from glasswatch.detectors.audio.artifact_features import CLASSES, features
from training.audio_artifacts.fit import PRIOR
from training.audio_artifacts.network import AudioArtifactsNet, Served
from training.onnx_model import onnx_file, save

CONFIG = """\
# What is wrong with a second of one channel of sound. Card: README.md in this folder.
# Inputs: glasswatch.detectors.audio.artifact_features.features. classes: probabilities of {classes}.
name: "{name}"
backend: "onnxruntime"
max_batch_size: 32
input [
{inputs}
]
output [{{ name: "classes" data_type: TYPE_FP32 dims: [{count}] }}]
dynamic_batching {{ max_queue_delay_microseconds: 5000 }}
"""


def export(net: AudioArtifactsNet, folder: Path, version: int | None) -> Path:
    """Write a version of a model; the folder's name is the model's; None for the next. Returns the ONNX file."""
    example = {k: torch.from_numpy(v) for k, v in features(np.zeros((2, 8_000), np.float32), 8_000).items()}
    target = save(
        Served(net, PRIOR).eval(),
        tuple(example.values()),
        tuple({0: torch.export.Dim("batch")} for _ in example),
        list(example),
        ["classes"],
        onnx_file(folder, version),
    )
    inputs = [
        f'  {{ name: "{k}" data_type: TYPE_FP32 dims: [{", ".join(map(str, v.shape[1:]))}] }}'
        for k, v in example.items()
    ]
    text = CONFIG.format(name=folder.name, inputs=",\n".join(inputs), classes=", ".join(CLASSES), count=len(CLASSES))
    (folder / "config.pbtxt").write_text(text, "utf-8")
    return target
