from __future__ import annotations

from collections.abc import Sequence

import pytest

from glasswatch.models import speech
from glasswatch.models.onnx_graph import Graph, Port

pytest.importorskip("onnx")


def network(inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    graph = Graph()
    for source, output in zip(inputs, outputs, strict=True):
        graph.add("Identity", [source], output)
    ports = [[Port(name, "float32", (1,)) for name in names] for names in (inputs, outputs)]
    return graph.model("test", *ports)


def test_the_network_is_taken_as_it_is() -> None:
    content = network(["input", "h", "c"], ["speech_probs", "hn", "cn"])
    assert speech.convert({"network": content, "licence": b"terms"}) == {"model.onnx": content, "LICENSE": b"terms"}


def test_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="a network from input, sr to cn, output"):
        speech.convert({"network": network(["input", "sr"], ["output", "cn"]), "licence": b""})
    with pytest.raises(ValueError, match="no ONNX file"):
        speech.convert({"network": b"<html></html>", "licence": b""})
