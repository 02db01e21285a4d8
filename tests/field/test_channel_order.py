"""Channels in an order of the container's own (7.1 of QuickTime), of which PyAV's layouts free FFmpeg's list twice."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from glasswatch.core.media import AudioChunk
from glasswatch.core.needs import AudioNeed
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
from tests.field.making import ffmpeg, inspect, lavfi

QUICKTIME = ("FL", "FR", "FC", "LFE", "SL", "SR", "BL", "BR")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Eight channels, of which QuickTime has the sides before the back."""
    tones = "|".join(f"0.1*sin(2*PI*{100 * n}*t)" for n in range(1, 9))
    ffmpeg(*lavfi(f"aevalsrc={tones}:s=48000:d=4:c=7.1"), "-c:a", "pcm_s16le", "film.mov", folder=tmp_path)
    path = tmp_path / "film.mov"
    data = bytearray(path.read_bytes())
    tag = data.rindex(b"chan") + 8  # CoreAudio's kAudioChannelLayoutTag_MPEG_7_1_C, and no bitmap
    data[tag : tag + 8] = (128 << 16 | 8).to_bytes(4, "big") + bytes(4)
    path.write_bytes(data)
    return path


def test_an_order_of_the_container_is_kept(film: Path) -> None:
    with contextlib.closing(open_source(str(film))) as source:
        chunks = [u for u in Decoder(source, [AudioNeed()]).units() if isinstance(u, AudioChunk)]
        (track,) = source.describe().audio
    assert {chunk.channels for chunk in chunks} == {QUICKTIME}
    assert sum(chunk.samples.shape[1] for chunk in chunks) == 4 * 48000
    assert "SL+SR+BL+BR" in track.layout


def test_it_is_judged_again_and_again(film: Path) -> None:
    for _ in range(3):
        report = inspect(film, "silence", "loudness", "phase")
        assert report.complete
