"""Which streams belong together: programmes of a multiplex have clocks of their own (ISO/IEC 13818-1).

The situations of ExoPlayer#2995 and xbmc#15696.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from glasswatch.cli.inspect import inspect as inspect_command
from glasswatch.core.detection import Severity
from glasswatch.core.errors import InputError
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source
from tests.field.making import BASE, X264, events, ffmpeg, inspect
from tests.field.multiplex import multiplex, write_ts


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Radio, a programme with picture and two languages, and one that is silent; hours apart by their clocks."""
    folder = tmp_path_factory.mktemp("three")
    radio = write_ts(folder / "1.ts", seconds=6, first_pid=0x100, service=1, picture=None, offset_s=40)
    two = write_ts(folder / "2.ts", seconds=6, first_pid=0x200, service=2, offset_s=5000, tones=(440, 660))
    quiet = ("-af", "volume=0", "-c:a", "mp2")
    silent = write_ts(folder / "3.ts", seconds=4, first_pid=0x300, service=3, offset_s=70000, audio=quiet)
    return multiplex(folder / "three.ts", {1: radio, 2: two, 3: silent})


def test_programmes_are_not_compared(tmp_path: Path) -> None:
    for number in (1, 2):
        offset = ("-output_ts_offset", "5000") if number == 2 else ()
        ffmpeg(
            "-i", BASE, "-t", "6", *X264, "-g", "25", "-c:a", "aac", "-mpegts_start_pid", str(0x100 * number),
            "-mpegts_service_id", str(number), "-mpegts_pmt_start_pid", str(0x1000 + number), *offset,
            "-f", "mpegts", tmp_path / f"{number}.ts",
        )  # fmt: skip
    report = inspect(multiplex(tmp_path / "20.ts", {1: tmp_path / "1.ts", 2: tmp_path / "2.ts"}))
    assert events(report, "av_length") == []
    assert report.input.programme == 1
    assert report.input.not_judged == ("programme 2: h264 640x360, aac (--program 2)",)
    assert report.timing.media_s == pytest.approx(6, abs=0.1)


def test_the_first_programme_with_picture_is_judged(three: Path) -> None:
    report = inspect(three, "av_length", "silence", "stream_error", "freeze")
    assert report.input.programme == 2
    assert [event for event in report.events if event.severity.label != "info"] == []
    assert len(report.input.audio) == 2
    assert report.input.not_judged == (
        "programme 1: aac (--program 1)",
        "programme 3: h264 320x180, mp2 (--program 3)",
    )


def test_another_programme_is_judged_when_asked_for(three: Path) -> None:
    report = inspect(three, "silence", "av_length", programme=3)
    assert [event.defect for event in report.events] == ["silence"]
    assert report.input.programme == 3
    radio = inspect(three, "silence", "black", programme=1)
    assert radio.events == ()
    assert radio.input.video is None


def test_faults_of_other_programmes_are_not_this_ones(three: Path, tmp_path: Path) -> None:
    data = bytearray(three.read_bytes())
    lost = [at for at in range(0, len(data), 188) if (data[at + 1] & 0x1F) == 0x03 and at > len(data) // 2][:5]
    for at in reversed(lost):
        del data[at : at + 188]
    (tmp_path / "lost.ts").write_bytes(data)
    assert events(inspect(tmp_path / "lost.ts", "stream_error", programme=2), "stream_error", Severity.WARNING) == []
    found = events(inspect(tmp_path / "lost.ts", "stream_error", programme=3), "stream_error")
    assert "continuity" in {event.kind for event in found}


def test_lengths_inside_a_programme_are_compared_still(tmp_path: Path) -> None:
    short = write_ts(tmp_path / "1.ts", seconds=8, first_pid=0x100, service=1, picture="testsrc2=s=320x180:r=25:d=4")
    other = write_ts(tmp_path / "2.ts", seconds=8, first_pid=0x200, service=2, offset_s=900)
    found = events(inspect(multiplex(tmp_path / "m.ts", {1: short, 2: other}), "av_length"), "av_length")
    assert [(event.kind, event.track) for event in found] == [("end", None)]
    assert found[0].end_s - found[0].start_s == pytest.approx(4, abs=0.1)


def test_an_unknown_programme_is_one_line_that_lists_them(three: Path) -> None:
    run = CliRunner().invoke(inspect_command, [str(three), "--program", "9"], standalone_mode=False)
    assert isinstance(run.exception, InputError)
    assert "has no programme 9; there are 1 (aac); 2 (h264 320x180, aac, aac); 3 (" in str(run.exception)
    with pytest.raises(InputError, match="has no programmes; leave --program out"):
        open_source(str(BASE), programme=1)


@contextlib.contextmanager
def sent_by_udp(data: bytes) -> Iterator[str]:
    """The address at which the bytes are heard over and over, in datagrams of seven packets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while not stop.is_set():
                for at in range(0, len(data), 1316):
                    sender.sendto(data[at : at + 1316], ("127.0.0.1", port))
                    if stop.wait(0.001):
                        return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield f"udp://127.0.0.1:{port}"
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("asked", [None, 3])
def test_a_multiplex_over_udp_is_treated_like_one_in_a_file(three: Path, asked: int | None) -> None:
    with sent_by_udp(three.read_bytes()) as url:
        source = open_source(url, Limits(open_timeout_s=20, read_timeout_s=2), asked)
    with contextlib.closing(source):
        info = source.describe()
        with contextlib.closing(open_source(str(three), programme=asked)) as file:
            expected = file.describe()
        assert info.programme == expected.programme == (asked or 2)
        assert sorted(info.not_judged) == sorted(expected.not_judged)
        assert [track.codec for track in info.audio] == [track.codec for track in expected.audio]
