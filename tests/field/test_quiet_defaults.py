"""What ordinary titles have without being faulty: their own loudness, tails, pauses, loud masters."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, events, ffmpeg, inspect, lavfi

SOUND = ("silence", "dropout", "clipping", "phase", "loudness")
MUSIC = "(0.12*sin(2*PI*220*t)+0.08*sin(2*PI*331*t)+0.05*sin(2*PI*1480*t))*(1.2+sin(2*PI*3*t))"
HISS = "0.003*(random(0)-0.5)"


def made(path: Path, formula: str, seconds: float = 12, *more: str) -> Path:
    """A stereo file of this formula."""
    ffmpeg(*lavfi(f"aevalsrc='{formula}|0.9*({formula})':s=48000:d={seconds}"), *more, path)
    return path


def alarms(path: Path, profile: Path | None = None) -> list[tuple[str, str | None, Severity]]:
    """What is a warning or an error: defect, kind, severity."""
    report = inspect(path, *SOUND, profile=profile)
    return [(e.defect, e.kind, e.severity) for e in report.events if e.severity >= Severity.WARNING]


@pytest.mark.parametrize("gain", [0.05, 0.5, 1.2])
def test_no_loudness_is_asked_for_and_all_of_it_is_stated(tmp_path, gain):
    path = made(tmp_path / "title.wav", f"{gain}*{MUSIC}")
    assert alarms(path) == []
    (event,) = events(inspect(path, "loudness"), "loudness")
    assert "no target is set" in str(event.reason)
    assert {"integrated_lufs", "range_lu", "true_peak_dbtp"} <= set(event.measurements)


@pytest.mark.parametrize(
    "params", ["standard: ebu_r128", "standard: atsc_a85", "target_lufs: -16", "{target_lufs: -27, tolerance_lu: 2}"]
)
def test_a_profile_asks_for_loudness(tmp_path, params):
    (tmp_path / "delivery.yaml").write_text(f"detectors: {{loudness: {{params: {{{params.strip('{}')}}}}}}}\n")
    path = made(tmp_path / "quiet.wav", f"0.05*{MUSIC}")
    assert alarms(path, tmp_path / "delivery.yaml") == [("loudness", "programme", Severity.WARNING)]


def test_the_sample_of_the_repository_has_no_alarm(tmp_path):
    assert alarms(BASE) == []


TAILS = {
    "fade by hand": f"{MUSIC}*max(0,min(1,8-t))",
    "decay": f"{MUSIC}*if(lt(t,6),1,exp(-(t-6)*6))",
    "quick decay": f"{MUSIC}*if(lt(t,8),1,exp(-(t-8)*40))",
    "fade at both ends": f"{MUSIC}*min(1,max(0,(t-3)/2))*max(0,min(1,9-t))",
    "late start": f"{MUSIC}*gte(t,3)",
}


@pytest.mark.parametrize("codec", ["pcm_s16le", "libvorbis", "aac"])
@pytest.mark.parametrize("formula", TAILS.values(), ids=TAILS)
def test_silence_before_and_after_a_title_is_information(tmp_path, formula, codec):
    path = made(tmp_path / "title.mka", formula, 12, "-c:a", codec)
    assert alarms(path) == []
    assert events(inspect(path, "silence"), "silence")


@pytest.mark.parametrize("codec", ["pcm_s16le", "libvorbis", "aac"])
@pytest.mark.parametrize(("end", "seconds"), [(8, 12), (4, 12), (8, 60)])
def test_sound_that_is_cut_off_before_the_end_is_an_error(tmp_path, codec, end, seconds):
    path = made(tmp_path / "cut.mka", f"{MUSIC}*lt(t,{end})", seconds, "-c:a", codec)
    ((defect, _, severity),) = alarms(path)
    assert (defect, severity) == ("silence", Severity.ERROR)


def test_a_faded_title_with_a_minute_of_nothing_after_it_is_an_error(tmp_path):
    ((defect, _, severity),) = alarms(made(tmp_path / "long.wav", f"{MUSIC}*max(0,min(1,8-t))", 70))
    assert (defect, severity) == ("silence", Severity.ERROR)


def test_a_silent_title_is_an_error(tmp_path):
    assert alarms(made(tmp_path / "silent.wav", "0", 4)) == [("silence", None, Severity.ERROR)]


VOICE = f"{HISS}*0.2+0.3*sin(2*PI*180*t)*sin(2*PI*1.1*t)*exp(-12*mod(t,1.6))"


def test_pauses_in_a_recording_are_information(tmp_path):
    assert alarms(made(tmp_path / "voice.wav", VOICE)) == []


@pytest.mark.parametrize(("length_s", "severity"), [(0.7, Severity.WARNING), (3, Severity.ERROR)])
@pytest.mark.parametrize("codec", ["pcm_s16le", "libvorbis"])
def test_a_silence_that_is_cut_into_sound_is_reported(tmp_path, codec, length_s, severity):
    formula = f"{MUSIC}*not(between(t,5,{5 + length_s}))"
    assert alarms(made(tmp_path / "cut.mka", formula, 12, "-c:a", codec)) == [("silence", None, severity)]


def test_a_long_pause_is_reported_however_it_began(tmp_path):
    formula = f"{MUSIC}*if(lt(t,6),max(0,min(1,4-t)),gte(t,12))"
    assert alarms(made(tmp_path / "pause.wav", formula, 20)) == [("silence", None, Severity.ERROR)]


def test_a_loud_master_is_information(tmp_path):
    """Peaks that a limiter cut by a few samples each, as records are mastered."""
    loud = "0.25*sin(2*PI*110*t)+0.4*sin(2*PI*3471*t)+0.4*sin(2*PI*5231*t)"
    path = made(tmp_path / "master.wav", f"max(-1,min(1,{loud}))", 10)
    assert alarms(path) == []
    assert events(inspect(path, "clipping"), "clipping")


def test_overdriven_sound_is_an_error(tmp_path):
    path = made(tmp_path / "overdriven.wav", f"12*{MUSIC}", 6)
    assert ("clipping", "full_scale", Severity.ERROR) in alarms(path)


def test_a_true_peak_limit_is_asked_for_by_a_profile(tmp_path):
    (tmp_path / "peaks.yaml").write_text("detectors: {clipping: {params: {true_peak_warning_dbtp: -1}}}\n")
    path = made(tmp_path / "hot.wav", "0.98*sin(2*PI*997*t)", 4)
    assert alarms(path) == []
    assert alarms(path, tmp_path / "peaks.yaml") == [("clipping", "true_peak", Severity.WARNING)]
