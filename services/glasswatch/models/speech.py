"""Silero VAD, which is ONNX already: tells speech from everything else."""

from __future__ import annotations

from collections.abc import Mapping

INPUTS, OUTPUTS = {"input", "h", "c"}, {"speech_probs", "hn", "cn"}


def convert(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of speech: the `network` as it is, and the `licence`.

    Raises:
        ValueError: It is another network, or none.
    """
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with what is next
    from onnx import load_model_from_string  # noqa: PLC0415 - of the extra `models`

    try:
        graph = load_model_from_string(members["network"]).graph
    except DecodeError as error:
        raise ValueError("no ONNX file") from error
    takes, gives = ({port.name for port in ports} for ports in (graph.input, graph.output))
    if (takes, gives) != (INPUTS, OUTPUTS):
        raise ValueError(f"a network from {', '.join(sorted(takes))} to {', '.join(sorted(gives))}")
    return {"model.onnx": members["network"], "LICENSE": members["licence"]}
