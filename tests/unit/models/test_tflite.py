from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.models import tflite
from glasswatch.models.tflite import Kind
from tests.unit.models.tflite_files import Model

CUSTOM, NEWER = 32, 150
QUANTISED = 9


def small() -> Model:
    """A picture of 4 x 4 to 2 x 2, and what it is worth."""
    model = Model()
    picture = model.empty(1, 4, 4, 2)
    smaller = model.convolve(picture, np.arange(24).reshape(3, 2, 2, 2), (1, 2, 2, 3), stride=2, padding=0)
    model.inputs, model.outputs = (picture,), (model.step(Kind.RELU, [smaller], (1, 2, 2, 3)),)
    return model


def test_a_network_is_read_as_it_was_written() -> None:
    network = tflite.read(small().content())
    kinds = [operator.kind for operator in network.operators]
    assert kinds == [Kind.DEQUANTIZE, Kind.DEQUANTIZE, Kind.CONV_2D, Kind.RELU]
    convolution, relu = network.operators[2:]
    assert relu.inputs == (convolution.output,)
    assert network.outputs == (relu.output,)
    assert [network.tensors[number].shape for number in network.inputs] == [(1, 4, 4, 2)]
    kernel = network.tensors[network.operators[0].inputs[0]].values
    assert kernel is not None
    assert kernel.dtype == np.float16
    assert kernel.tolist() == np.arange(24).reshape(3, 2, 2, 2).tolist()
    assert network.tensors[convolution.output].values is None
    assert convolution.options is not None
    assert [convolution.options.integer(field, "i") for field in (1, 2)] == [2, 2]
    assert convolution.options.integer(4, "i", 1) == 1


def other_file(model: Model) -> None:
    model.identifier = b"TFL2"


def other_version(model: Model) -> None:
    model.version = 4


def two_networks(model: Model) -> None:
    model.subgraphs = 2


def custom(model: Model) -> None:
    model.step(CUSTOM, [0], (1, 4, 4, 2))


def newer(model: Model) -> None:
    model.step(NEWER, [0], (1, 4, 4, 2))


def nowhere(model: Model) -> None:
    model.step(Kind.RELU, [99], (1, 4, 4, 2))


def omitted(model: Model) -> None:
    model.step(Kind.RELU, [-1], (1, 4, 4, 2))


def quantised(model: Model) -> None:
    model.empty(1, 2, kind=QUANTISED)


def sparse(model: Model) -> None:
    model.sparse = True


def short(model: Model) -> None:
    model.tensors.append(((3, 3), 0, np.zeros(8, np.float32)))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (other_file, "no TFL3 file"),
        (other_version, "schema version 4, not 3"),
        (two_networks, "2 subgraphs instead of one"),
        (custom, "operator of code 32; only ADD, CONCATENATION, CONV_2D"),
        (newer, "operator of code 150"),
        (nowhere, "tensor that is not there"),
        (omitted, "tensor that is not there"),
        (quantised, "tensor of type 9"),
        (sparse, "sparse"),
        (short, r"32 bytes for a tensor of shape \(3, 3\)"),
    ],
)
def test_what_is_not_read_is_refused_in_one_line(spoil: Callable[[Model], None], says: str) -> None:
    model = small()
    spoil(model)
    with pytest.raises(ValueError, match=says) as refused:
        tflite.read(model.content())
    assert "\n" not in str(refused.value)


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(small().content())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[:end])):
        with contextlib.suppress(ValueError):
            tflite.read(damaged)
