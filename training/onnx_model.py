"""A network as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from glasswatch.models import checksums

OPSET = 18
"""Old enough for the ONNX Runtime of a Triton server of the last years."""


def onnx_file(folder: Path, version: int | None) -> Path:
    """Where a version of the model in a folder is written; None is one more than the highest there is."""
    there = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    return folder / str(version or max(there, default=0) + 1) / "model.onnx"


def save(
    net: nn.Module,
    example: tuple[torch.Tensor, ...],
    sizes: tuple[dict[int, Any], ...],
    inputs: list[str],
    outputs: list[str],
    target: Path,
) -> Path:
    """Export a network that is ready to be served.

    Args:
        net: In eval mode.
        example: Arguments of a call.
        sizes: For each of them the dimensions that may have any size, as `torch.export.Dim`.
        inputs: Names of the arguments.
        outputs: Names of what is returned.
        target: The file, in the folder of its version in that of the model; SHA256SUMS is written there too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    program = torch.onnx.export(
        net,
        example,
        input_names=inputs,
        output_names=outputs,
        dynamic_shapes=sizes,
        opset_version=OPSET,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    # What the exporter notes for debugging tells of the machine that it ran on.
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    del model.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)
    folder = target.parents[1]
    versions = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob(f"*/{target.name}")}
    folder.joinpath(checksums.FILE).write_text(checksums.to_text(versions), "utf-8")
    return target
