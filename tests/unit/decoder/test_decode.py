from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest

from glasswatch.core.media import AudioChunk, FactKind, FrameChunk, StreamFact
from glasswatch.core.needs import AudioNeed, FactNeed, Need
from glasswatch.core.time import Instant
from glasswatch.decoder import decode as decode_module
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
from tests.media import write_audio, write_video
from tests.unit.decoder.decoding import EVERYTHING, NATIVE, decode

TS = {"codec": "mpeg2video", "frames": 50, "audio_s": 2}


def joined(tmp_path: Path, *paths: Path) -> Path:
    """Transport streams one after the other."""
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in paths))
    return path


def test_starts_and_ends_are_told(tmp_path: Path) -> None:
    got = decode(write_video(tmp_path / "a.mp4", frames=50, audio_s=2))
    for stream in ("video:0", "audio:0"):
        assert got.fact(FactKind.STREAM_STARTED, stream).at == Instant(0, Fraction(0))
    ended = got.fact(FactKind.STREAM_ENDED, "video:0")
    assert ended.at == Instant(0, Fraction(2))
    assert ended.values == {"end_s": 2.0, "position_s": 2.0, "packets": 50.0, "frames": 50.0, "declared_s": 2.0}
    assert got.facts[-1].kind is FactKind.STREAM_ENDED
    assert got.kinds() == set()


def test_progress_is_told_every_second(tmp_path: Path) -> None:
    got = decode(write_video(tmp_path / "a.mp4", frames=100))
    told = [f.at.seconds for f in got.facts if f.kind is FactKind.PROGRESS]
    assert told == [Fraction(1, 25) + i for i in range(4)]


