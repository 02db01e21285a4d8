"""Silence: exact edges, severity by length, and what must not count."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.time import Span
from tests.support import audio_chunks, detect, events_of, make_detector
from tests.unit.detectors.audio.pcm_cases import (
    CHUNK_LENGTHS,
    assert_cutting_does_not_matter,
    assert_scores_fit_verdicts,
    assert_tiles,
    defects,
    noise,
)

RATE = 48_000


def with_silence(start: int, end: int, seconds: float = 4.0, channels: int = 2) -> np.ndarray:
    samples = noise(seconds, channels=channels)
    samples[:, start:end] = 0
    return samples


@pytest.mark.parametrize(
    ("length_s", "severity"), [(0.4, None), (0.5, Severity.WARNING), (1.9, Severity.WARNING), (2.0, Severity.ERROR)]
)
def test_severity_grows_with_length(length_s, severity):
    end = 50_001 + round(length_s * RATE)
    events = events_of("silence", audio_chunks(with_silence(50_001, end)))
    assert [e.severity for e in events] == ([] if severity is None else [severity])


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_edges_are_exact_to_the_sample_at_every_rate(rate):
    samples = noise(3, rate)
    start, end = rate + 37, 2 * rate + 11
    samples[:, start:end] = 0
    # Noise comes close to zero now and then: make the samples beside the edges plainly loud.
    samples[:, [start - 1, end]] = 0.3
    (event,) = events_of("silence", audio_chunks(samples, rate))
    assert (event.span.start, event.span.end) == (Fraction(start, rate), Fraction(end, rate))


def test_detections_tile_the_stream():
    samples = with_silence(50_001, 160_003)
    found = detect(make_detector("silence"), audio_chunks(samples))
    assert_tiles(found, Span(0, Fraction(0), Fraction(4)))
    assert_scores_fit_verdicts(found)


@settings(max_examples=25, deadline=None)
@given(CHUNK_LENGTHS)
def test_result_does_not_depend_on_chunks(lengths):
    samples = with_silence(30_000, 105_000, 3.0)
    samples[:, 120_000:124_000] = 0
    assert_cutting_does_not_matter("silence", samples, lengths)


def test_one_live_channel_of_six_is_enough():
    samples = np.zeros((6, 4 * RATE), np.float32)
    samples[4] = noise(4, channels=1)[0]
    names = ("FL", "FR", "FC", "LFE", "BL", "BR")
    assert defects("silence", samples, channels=names) == []
    samples[4, RATE : 3 * RATE] = 0
    (event,) = events_of("silence", audio_chunks(samples, channels=names))
    assert event.severity is Severity.ERROR


def test_quiet_passage_is_not_silence():
    assert defects("silence", noise(4, level=10 ** (-58 / 20))) == []


def test_level_is_reported():
    samples = with_silence(RATE, 2 * RATE)
    samples[:, RATE : 2 * RATE : 2] = 10 ** (-65 / 20)
    samples[:, RATE + 1 : 2 * RATE : 2] = -(10 ** (-65 / 20))
    assert defects("silence", samples)[0].measurements["level_dbfs"] == pytest.approx(-65, abs=0.02)


def test_constant_offset_is_silent():
    offset = np.full((1, 3 * RATE), 0.02, np.float32)
    (event,) = events_of("silence", audio_chunks(offset))
    assert event.span.duration == 3


def test_settling_of_a_codecs_high_pass_does_not_delay_the_onset():
    samples = with_silence(RATE, 2 * RATE)
    samples[:, RATE : 2 * RATE] = 0.01 * np.exp(-np.arange(RATE) / (0.053 * RATE))
    (event,) = events_of("silence", audio_chunks(samples))
    assert abs(event.span.start - 1) < 0.002


def test_ordinary_silence_at_both_ends_is_information():
    samples = noise(4)
    samples[:, : RATE * 9 // 10] = 0
    samples[:, -RATE * 7 // 10 :] = 0
    events = events_of("silence", audio_chunks(samples))
    assert [(e.severity, float(e.span.start), float(e.span.end)) for e in events] == [
        (Severity.INFO, 0.0, 0.9),
        (Severity.INFO, 3.3, 4.0),
    ]


def test_silent_title_is_an_error():
    (event,) = events_of("silence", audio_chunks(np.zeros((2, 5 * RATE), np.float32)))
    assert event.severity is Severity.ERROR
    assert event.span == Span(0, Fraction(0), Fraction(5))


def test_missing_samples_end_what_was_heard():
    first = audio_chunks(with_silence(2 * RATE, 4 * RATE))
    second = audio_chunks(np.zeros((2, RATE), np.float32), start=Fraction(10))
    found = detect(make_detector("silence"), first + second)
    silent = [d.span for d in found if d.verdict is Verdict.DEFECT]
    assert silent[1].end == 4
    assert silent[2] == Span(0, Fraction(10), Fraction(11))


def test_pieces_of_a_silent_title_that_joins_cut_are_no_short_rests():
    """Each stretch is shorter than a rest before the first sound may be; together they are not."""
    pieces = [audio_chunks(np.zeros((2, 4 * RATE), np.float32), start=Fraction(100 * n)) for n in range(3)]
    found = detect(make_detector("silence"), [chunk for piece in pieces for chunk in piece])
    assert any(d.verdict is Verdict.DEFECT and d.ceiling is None for d in found if d.span.start >= 100)


def test_silence_at_a_cut_is_no_tail():
    faded = noise(6) * np.clip(4 - np.arange(6 * RATE) / RATE, 0, 1)
    cut = audio_chunks(faded.astype(np.float32)) + audio_chunks(noise(1), start=Fraction(20))
    whole = [d for d in detect(make_detector("silence"), cut) if d.reason == "the programme has ended"]
    assert whole == []
    tail = [d for d in detect(make_detector("silence"), audio_chunks(faded.astype(np.float32))) if d.reason]
    assert tail[-1].reason == "the programme has ended"
    assert tail[-1].ceiling is Severity.INFO
