from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from glasswatch.core.detection import Event, Severity
from glasswatch.core.media import FrameChunk
from tests.support import events_of, frame_chunks
from tests.unit.detectors.video.contract import assert_same_however_cut, cuts
from tests.unit.detectors.video.pictures import COLUMNS, LINES, chunks, fade, flat, neutral, scene

Planes = tuple[np.ndarray, np.ndarray, np.ndarray]

BARS_75 = {  # EBU bars 100/0/75/0 in ITU-R BT.601 codes: luma, Cb, Cr
    "white": (235, 128, 128),
    "yellow": (162, 44, 142),
    "cyan": (131, 156, 44),
    "green": (112, 72, 58),
    "magenta": (84, 184, 198),
    "red": (65, 100, 212),
    "blue": (35, 212, 114),
    "black": (16, 128, 128),
}


def solid(frames: int, luma: float, cb: float = 128, cr: float = 128) -> Planes:
    return flat(frames, luma), *neutral(frames, cb, cr)


def picture(frames: int, seed: int = 0) -> Planes:
    return scene(frames, seed), *neutral(frames, 118, 140)


def bars(frames: int, names: list[str]) -> Planes:
    def draw(plane: np.ndarray, index: int) -> np.ndarray:
        columns = plane.shape[2]
        edges = np.linspace(0, columns, len(names) + 1).astype(int)
        for name, left, right in zip(names, edges[:-1], edges[1:], strict=True):
            plane[:, :, left:right] = BARS_75[name][index]
        return plane

    return tuple(draw(plane, i) for i, plane in enumerate(solid(frames, 16)))


