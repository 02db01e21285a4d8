"""Sound stays where it is against the picture: a file with flashes and clicks goes through everything that moves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from bench.sync.recodings import BETWEEN, RECODINGS, Recoding, recode

from glasswatch.core.media import AudioChunk, FrameChunk
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
from glasswatch.simulator import simulate

FPS, RATE = 25, 48_000
EVERY_S, COUNT = Fraction(28, 25), 5
"""Off every usual grid of pictures, and far enough apart for the longest shift."""

SHOWN = 2
"""Pictures that a flash lasts: of 25 a second one is left out for 23.976."""

SHIFT_MS = -440
CLICK_HZ, CLICK_S = 2000, 0.004
CODEC_S = 0.5e-3
"""A click is found to half a millisecond in coded sound, and Matroska writes times to a millisecond."""


def flashes() -> list[Fraction]:
    return [Fraction(1) + n * EVERY_S for n in range(COUNT)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """White pictures and a short tone at every one of `flashes`."""
    path = tmp_path_factory.mktemp("flash") / "in.mkv"
    length_s = int(flashes()[-1]) + 2
    sound = np.zeros((1, length_s * RATE), np.float32)
    burst = np.sin(2 * np.pi * CLICK_HZ * np.arange(round(CLICK_S * RATE)) / RATE)
    burst *= np.hanning(len(burst))
    for time in flashes():
        sound[0, round(time * RATE) :][: len(burst)] = 0.8 * burst
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"crf": "4", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 192, "yuv420p"
        audio = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for n in range(length_s * FPS):
            is_lit = any(0 <= Fraction(n, FPS) - time < Fraction(SHOWN, FPS) for time in flashes())
            luma = np.full((192, 320), 235 if is_lit else 16, np.uint8)
            frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            out.mux(video.encode(frame))
        pcm = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16), "s16", "mono")
        pcm.sample_rate, pcm.pts, pcm.time_base = RATE, 0, Fraction(1, RATE)
        out.mux(audio.encode(pcm))
        for stream in (video, audio):
            out.mux(stream.encode(None))
    return path


def found(path: Path) -> tuple[list[float], list[float]]:
    """When the middle of each flash is shown and that of each click is heard, in seconds, by the decoder."""
    light, pts, ends = [], [], []
    pieces: list[tuple[float, npt.NDArray[np.float32]]] = []
    with closing(open_source(str(path))) as source:
        for unit in Decoder(source, [VideoNeed(Planes.RGB, lines=480), AudioNeed()]).units():
            if isinstance(unit, FrameChunk):
                light += [float(picture.mean()) for picture in unit.planes[0]]
                pts += [float(time) for time in unit.pts]
                ends += [float(time) for time in unit.ends]
            elif isinstance(unit, AudioChunk):
                pieces.append((float(unit.start), unit.samples[0]))
    seen = [(pts[a] + ends[b]) / 2 for a, b in runs(np.array(light) > 128)]
    heard = np.concatenate([samples for _, samples in pieces])
    times = np.concatenate([start + np.arange(len(samples)) / RATE for start, samples in pieces])
    # The middle of the energy of each click.
    loud = np.convolve(np.square(heard), np.ones(480), "same") > 0.5
    centres = [np.average(times[a : b + 1], weights=np.square(heard[a : b + 1])) for a, b in runs(loud)]
    return seen, [float(centre) for centre in centres]


def runs(marked: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last index of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), (edges[1::2] - 1).tolist(), strict=True)


def early_s(path: Path) -> npt.NDArray[np.float64]:
    """By how much each click comes before its flash, beyond what it does in the clip."""
    seen, heard = found(path)
    assert len(seen) == len(heard) == COUNT, (seen, heard)
    return np.array(seen) - np.array(heard) - (SHOWN / FPS - CLICK_S) / 2


@pytest.fixture(scope="module")
def moved(clip: Path) -> Path:
    """The clip with its sound moved, as the bench makes it before it is encoded anew."""
    target = clip.with_name("moved.mp4")
    simulate("av_sync", clip, target, settings={"offset_ms": str(SHIFT_MS), **BETWEEN})
    return target


def test_files_are_moved_to_the_sample(clip: Path, moved: Path) -> None:
    assert np.abs(early_s(clip)).max() < 1 / RATE
    assert np.abs(early_s(moved) - SHIFT_MS / 1000).max() < 1 / RATE


@pytest.mark.parametrize("recoding", RECODINGS, ids=lambda r: r.name)
def test_recoded_files_keep_their_offset(moved: Path, tmp_path: Path, recoding: Recoding) -> None:
    target = tmp_path / f"out{recoding.suffix}"
    recode(moved, target, recoding)
    error = early_s(target) - SHIFT_MS / 1000
    if recoding.hz is None or recoding.hz == str(FPS):
        assert np.abs(error).max() < CODEC_S
    else:
        # Both edges of a flash go to the nearest of the new pictures, half of one away at most.
        assert np.abs(error).max() < 1 / (2 * Fraction(recoding.hz)) + CODEC_S


def test_every_recoding_has_another_name() -> None:
    assert len({recoding.name for recoding in RECODINGS}) == len(RECODINGS)
