from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from glasswatch.core.media import AudioChunk, FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed
from glasswatch.core.time import Timeline
from glasswatch.decoder.audio import AudioPath, limit_damage, write_pcm
from glasswatch.decoder.clock import StreamClock
from glasswatch.decoder.source import Limits
from glasswatch.decoder.tally import Tally
from tests.media import tone, write_audio
from tests.unit.decoder.decoding import check_sound, decode, straight_pcm

FORMS = ("u8", "s16", "s32", "flt", "dbl")
LAYOUTS = ("mono", "stereo", "5.1", "7.1")


@pytest.mark.parametrize(
    ("form", "layout"),
    # PyAV cannot make planar frames of eight channels; those are decoded from a file below.
    [(form + p, layout) for form in FORMS for p in ("", "p") for layout in LAYOUTS if (p, layout) != ("p", "7.1")],
)
def test_every_sample_format_becomes_float(form: str, layout: str) -> None:
    channels = av.AudioLayout(layout).nb_channels
    pcm = tone(0.01, channels=channels)
    scale, dtype = {"u8": (128, "u1"), "s16": (2**15, "i2"), "s32": (2**31, "i4"), "flt": (1, "f4"), "dbl": (1, "f8")}[
        form.removesuffix("p")
    ]
    coded = (pcm.astype(float) * scale + (128 if scale == 128 else 0)).astype(dtype)
    array = coded if form.endswith("p") else np.ascontiguousarray(coded.T.reshape(1, -1))
    out = np.empty_like(pcm)
    write_pcm(av.AudioFrame.from_ndarray(array, form, layout), 0, out)
    assert np.abs(out - pcm).max() <= 1 / scale if scale > 1 else np.array_equal(out, pcm)


def test_full_scale_is_one() -> None:
    out = np.empty((1, 2), np.float32)
    write_pcm(av.AudioFrame.from_ndarray(np.int16([[-32768, 32767]]), "s16", "mono"), 0, out)
    assert out.tolist() == [[-1.0, 32767 / 32768]]
    write_pcm(av.AudioFrame.from_ndarray(np.uint8([[0, 128]]), "u8", "mono"), 0, out)
    assert out.tolist() == [[-1.0, 0.0]]


@pytest.mark.parametrize("form", ["fltp", "dblp"])
def test_what_is_no_sound_is_made_harmless(form: str) -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 1e30, 1.5]], "f4" if form == "fltp" else "f8")
    out = np.empty((1, 5), np.float32)
    write_pcm(av.AudioFrame.from_ndarray(values, form, "mono"), 0, out)
    limit_damage(out)
    assert out.tolist() == [[0.0, 1000.0, -1000.0, 1000.0, 1.5]]


FILES = {
    "wav-u8": ("a.wav", {"codec": "pcm_u8"}),
    "wav-s16": ("a.wav", {}),
    "wav-s24-mono": ("a.wav", {"codec": "pcm_s24le", "layout": "mono"}),
    "wav-float": ("a.wav", {"codec": "pcm_f32le"}),
    "wav-8-kHz": ("a.wav", {"rate": 8000}),
    "flac-96-kHz": ("a.flac", {"codec": "flac", "rate": 96000}),
    "aac-5.1": ("a.mp4", {"codec": "aac", "layout": "5.1"}),
    "flac-7.1": ("a.flac", {"codec": "flac", "layout": "7.1"}),
    "aac-in-matroska": ("a.mkv", {"codec": "aac", "rate": 44100}),
    "mp3": ("a.mp3", {"codec": "libmp3lame"}),
    "mp3-in-matroska": ("a.mka", {"codec": "libmp3lame", "rate": 44100}),
    "opus": ("a.opus", {"codec": "libopus"}),
    "opus-in-webm": ("a.webm", {"codec": "libopus"}),
    "flac-in-ogg": ("a.ogg", {"codec": "flac", "rate": 44100}),
    "mp2-in-ts": ("a.ts", {"codec": "mp2"}),
    "ac3-in-ts": ("a.ts", {"codec": "ac3", "layout": "5.1"}),
}


