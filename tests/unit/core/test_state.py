from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.detection import Verdict
from glasswatch.core.runs import Reading, Runs
from glasswatch.core.state import decode_state, encode_state
from glasswatch.core.time import Span


class Mode(Enum):
    ON = "on"
    OFF = "off"


@dataclass
class Inner:
    at: Fraction
    label: str | None = None


@dataclass
class State:
    count: int = 0
    level: float = 0.0
    mode: Mode = Mode.ON
    flags: tuple[bool, ...] = ()
    pair: tuple[int, str] = (0, "")
    inner: Inner | None = None
    many: list[Inner] = field(default_factory=list)
    table: dict[str, float] = field(default_factory=dict)
    samples: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))


fractions = st.fractions()
inners = st.builds(Inner, fractions, st.none() | st.text())


@given(
    st.builds(
        State,
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False),
        st.sampled_from(Mode),
        st.lists(st.booleans()).map(tuple),
        st.tuples(st.integers(), st.text()),
        st.none() | inners,
        st.lists(inners, max_size=3),
        st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=3),
    )
)
def test_a_state_survives_the_way_through_bytes(state: State) -> None:
    back = decode_state(encode_state(state), State)
    assert back.samples.dtype == np.float32
    back.samples = state.samples
    assert back == state


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (1, 0, 4)])
def test_arrays_keep_shape_dtype_and_content(shape: tuple[int, ...]) -> None:
    samples = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    back = decode_state(encode_state(State(samples=samples)), State).samples
    assert back.dtype == samples.dtype
    assert np.array_equal(back, samples)
    back[...] = 1  # a restored array can be written


def test_runs_can_be_part_of_a_state() -> None:
    runs = Runs(least=3)
    list(runs.add(Span(0, Fraction(0), Fraction(1, 25)), Reading(Verdict.DEFECT, 0.9, {"luma": 16.0})))
    assert decode_state(encode_state(runs), Runs) == runs


def test_what_cannot_be_restored_is_refused_when_it_is_saved() -> None:
    @dataclass
    class Bad:
        what: object = field(default_factory=object)

    with pytest.raises(TypeError, match="object"):
        encode_state(Bad())


@pytest.mark.parametrize("data", [b"{}", b'{"at": "1/2", "label": null, "more": 1}', b"[]", b"nonsense", b"1"])
def test_a_snapshot_that_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_state(data, Inner)
