"""Test tones and alarms are no programme: nothing of them is distorted, and none of them hums."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from glasswatch.report.model import Report
from tests.field.making import events, ffmpeg, inspect, lavfi

ARTIFACTS = ("hum", "hiss", "distortion", "clicks")


def found(path: Path) -> list[tuple[str, float, float]]:
    report = inspect(path, "audio_artifacts")
    return [(event.defect, event.start_s, event.end_s) for event in report.events if event.severity > Severity.INFO]


def tone(folder: Path, expression: str, *options: str, name: str = "tone.wav") -> Path:
    ffmpeg(*lavfi(f"aevalsrc={expression}"), *options, name, folder=folder)
    return folder / name


@pytest.mark.parametrize(
    ("expression", "options"),
    [
        pytest.param(
            "0.126*sin(2*PI*1000*t)|0.126*sin(2*PI*1000*t):s=48000:d=8", ("-c:a", "pcm_s24le"), id="line-up, -18 dBFS"
        ),
        pytest.param(
            "'|'.join:s=48000:d=1",
            (),
            id="5.1 with a loud LFE",
        ),
        pytest.param("0.0708*sin(2*PI*1000*t)|0.0708*sin(2*PI*1000*t+0.5):s=48000:d=6", (), id="a pair out of step"),
        pytest.param("'0.3*sin(2*PI*1000*t)*lt(mod(t,0.5),0.25)':s=48000:d=8", (), id="alarm, keyed hard"),
        pytest.param("0.126*sin(2*PI*60*t):s=48000:d=6", (), id="60 Hz line-up"),
        pytest.param("0.4*sin(2*PI*60*t)+0.1*sin(2*PI*7000*t):s=48000:d=6", (), id="SMPTE intermodulation"),
        pytest.param("0.2*sin(2*PI*19000*t)+0.2*sin(2*PI*20000*t):s=48000:d=6", (), id="CCIF intermodulation"),
        pytest.param("'0.2*sgn(sin(2*PI*250*t+0.1))':s=48000:d=6", (), id="square wave"),
        pytest.param(
            "'0.2*(sin(2*PI*770*t)+sin(2*PI*1336*t))*lt(mod(t,0.2),0.1)':s=8000:d=6", ("-c:a", "pcm_mulaw"), id="DTMF"
        ),
        pytest.param("'0.3*sin(2*PI*(20*t+900*t*t))':s=48000:d=8", (), id="sweep"),
        pytest.param("'0.3*sin(2*PI*800*t+300*sin(2*PI*t))':s=44100:d=6", ("-b:a", "128k"), id="siren"),
        pytest.param("'0.2*sgn(sin(2*PI*2000*t))*lt(mod(t,0.3),0.15)':s=48000:d=6", (), id="square wave, keyed"),
        pytest.param("'0.2*sin(2*PI*425*t)*lt(mod(t,0.5),0.25)':s=8000:d=8", ("-c:a", "pcm_mulaw"), id="busy"),
        pytest.param("0.2*sin(2*PI*853*t)+0.2*sin(2*PI*960*t):s=44100:d=8", (), id="attention signal"),
    ],
)
def test_a_test_tone_is_not_distorted(tmp_path: Path, expression: str, options: tuple[str, ...]) -> None:
    if expression.startswith("'|'"):
        levels = ((0.2, 300), (0.2, 377), (0.2, 1000), (0.9, 40), (0.2, 500), (0.2, 633))
        channels = "|".join(f"{level}*sin(2*PI*{hz}*t)" for level, hz in levels)
        expression = f"{channels}:s=48000:d=10:c=5.1(side)"
    assert found(tone(tmp_path, expression, *options)) == []


def test_a_lossy_line_up_tone_is_not_distorted(tmp_path: Path) -> None:
    path = tone(tmp_path, "0.126*sin(2*PI*1000*t):s=48000:d=8", "-c:a", "aac", "-b:a", "96k", name="tone.mp4")
    assert found(path) == []


def test_a_clipped_tone_in_mu_law_clips_and_does_not_hum(tmp_path: Path) -> None:
    path = tmp_path / "clipped.wav"
    options = ("-af", "volume=40dB", "-ac", "1", "-c:a", "pcm_mulaw")
    ffmpeg(*lavfi("sine=f=300:r=8000:d=5"), *options, path)
    assert found(path) == []
    report: Report = inspect(path, "clipping", "audio_artifacts")
    assert events(report, "clipping", Severity.WARNING)


def test_mains_that_hum_alone_are_no_test_tone(tmp_path: Path) -> None:
    partials = "+".join(f"0.02/{n}*sin(2*PI*{50.03 * n}*t+{n})" for n in (1, 2, 3, 4, 5, 7))
    (event,) = inspect(tone(tmp_path, f"'{partials}':s=48000:d=6"), "audio_artifacts").events
    assert (event.defect, event.severity) == ("hum", Severity.WARNING)