def smpte_bars(frames: int) -> Planes:
    """Seven bars above, castellations and PLUGE below, as in SMPTE EG 1."""
    upper = bars(frames, list(BARS_75)[:7])
    lower = bars(frames, ["blue", "black", "magenta", "black", "cyan", "black", "white"])
    for above, below in zip(upper, lower, strict=True):
        above[:, above.shape[1] * 2 // 3 :] = below[:, above.shape[1] * 2 // 3 :]
    return upper


def join(*parts: Planes) -> list[FrameChunk]:
    luma, cb, cr = (np.concatenate(planes) for planes in zip(*parts, strict=True))
    return frame_chunks(np.clip(np.rint(luma), 0, 255), (cb, cr))


def solid_events(*parts: Planes) -> list[Event]:
    return events_of("solid_colour", join(*parts))


def frames_of(event: Event) -> tuple[int, int]:
    return int(event.span.start * 25), int(event.span.end * 25)


@pytest.mark.parametrize(
    ("luma", "cb", "cr"),
    [
        pytest.param(128, 128, 128, id="grey"),
        pytest.param(0, 0, 0, id="decoder green"),
        pytest.param(145, 54, 34, id="green"),
        pytest.param(32, 240, 118, id="blue"),
        pytest.param(150, 150, 190, id="pink"),
        pytest.param(90, 128, 128, id="dark grey"),
    ],
)
@pytest.mark.parametrize("frames", [3, 20])
def test_colours_are_found_to_the_frame(luma: int, cb: int, cr: int, frames: int) -> None:
    (event,) = solid_events(picture(10), solid(frames, luma, cb, cr), picture(10, 1))
    assert frames_of(event) == (10, 10 + frames)
    assert event.kind == "uniform"


def test_two_frames_are_too_few() -> None:
    assert not solid_events(picture(10), solid(2, 128), picture(10, 1))


def test_severity_and_colour_are_reported() -> None:
    (event,) = solid_events(picture(10), solid(60, 90, 128, 184), picture(10, 1))
    assert event.severity is Severity.ERROR
    assert event.measurements["luma"] == pytest.approx((90 - 16) / 219)
    assert event.measurements["cr"] == pytest.approx(0.25)


def test_noise_does_not_hide_a_colour() -> None:
    luma, cb, cr = solid(20, 100, 90, 160)
    luma += np.random.default_rng(0).normal(0, 3, luma.shape)
    assert len(solid_events(picture(10), (luma, cb, cr), picture(10, 1))) == 1


def test_residue_on_the_fill_colour_of_a_decoder_is_still_no_picture() -> None:
    luma, cb, cr = solid(20, 128)
    luma[:, :30, 60:200] = scene(20)[:, :30, 60:200]
    (event,) = solid_events((luma, cb, cr), picture(10))
    assert frames_of(event) == (0, 20)
    assert event.severity is Severity.WARNING


@pytest.mark.parametrize("draw", [lambda n: bars(n, list(BARS_75)), smpte_bars], ids=["EBU", "SMPTE"])
def test_bars(draw: Callable[[int], Planes]) -> None:
    luma, cb, cr = draw(30)
    luma = luma + np.random.default_rng(0).normal(0, 1, luma.shape)
    luma[:, 20:30, 90:150] = 235  # a station's name
    (event,) = solid_events(picture(10), (luma, cb, cr), picture(10, 1))
    assert event.kind == "bars"
    assert frames_of(event) == (10, 40)


def title_card() -> Planes:
    luma, cb, cr = solid(40, 200, 110, 150)
    luma[:, 64:70:2, 100:140:3] = 40
    return luma, cb, cr


def sky() -> Planes:
    luma, cb, cr = solid(40, 150, 150, 110)
    return luma + np.linspace(0, 12, LINES)[:, None], cb, cr


def vertical_stripes() -> Planes:
    luma, cb, cr = bars(40, ["red", "white", "blue", "white", "green", "yellow"])
    return luma, cb, cr


@pytest.mark.parametrize(
    "clean",
    [
        pytest.param(title_card(), id="one word on a card"),
        pytest.param(sky(), id="sky"),
        pytest.param(vertical_stripes(), id="stripes"),
        pytest.param(solid(40, 16), id="black"),
        pytest.param(solid(40, 36), id="raised black"),
        pytest.param(picture(40), id="picture"),
    ],
)
def test_pictures_and_black_are_not_solid_colour(clean: Planes) -> None:
    assert not solid_events(picture(10), clean, picture(10, 1))


def test_flashes_and_fades_to_white_are_not_defects() -> None:
    white = solid(5, 235)
    assert not solid_events(picture(10), white, picture(10, 1))
    faded = (fade(scene(8), 235), *neutral(8))
    assert not solid_events(picture(10), faded, solid(20, 235), picture(10, 1))
    assert solid_events(picture(10), solid(20, 235), picture(10, 1))


def test_a_fade_that_a_colour_cuts_off_does_not_excuse_it() -> None:
    fading = (fade(scene(40), 145)[:24], *neutral(24))
    assert len(solid_events(picture(10), fading, solid(10, 145, 54, 34), picture(10, 1))) == 1


def test_a_picture_without_chroma_can_be_flat() -> None:
    luma = np.concatenate([scene(10), flat(10, 90), scene(10)])
    assert len(events_of("solid_colour", frame_chunks(luma))) == 1


def test_bit_depth_counts() -> None:
    luma, cb, cr = (np.concatenate(p) * 4 for p in zip(picture(10), solid(10, 128), picture(10, 1), strict=True))
    (event,) = events_of("solid_colour", frame_chunks(np.rint(luma), (cb, cr), bit_depth=10))
    assert frames_of(event) == (10, 20)


MIXED = np.concatenate([flat(4, 90), scene(8), flat(3, 128), scene(4), fade(scene(6), 235), flat(9, 235), scene(6)])


@given(cuts)
@settings(max_examples=15, deadline=None)
def test_results_do_not_depend_on_the_cuts(lengths: list[int]) -> None:
    assert MIXED.shape[2] == COLUMNS
    assert_same_however_cut("solid_colour", chunks(MIXED), chunks(MIXED, chunk=lengths))