def test_what_is_trimmed_by_an_edit_list_is_not_missing(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", frames=100)
    trimmed = tmp_path / "b.mp4"
    with av.open(str(whole)) as source, av.open(str(trimmed), "w", options={"use_editlist": "1"}) as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None and packet.pts is not None:
                packet.pts -= 25 * 512
                packet.dts -= 25 * 512
                packet.stream = stream
                out.mux(packet)
    got = decode(trimmed)
    assert got.kinds() == set()
    assert got.timeline.position(Instant(0, got.pts()[0])) == 0


@pytest.mark.parametrize("jump", [1000, -100], ids=["forward", "back"])
def test_picture_and_sound_go_through_a_cut_together(tmp_path: Path, jump: int) -> None:
    first = write_video(tmp_path / "a.ts", container_options={"output_ts_offset": "200"}, **TS)  # type: ignore[arg-type]
    second = write_video(tmp_path / "b.ts", container_options={"output_ts_offset": str(200 + jump)}, **TS)  # type: ignore[arg-type]
    got = decode(joined(tmp_path, first, second))
    for chunks in (got.chunks["picture"], got.tracks[0]):
        assert [c.epoch for c in chunks] == sorted(c.epoch for c in chunks)
        assert {c.epoch for c in chunks} == {0, 1}
    cuts = [f for f in got.facts if f.kind is FactKind.DISCONTINUITY]
    assert [f.stream for f in sorted(cuts, key=lambda f: f.stream)] == ["audio:0", "video:0"]
    assert got.timeline.position(got.chunks["picture"][-1].end) == pytest.approx(4, abs=0.2)


def test_a_wrap_of_the_33_bit_clock_is_no_cut(tmp_path: Path) -> None:
    offset = {"output_ts_offset": str(2**33 / 90000 - 1)}
    got = decode(write_video(tmp_path / "a.ts", container_options=offset, **TS))  # type: ignore[arg-type]
    assert {c.epoch for c in [*got.chunks["picture"], *got.tracks[0]]} == {0}
    assert got.timeline.position(got.chunks["picture"][-1].end) == pytest.approx(2, abs=0.1)
    assert FactKind.DISCONTINUITY not in got.kinds()


def test_negative_and_absurd_starts(tmp_path: Path) -> None:
    pts = [2**40 + i for i in range(25)]
    got = decode(write_video(tmp_path / "a.mkv", codec="ffv1", pts=pts, time_base=Fraction(1, 25)))
    assert len(got.pts()) == 25
    assert got.timeline.position(Instant(0, got.pts()[0])) == 0


def test_an_absurd_timestamp_inside_is_a_cut(tmp_path: Path) -> None:
    pts = [*range(10), *(10**9 + i for i in range(10))]
    got = decode(write_video(tmp_path / "a.mkv", codec="ffv1", frames=20, pts=pts, time_base=Fraction(1, 25)))
    assert FactKind.DISCONTINUITY in got.kinds()
    assert got.timeline.position(got.chunks["picture"][-1].end) < 2


def test_errors_of_the_decoder_are_facts(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", codec="ffv1", frames=50)
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 3, len(data) * 2 // 3, 97):
        data[at] ^= 0xFF
    path.write_bytes(data)
    got = decode(path)
    assert got.kinds() & {FactKind.DECODE_ERROR, FactKind.DAMAGED_FRAME}


def test_a_start_in_mid_gop_is_told(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.ts", codec="mpeg2video", frames=100, gop_size=50).read_bytes()
    (tmp_path / "b.ts").write_bytes(data[: 188 * 3] + data[188 * (len(data) // 188 // 4) :])
    assert FactKind.BROKEN_START in decode(tmp_path / "b.ts").kinds("video:0")


def test_a_cable_that_is_pulled_ends_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(str(write_video(tmp_path / "a.mp4", frames=50)))
    demux = source.container.demux

    class Container:
        format, duration = source.container.format, source.container.duration

        def demux(self, streams: object) -> Iterator[object]:
            for number, packet in enumerate(demux(streams)):  # type: ignore[call-overload]
                if number == 25:
                    raise av.error.ConnectionResetError(104, "Connection reset by peer")
                yield packet

    monkeypatch.setattr(source, "container", Container())
    units = list(Decoder(source, EVERYTHING).units())
    facts = [u for u in units if isinstance(u, StreamFact) and u.kind is FactKind.TRUNCATED]
    assert facts[0].message == "the input cannot be read further: Connection reset by peer"
    assert units[-1].kind is FactKind.STREAM_ENDED  # type: ignore[union-attr]


def test_facts_are_not_gathered_while_nothing_can_be_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(str(write_video(tmp_path / "a.mkv", codec="ffv1", frames=200)))
    monkeypatch.setattr(decode_module.VideoPath, "add", lambda *_: (_ for _ in ()).throw(AssertionError))
    decoder = Decoder(source, EVERYTHING)
    monkeypatch.setattr(source, "limits", type(source.limits)(most_pixels=1))
    held = [len(decoder._out) for _ in decoder.units()]
    assert len(held) >= 200
    assert max(held) <= 2


MEMORY = """
import resource, sys
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
def run(path):
    for _ in Decoder(open_source(path), [VideoNeed(Planes.PICTURE), AudioNeed()], threads=1).units():
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(run(sys.argv[1]), run(sys.argv[2]))
"""


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    short = write_video(tmp_path / "a.ts", size=(320, 240), codec="mpeg2video", frames=50, audio_s=2)
    long = tmp_path / "b.ts"
    long.write_bytes(short.read_bytes() * 20)
    out = subprocess.run(
        [sys.executable, "-c", MEMORY, str(short), str(long)], check=True, capture_output=True, text=True
    )
    first, after = map(int, out.stdout.split())
    # All pictures of the long one together take 115 MB.
    assert after - first < 20_000


@pytest.mark.parametrize(
    ("needs", "read"),
    [([AudioNeed()], "audio:0"), ([NATIVE], "video:0"), ([AudioNeed(), FactNeed()], "facts")],
    ids=["sound", "picture", "facts"],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_what_nothing_reads_is_passed_over(tmp_path: Path, suffix: str, needs: list[Need], read: str) -> None:
    path = write_video(tmp_path / f"a.{suffix}", frames=100, audio_s=4)
    source = open_source(str(path))
    other = source.audio[0] if read == "video:0" else source.video
    assert other is not None
    counted, demux = [], source.container.demux

    class Container:
        format, duration = source.container.format, source.container.duration

        def demux(self, streams: object) -> Iterator[object]:
            for packet in demux(streams):  # type: ignore[call-overload]
                counted.append(packet.stream.index == other.index and packet.size > 0)
                yield packet

    source.container = Container()  # type: ignore[assignment]
    units = list(Decoder(source, needs).units())
    # All, or those that were read ahead when the file was opened.
    assert sum(counted) == 100 if read == "facts" else sum(counted) < 20
    told = {u.stream for u in units if isinstance(u, StreamFact)} - {"container"}
    assert told == ({"video:0", "audio:0"} if read == "facts" else {read})
    assert FactKind.TRUNCATED not in {u.kind for u in units if isinstance(u, StreamFact)}
    assert [u for u in units if isinstance(u, FrameChunk if read == "video:0" else AudioChunk)]


def test_how_a_picture_is_shown_is_told_though_nothing_reads_it(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", codec="mpeg2video", audio_s=1, flags=1 << 18 | 1 << 29)
    info = decode(path, [AudioNeed()]).info
    assert info.video is not None
    assert info.video.interlaced
    assert info == decode(path).info


def test_tracks_that_end_early_do_not_stop_the_others(tmp_path: Path) -> None:
    got = decode(write_video(tmp_path / "a.mp4", frames=100, audio_s=1))
    assert got.fact(FactKind.STREAM_ENDED, "video:0").values["end_s"] == 4.0
    assert got.fact(FactKind.STREAM_ENDED, "audio:0").values["end_s"] == pytest.approx(1, abs=0.03)


def test_sound_alone_leads_its_own_progress(tmp_path: Path) -> None:
    got = decode(write_audio(tmp_path / "a.wav", seconds=3))
    assert len([f for f in got.facts if f.kind is FactKind.PROGRESS]) in (3, 4)
