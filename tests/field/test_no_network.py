"""With --no-network a file from outside makes no request."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.field.making import BASE, ffmpeg

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n{}#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 54004 RTP/AVP 0\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Address of a server that has a.ts, and what was asked of it."""
    asked: list[str] = []
    ffmpeg("-i", BASE, "-t", "2", "-c", "copy", tmp_path / "a.ts")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}", asked
        serving.shutdown()
        thread.join()


def inspected(path: Path | str, *options: str) -> tuple[int, str]:
    """Exit status and errors of `glasswatch inspect`."""
    command = [sys.executable, "-m", "glasswatch", "inspect", str(path), "--detectors", "black", "--quiet", *options]
    run = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
    return run.returncode, run.stderr


@pytest.mark.parametrize("name", ["segment", "key", "nested", "mpd", "url"])
def test_no_request_is_made(tmp_path: Path, server: tuple[str, list[str]], name: str) -> None:
    url, asked = server
    path: Path | str = tmp_path / "a.m3u8"
    segments = tmp_path / "b.m3u8"
    segments.write_text(PLAYLIST.format("", f"{url}/a.ts"))
    match name:
        case "segment":
            path = segments
        case "key":
            (tmp_path / "a.m3u8").write_text(PLAYLIST.format(f'#EXT-X-KEY:METHOD=AES-128,URI="{url}/a.ts"\n', "a.ts"))
        case "nested":
            (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nb.m3u8\n")
        case "mpd":
            path = tmp_path / "a.mpd"
            path.write_text(f'<?xml version="1.0"?><MPD><BaseURL>{url}/</BaseURL></MPD>')
        case "url":
            path = f"{url}/a.ts"
    status, error = inspected(path, "--no-network")
    assert status == 2
    assert len(error.splitlines()) == 1
    assert "network" in error
    assert asked == []


def test_what_is_refused_is_read_without_the_option(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    url, asked = server
    (tmp_path / "a.m3u8").write_text(PLAYLIST.format("", f"{url}/a.ts"))
    assert inspected(tmp_path / "a.m3u8") == (0, "")
    assert "/a.ts" in asked


def test_a_reception_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sdp").write_text(SDP)
    status, error = inspected(tmp_path / "a.sdp", "--no-network")
    assert status == 2
    assert "describes a reception from the network" in error


def test_files_and_playlists_of_files_are_read(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    comment = "# from http://example.org/\n"
    (tmp_path / "a.m3u8").write_text(PLAYLIST.format(comment, "a.ts"))
    assert inspected(tmp_path / "a.m3u8", "--no-network") == (0, "")
    assert inspected(BASE, "--no-network") == (0, "")
    assert server[1] == []
