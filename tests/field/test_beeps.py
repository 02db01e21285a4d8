"""Tones that are keyed on and off by design (anarlog#7284: gating counted as dropouts), and dropouts like them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, events, ffmpeg, inspect, lavfi

TONE = "0.3*sin(2*PI*1000*t)"
UNIT_S = 0.06
MORSE = {"h": "....", "e": ".", "l": ".-..", "o": "---", "w": ".--", "r": ".-.", "d": "-.."}


def dropouts(path: Path) -> int:
    """How many are reported as a warning or more."""
    return len(events(inspect(path, "dropout"), "dropout", Severity.WARNING))


def made(path: Path, *channels: str, rate: int = 48000, seconds: float = 8) -> Path:
    """A file whose channels have these formulas."""
    ffmpeg(*lavfi(f"aevalsrc='{'|'.join(channels)}':s={rate}:d={seconds}"), path)
    return path


def on(marks: Sequence[tuple[float, float]]) -> str:
    """A formula that is 1 in each stretch from start to end, else 0."""
    return "+".join(f"between(t,{start:.4f},{end:.4f})" for start, end in marks)


def holes(*starts: float, length_s: float = 0.02) -> str:
    """A formula that is 0 for `length_s` from each start, else 1."""
    return f"not({on([(start, start + length_s) for start in starts])})"


def keyed(words: str, unevenness: Sequence[float] = (1.0,)) -> list[tuple[float, float]]:
    """Stretches in which a key is down; a hand is uneven by these factors in turn."""
    at, marks, n = 0.5, [], 0
    for letter in words:
        for sign in MORSE.get(letter, ""):
            length = UNIT_S * (3 if sign == "-" else 1) * unevenness[n % len(unevenness)]
            marks.append((at, at + length))
            n += 1
            at += length + UNIT_S * unevenness[(n + 1) % len(unevenness)]
        at += UNIT_S * (2 if letter in MORSE else 4)
    return marks


HARMLESS = {
    "alarm": (f"{TONE}*lt(mod(t,0.5),0.25)",),
    "fast alarm": ("0.3*sin(2*PI*2800*t)*lt(mod(t,0.15),0.1)",),
    "Morse": (f"{TONE}*({on(keyed('hello world'))})",),
    "Morse by hand": (f"{TONE}*({on(keyed('hello world', (1.0, 1.25, 0.8, 1.1, 0.9)))})",),
    "dialling": ("0.2*(sin(2*PI*(697+70*floor(mod(t*5,4)))*t)+sin(2*PI*1336*t))*lt(mod(t,0.2),0.1)",),
    "busy line": ("0.2*(sin(2*PI*480*t)+sin(2*PI*620*t))*lt(mod(t,0.5),0.25)",),
    "ringing": ("0.2*(sin(2*PI*400*t)+sin(2*PI*450*t))*(lt(mod(t,3),0.4)+between(mod(t,3),0.6,1))",),
    "time signal": (f"{TONE}*lt(mod(t,1),0.1)",),
    "two beeps": (f"{TONE}*({on([(1, 1.12), (1.22, 1.34), (4, 4.12), (4.22, 4.34)])})",),
    "metronome": ("0.5*sin(2*PI*1500*t)*lt(mod(t,0.3),0.03)",),
    "gated chord": ("0.1*(sin(2*PI*220*t)+sin(2*PI*277*t)+sin(2*PI*330*t)+sin(2*PI*660*t))*lt(mod(t,0.125),0.0625)",),
    "channel identification": (
        "0.126*sin(2*PI*1000*t)*gte(mod(t,4),0.25)",
        "0.126*sin(2*PI*1000*t)*(1-between(mod(t,4),0.5,0.75)-between(mod(t,4),1,1.25))",
    ),
}


@pytest.mark.parametrize("channels", HARMLESS.values(), ids=HARMLESS)
def test_what_is_keyed_by_design_is_no_dropout(tmp_path, channels):
    assert dropouts(made(tmp_path / "keyed.wav", *channels)) == 0


@pytest.mark.parametrize("rate", [8000, 96000])
def test_an_alarm_at_other_rates_is_no_dropout(tmp_path, rate):
    assert dropouts(made(tmp_path / "alarm.wav", f"{TONE}*lt(mod(t,0.5),0.25)", rate=rate)) == 0


LINE_UP = "0.126*sin(2*PI*1000*t)"
REAL = {
    "one hole in a line-up tone": (f"{LINE_UP}*{holes(3.0)}", 1),
    "holes at any time in a line-up tone": (f"{LINE_UP}*{holes(1.0, 1.13, 1.5, 2.2, 3.7)}", 5),
    "a hole every second": (f"{LINE_UP}*{holes(*(n + 0.5 for n in range(7)))}", 7),
    "three long holes": (f"{LINE_UP}*{holes(1.0, 2.3, 4.1, length_s=0.1)}", 3),
    "one break of 250 ms": (f"{LINE_UP}*{holes(3.0, length_s=0.25)}", 1),
}


@pytest.mark.parametrize(("formula", "count"), REAL.values(), ids=REAL)
def test_a_hole_in_a_tone_is_a_dropout(tmp_path, formula, count):
    assert dropouts(made(tmp_path / "holes.wav", formula)) == count


@pytest.mark.parametrize("starts", [(1.3, 2.9, 3.35, 5.6), [n + 0.437 for n in range(6)]], ids=["any", "regular"])
def test_lost_packets_in_a_programme_are_dropouts(tmp_path, starts):
    tones = "+".join(f"0.1*sin(2*PI*{f}*t)*(1.2+sin(2*PI*{f / 100}*t))" for f in (220, 331, 497, 743, 1114))
    assert dropouts(made(tmp_path / "lost.wav", f"({tones})*{holes(*starts)}")) == len(starts)


@pytest.mark.parametrize("codec", [["-c:a", "pcm_s16le"], ["-ar", "44100"], ["-c:a", "libmp3lame"], ["-c:a", "aac"]])
@pytest.mark.parametrize("bits", [4, 5, 6, 8])
def test_coarse_pcm_that_toggles_its_last_bits_is_no_dropout(tmp_path, codec, bits):
    steps = 2 ** (bits - 1)
    voice = f"[0:a]pan=mono|c0=c0,volume=12dB,aeval='round({steps}*val(0))/{steps}':c=same[a]"
    name = "coarse.mka"
    ffmpeg("-i", BASE, "-filter_complex", voice, "-map", "[a]", *codec, tmp_path / name)
    assert dropouts(tmp_path / name) == 0


@pytest.mark.parametrize(
    "formula",
    [
        pytest.param("0.2*sin(2*PI*425*t)*lt(mod(t,1),0.5)", id="busy, Europe"),
        pytest.param("0.1*(sin(2*PI*480*t)+sin(2*PI*620*t))*lt(mod(t,1),0.5)", id="busy, America"),
        pytest.param("0.25*sin(2*PI*1000*t)*lt(mod(t,1),0.1)", id="pips"),
        pytest.param("0.3*sin(2*PI*3100*t)*lt(mod(t,4),2.6)*lt(mod(t,1),0.5)", id="smoke alarm"),
    ],
)
@pytest.mark.parametrize("name", ["beeps.wav", "beeps.m4a"])
def test_between_beeps_nothing_is_lost(tmp_path: Path, formula: str, name: str) -> None:
    path = made(tmp_path / name, formula, seconds=10)
    assert events(inspect(path, "silence"), "silence", Severity.WARNING) == []


@pytest.mark.parametrize(
    "formula",
    [
        pytest.param(f"{TONE}*not(between(t,4,5))", id="a tone that has lasted"),
        pytest.param("0.25*sin(2*PI*1000*t)*(lt(mod(t,1),0.1)*lt(t,3)+between(t,9,10))", id="after the beeps"),
        pytest.param(f"{TONE}*pow(sin(2*PI*2.3*t),2)*not(between(t,3.8,4.9))", id="no beep"),
    ],
)
def test_silence_beside_beeps_and_tones_is_reported(tmp_path: Path, formula: str) -> None:
    path = made(tmp_path / "lost.wav", formula, seconds=10)
    assert len(events(inspect(path, "silence"), "silence", Severity.WARNING)) == 1