@pytest.mark.parametrize("case", FILES)
def test_samples_equal_a_straight_decode(tmp_path: Path, case: str) -> None:
    name, settings = FILES[case]
    path = write_audio(tmp_path / name, seconds=2.3, **settings)  # type: ignore[arg-type]
    got = decode(path)
    assert np.abs(got.pcm() - straight_pcm(path)).max() < 1e-4
    assert got.kinds() <= {FactKind.CLOCK_ERROR, FactKind.TABLE_ERROR}
    assert all(chunk.contiguous for chunk in got.tracks[0][1:])
    rate = got.tracks[0][0].rate
    assert {len(chunk) for chunk in got.tracks[0][:-1]} == {rate // 2}
    assert got.info.audio[0].sample_rate == rate


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.webm", "libopus"), ("a.mka", "libmp3lame")])
def test_priming_is_left_out(tmp_path: Path, name: str, codec: str) -> None:
    got = decode(write_audio(tmp_path / name, codec=codec, seconds=2))
    pcm, made = got.pcm()[0], tone(2)[0]
    lag = int(np.argmax([np.dot(pcm[5000 + d : 25000 + d], made[5000:25000]) for d in range(1500)]))
    start = got.tracks[0][0].start
    assert abs(float(start) + lag / 48000) < 0.0015
    assert len(pcm) / 48000 + float(start) == pytest.approx(2, abs=0.05)


def test_tracks_keep_their_own_layouts(tmp_path: Path) -> None:
    got = decode(write_audio(tmp_path / "a.mkv", codec="flac", tracks=3))
    assert sorted(got.tracks) == [0, 1, 2]
    assert all(np.array_equal(got.pcm(0), got.pcm(i)) for i in (1, 2))
    assert got.tracks[0][0].channels == ("FL", "FR")
    assert len(got.info.audio) == 3


def test_absurd_rates_make_bounded_chunks(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav", seconds=0.2, layout="mono")
    data = bytearray(path.read_bytes())
    for rate in (1, 2**31 - 1):
        data[24:28] = rate.to_bytes(4, "little")
        path.write_bytes(data)
        got = decode(path, limits=Limits(sample_rates=(1, 2**31)))
        assert got.pcm().shape == (1, 9600)


class Track:
    """An audio path that is fed frames by hand, in ticks of 1/48000 s."""

    def __init__(self, *, may_jump: bool = True) -> None:
        container = av.open("/dev/null", "w", format="matroska")
        stream = container.add_stream("pcm_s16le", rate=48000)
        stream.time_base = Fraction(1, 48000)
        self.units: list[MediaUnit] = []
        self.timeline = Timeline()
        self.timeline.start(Fraction(0))
        tally = Tally(stream, "audio:0", self.units.append, self.timeline)  # type: ignore[arg-type]
        clock = StreamClock("audio:0", self.timeline, may_jump, self.units.append, Fraction(0))
        self.path = AudioPath(tally, [AudioNeed()], clock)
        self._container = container

    def feed(
        self, pts: int | None, samples: int = 4800, *, rate: int = 48000, layout: str = "mono", level: float = 0.1
    ) -> None:
        pcm = np.full((av.AudioLayout(layout).nb_channels, samples), level, np.float32)
        frame = av.AudioFrame.from_ndarray(pcm, "fltp", layout)
        frame.sample_rate, frame.pts = rate, pts
        self.path.add(frame)

    def finish(self) -> tuple[list[AudioChunk], list[FactKind]]:
        self.path.end()
        chunks = [u for u in self.units if isinstance(u, AudioChunk)]
        check_sound(chunks)
        facts = [u.kind for u in self.units if isinstance(u, StreamFact) and u.kind is not FactKind.STREAM_STARTED]
        return chunks, facts


def test_rounded_timestamps_are_no_gaps() -> None:
    track = Track()
    for i in range(200):
        track.feed(round(i * 1024 / 48) * 48, 1024)
    chunks, facts = track.finish()
    assert facts == []
    assert all(c.contiguous for c in chunks[1:])
    assert sum(len(c) for c in chunks) == 200 * 1024


@pytest.mark.parametrize("missing_ms", [16, 100, 9000])
def test_missing_sound_is_a_gap(missing_ms: int) -> None:
    track = Track()
    track.feed(0)
    track.feed(4800 + 48 * missing_ms)
    chunks, facts = track.finish()
    assert facts == [FactKind.TIMESTAMP_GAP]
    assert [c.start for c in chunks] == [0, Fraction(100 + missing_ms, 1000)]
    assert not chunks[1].contiguous


def test_sound_that_comes_twice_is_left_out() -> None:
    track = Track()
    track.feed(0, 24000, level=0.1)
    for pts in range(19200, 48000, 960):
        track.feed(pts, 960, level=0.2)
    chunks, facts = track.finish()
    assert facts == [FactKind.TIMESTAMP_BACKWARD]
    assert [(c.epoch, c.start, len(c)) for c in chunks] == [(0, 0, 24000), (0, Fraction(1, 2), 24000)]


@pytest.mark.parametrize("jump", [-96000, 48000 * 11], ids=["back", "forward"])
def test_a_jump_starts_an_epoch(jump: int) -> None:
    track = Track()
    track.feed(48000 * 100)
    track.feed(48000 * 100 + 4800 + jump)
    chunks, facts = track.finish()
    assert facts == [FactKind.DISCONTINUITY]
    assert [c.epoch for c in chunks] == [0, 1]


@pytest.mark.parametrize(("rate", "layout"), [(44100, "mono"), (48000, "stereo")], ids=["rate", "layout"])
def test_another_form_in_mid_stream_begins_a_chunk(rate: int, layout: str) -> None:
    track = Track()
    track.feed(0)
    track.feed(4800, rate=rate, layout=layout)
    chunks, facts = track.finish()
    assert facts == []
    assert [(c.start, c.rate, len(c.channels), c.contiguous) for c in chunks] == [
        (0, 48000, 1, False),
        (Fraction(1, 10), rate, av.AudioLayout(layout).nb_channels, False),
    ]


def test_frames_without_timestamps_follow_each_other() -> None:
    track = Track()
    for _ in range(10):
        track.feed(None)
    chunks, _ = track.finish()
    assert [c.start for c in chunks] == [0, Fraction(1, 2)]


@pytest.mark.parametrize(("layout", "names"), [("mono", ("FC",)), ("stereo", ("FL", "FR"))])
def test_channels_of_which_a_file_says_nothing_are_the_usual_ones(
    tmp_path: Path, layout: str, names: tuple[str, ...]
) -> None:
    path = write_audio(tmp_path / "plain.wav", layout=layout)
    with av.open(str(path)) as container:
        assert {channel.name for channel in container.streams.audio[0].layout.channels} == {"NONE"}
    assert decode(path).tracks[0][0].channels == names
