"""Inputs that claim the absurd cost little, and are refused in one line that says why."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest

from glasswatch.core.errors import InputError
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source
from tests.field.making import ffmpeg, inspect, lavfi


def wav(path: Path, rate: int, channels: int = 1, data_bytes: int = 80_000) -> Path:
    """A 16-bit WAV file that claims a rate and a number of channels."""
    block = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * block % 2**32, block % 2**16, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", data_bytes)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body) + data_bytes) + body + bytes(data_bytes))
    return path


def y4m(path: Path, width: int, height: int, rate: str = "25:1") -> Path:
    """Raw video that claims a size; there are as many bytes as four small frames have."""
    header = f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(header + (b"FRAME\n" + bytes(64 * 48 * 3 // 2)) * 4)
    return path


def refusal(location: Path | str, limits: Limits | None = None) -> str:
    """Why an input is refused: one line, soon."""
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        open_source(str(location), limits)
    assert time.monotonic() - started < 20
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("rate", [1, 999, 768_001, 1_000_000])
def test_absurd_sample_rates_are_refused(tmp_path: Path, rate: int) -> None:
    assert f"a sample rate of {rate} Hz; 1000 to 768000 Hz are allowed" in refusal(wav(tmp_path / "a.wav", rate))


@pytest.mark.parametrize("rate", [4_000, 8_000, 384_000, 768_000])
def test_unusual_sample_rates_are_inspected(tmp_path: Path, rate: int) -> None:
    path = wav(tmp_path / "a.wav", rate)
    report = inspect(path, "silence")
    assert report.timing.media_s == pytest.approx(40_000 / rate)


def test_absurd_numbers_of_channels_are_refused(tmp_path: Path) -> None:
    assert "200 channels in one track; 128 are allowed" in refusal(wav(tmp_path / "a.wav", 48_000, 200))
    open_source(str(wav(tmp_path / "b.wav", 48_000, 64))).close()


@pytest.mark.parametrize(("width", "height"), [(65_535, 65_535), (0, 48)])
def test_a_size_that_no_decoder_takes_is_named(tmp_path: Path, width: int, height: int) -> None:
    assert f"pictures of {width}x{height}" in refusal(y4m(tmp_path / "a.y4m", width, height))


def test_a_size_beyond_the_limit_is_named(tmp_path: Path) -> None:
    assert "8000x8000 is larger than 35651584 pixels" in refusal(y4m(tmp_path / "a.y4m", 8_000, 8_000))


@pytest.mark.parametrize("rate", ["1000000:1", "1:100000"])
def test_absurd_frame_rates_cost_no_more_than_others(tmp_path: Path, rate: str) -> None:
    started = time.monotonic()
    report = inspect(y4m(tmp_path / "a.y4m", 64, 48, rate), "black", "freeze", "stream_error")
    assert report.complete
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff"])
def test_an_image_is_described(tmp_path: Path, name: str) -> None:
    ffmpeg(*lavfi("testsrc2=s=320x180"), "-frames:v", "1", tmp_path / name)
    video = inspect(tmp_path / name, "black").input.video
    assert video is not None
    assert (video.width, video.height) == (320, 180)


def test_a_reception_from_which_nothing_comes_ends_soon(tmp_path: Path) -> None:
    path = tmp_path / "a.sdp"
    path.write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 54004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )
    message = refusal(path, Limits(open_timeout_s=3, read_timeout_s=3))
    assert "not being sent" in message or "did not answer in time" in message
