"""Clipping where full scale is the code's own (llm-agent#277): 32124 (mu-law) and 32256 (A-law) of 32768."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import events, ffmpeg, inspect, lavfi

SQUARED = ["-f", "lavfi", "-i", "sine=f=300:r=8000:d=5", "-af", "volume=40dB", "-ac", "1"]
BURSTS = lavfi("aevalsrc='1.4*sin(2*PI*220*t)*pow(abs(sin(2*PI*1.3*t)),2)':s=8000:d=6")
VOWELS = lavfi("aevalsrc='2*(sin(2*PI*150*t)+0.5*sin(2*PI*450*t)+0.4*sin(2*PI*900*t))*lt(mod(t,1),0.6)':s=8000:d=6")


def clipped(path: Path) -> list[tuple[str | None, Severity]]:
    """Kind and severity of what is clipped at full scale."""
    found = events(inspect(path, "clipping"), "clipping")
    return [(event.kind, event.severity) for event in found if event.kind == "full_scale"]


@pytest.mark.parametrize(
    ("source", "codec", "name"),
    [
        (SQUARED, "pcm_mulaw", "squared.wav"),
        (BURSTS, "pcm_alaw", "some.mov"),
        (BURSTS, "pcm_mulaw", "some.au"),
        (VOWELS, "pcm_alaw", "vowels.wav"),
        (BURSTS, "pcm_u8", "some.wav"),
        (BURSTS, "adpcm_ima_wav", "some.wav"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_sound_that_clips_in_a_coarse_code_is_an_error_as_in_16_bits(tmp_path, source, codec, name):
    ffmpeg(*source, "-c:a", codec, tmp_path / name)
    ffmpeg(*source, "-c:a", "pcm_s16le", tmp_path / "linear.wav")
    worst = max(clipped(tmp_path / name))
    assert worst == ("full_scale", Severity.ERROR)
    assert worst == max(clipped(tmp_path / "linear.wav"))


def test_the_clipped_code_is_known_after_transcoding(tmp_path):
    ffmpeg(*BURSTS, "-c:a", "pcm_mulaw", tmp_path / "phone.wav")
    ffmpeg("-i", tmp_path / "phone.wav", "-c:a", "flac", tmp_path / "archive.flac")
    assert max(clipped(tmp_path / "archive.flac"))[1] is Severity.ERROR


@pytest.mark.parametrize(
    ("codec", "rate", "amplitude"), [("pcm_mulaw", 8000, 0.98), ("pcm_alaw", 8000, 0.98), ("pcm_u8", 44100, 0.995)]
)
def test_the_flat_tops_of_coarse_steps_are_not_clipped(tmp_path, codec, rate, amplitude):
    """A low note whose top rounds to the highest code for several samples, in a sound that swells and falls."""
    swell = f"{amplitude}*sin(2*PI*110*t)*(0.3+0.7*abs(sin(t)))"
    ffmpeg(*lavfi(f"aevalsrc='{swell}':s={rate}:d=6"), "-c:a", codec, tmp_path / "low.wav")
    assert clipped(tmp_path / "low.wav") == []


def test_a_sound_below_the_top_code_is_not_clipped(tmp_path):
    ffmpeg(*lavfi("aevalsrc='0.9*sin(2*PI*300*t)':s=8000:d=5"), "-c:a", "pcm_mulaw", tmp_path / "clean.wav")
    assert clipped(tmp_path / "clean.wav") == []
