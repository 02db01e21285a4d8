"""An input that cannot be read to its end says so, and is no success: `complete` is false, the exit status 2."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from glasswatch.cli.inspect import inspect as inspect_command
from glasswatch.core.detection import Severity
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source
from glasswatch.report.junit import to_junit
from tests.field.making import BASE, ffmpeg, inspect, joined, lavfi
from tests.field.multiplex import write_ts


def inspected(location: Path | str, folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit status of `glasswatch inspect`, and its report."""
    report = folder / "report.json"
    command = [str(location), "--json", str(report), "--quiet", *options]
    run = CliRunner().invoke(inspect_command, command, standalone_mode=False)
    assert run.exception is None, run.exception
    return run.return_value, json.loads(report.read_text())


def chained(folder: Path, *rates: int) -> Path:
    """Links of Vorbis, 4 s each; all but the first are silent from 1 to 3.5 s."""
    links = []
    for number, rate in enumerate(rates):
        quiet = ("-af", "volume=0:enable='between(t,1,3.5)'") if number else ()
        links.append(folder / f"{number}.ogg")
        ffmpeg(*lavfi(f"sine=f=440:r={rate}:d=4"), *quiet, "-ac", "2", "-c:a", "libvorbis", links[-1])
    return joined(folder / "chained.ogg", links)


@pytest.mark.parametrize(
    "rates", [(44100, 48000), (44100, 44100), (44100, 48000, 32000), (48000, 44100, 48000)], ids=str
)
def test_every_link_is_judged(tmp_path: Path, rates: tuple[int, ...]) -> None:
    """FFmpeg reads no second Vorbis stream of another sample rate: the file is opened again at the next link."""
    status, report = inspected(chained(tmp_path, *rates), tmp_path, "--detectors", "silence,stream_error,av_length")
    assert (report["input"]["complete"], status) == (True, 1)
    assert report["input"]["duration_s"] == pytest.approx(4 * len(rates), abs=0.1)
    assert {event["defect"] for event in report["events"] if event["severity"] != "info"} == {"silence"}
    silences = [[event["start_s"], event["end_s"]] for event in report["events"] if event["defect"] == "silence"]
    assert silences == [pytest.approx([4 * n + 1, 4 * n + 3.5], abs=0.1) for n in range(1, len(rates))]


@pytest.mark.parametrize("fail_on", ["error", "info"])
def test_a_link_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_on: str) -> None:
    """What was found before does not hide that."""
    monkeypatch.setattr("glasswatch.decoder.source.next_link", lambda *_: None)
    status, report = inspected(chained(tmp_path, 44100, 48000), tmp_path, "--fail-on", fail_on)
    assert (report["input"]["complete"], status) == (False, 2)
    assert "cannot be read further: Not yet implemented" in report["input"]["stopped"]
    assert ("stream_error", "truncated") in {(event["defect"], event["kind"]) for event in report["events"]}


@contextlib.contextmanager
def answering(data: bytes, *, then_wait: bool) -> Iterator[str]:
    """A server that states no length, sends some bytes, and then waits for ever or breaks the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                        connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                        if then_wait:
                            done.wait(20)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        finally:
            done.set()


def test_a_server_that_falls_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_ts(tmp_path / "a.ts", seconds=8, first_pid=0x100).read_bytes()
    impatient = Limits(open_timeout_s=5, read_timeout_s=1)
    monkeypatch.setattr("glasswatch.cli.inspect.open_source", lambda url, _, programme: open_source(url, impatient))
    with answering(data, then_wait=True) as url:
        status, report = inspected(url, tmp_path, "--detectors", "silence,stream_error")
    assert status == 2
    assert report["input"]["complete"] is False
    assert "cannot be read further" in report["input"]["stopped"]
    assert ("stream_error", "truncated") in {(event["defect"], event["kind"]) for event in report["events"]}


def test_a_file_that_ends_early_was_read_to_its_end(tmp_path: Path) -> None:
    """What is there was read: the missing rest is a defect of the file, status 1."""
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(BASE.read_bytes()[: BASE.stat().st_size // 2])
    status, report = inspected(cut, tmp_path, "--detectors", "stream_error")
    assert (status, report["input"]["complete"]) == (1, True)
    assert {event["kind"] for event in report["events"] if event["severity"] == "error"} == {"truncated"}


def test_a_whole_file_is_complete(tmp_path: Path) -> None:
    path = write_ts(tmp_path / "a.ts", seconds=2, first_pid=0x100)
    status, report = inspected(path, tmp_path, "--detectors", "silence")
    assert (status, report["input"]["complete"], report["input"]["stopped"]) == (0, True, None)


def test_junit_has_an_error_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasswatch.decoder.source.next_link", lambda *_: None)
    report = inspect(chained(tmp_path, 44100, 32000), "silence")
    cases = to_junit(report, Severity.ERROR).iter("testcase")
    assert [case.get("name") for case in cases if case.find("error") is not None] == ["read to the end"]
