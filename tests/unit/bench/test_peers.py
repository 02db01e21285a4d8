from __future__ import annotations

from bench.accuracy.essentia_peer import merged
from bench.accuracy.model import Claim
from bench.accuracy.tools import parse_claims, parse_meter

LOG = """
[Parsed_blackdetect_0 @ 0x1] black_start:1.04 black_end:2 black_duration:0.96
[Parsed_freezedetect_1 @ 0x2] lavfi.freezedetect.freeze_start: 3.2
[Parsed_freezedetect_1 @ 0x2] lavfi.freezedetect.freeze_duration: 0.8
[Parsed_freezedetect_1 @ 0x2] lavfi.freezedetect.freeze_end: 4
[Parsed_silencedetect_3 @ 0x3] silence_start: -0.01
[Parsed_silencedetect_3 @ 0x3] silence_end: 0.5 | silence_duration: 0.51
[Parsed_silencedetect_3 @ 0x3] silence_start: 9
[Parsed_aphasemeter_5 @ 0x4] out_phase_start: 5.1
[Parsed_aphasemeter_5 @ 0x4] out_phase_end: 6.1 | out_phase_duration: 1
[Parsed_ebur128_4 @ 0x5] Summary:

  Integrated loudness:
    I:         -16.2 LUFS
    Threshold: -26.2 LUFS

  True peak:
    Peak:       -4.5 dBFS
"""


def test_the_filters_log_is_read() -> None:
    claims = list(parse_claims(LOG, 10.0))
    assert claims == [
        Claim("black", None, 1.04, 2.0),
        Claim("freeze", None, 3.2, 4.0),
        Claim("silence", None, -0.01, 0.5),
        Claim("silence", None, 9.0, 10.0),
        Claim("phase", "inverted", 5.1, 6.1),
        Claim("loudness", "programme", 0.0, 10.0, measurements={"integrated_lufs": -16.2}),
    ]


def test_a_programme_on_target_is_no_claim() -> None:
    assert not list(parse_claims("Integrated loudness:\n    I:         -23.4 LUFS", 10.0))


def test_a_meter_that_gated_everything_reads_nothing() -> None:
    meter = parse_meter("Integrated loudness:\n I: -70.0 LUFS\n True peak:\n Peak: -inf dBFS")
    assert (meter.integrated_lufs, meter.true_peak_dbtp) == (None, None)


def test_clipped_waves_join_and_gaps_do_not() -> None:
    spans = [("clipping", 1.0, 1.001), ("clipping", 1.3, 1.301), ("dropout", 1.0, 1.01), ("dropout", 1.1, 1.11)]
    assert merged(spans) == [("clipping", 1.0, 1.301), ("dropout", 1.0, 1.01), ("dropout", 1.1, 1.11)]
