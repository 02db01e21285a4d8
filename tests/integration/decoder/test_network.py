from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import pytest

from glasswatch.core.errors import InputError
from glasswatch.core.media import FactKind
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source
from tests.media import write_video
from tests.unit.decoder.decoding import decode

IMPATIENT = Limits(open_timeout_s=1.0, read_timeout_s=1.0)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder without a word; what is asked for is kept."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The URL of a folder, and the paths that have been asked for."""
    asked: list[str] = []
    handler = type("Handler", (Quiet,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def answering(reply: bytes) -> Iterator[str]:
    """A server that sends `reply` and then nothing more."""
    connections: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
        listener.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


def write_manifest(folder: Path, name: str, *, size: tuple[int, int] = (64, 48)) -> Path:
    """Two seconds as HLS or DASH."""
    options = {"hls_time": "1", "hls_list_size": "0"} if name.endswith("m3u8") else {"seg_duration": "1"}
    more = {"container_options": options, "gop_size": 25}
    return write_video(folder / name, codec="libx264", frames=50, size=size, audio_s=2, **more)


HAS_DASH = av.ContainerFormat("dash").is_input
DASH = pytest.param("a.mpd", marks=pytest.mark.skipif(not HAS_DASH, reason="this FFmpeg has no DASH demuxer"))


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.m3u8", DASH])
def test_over_http(tmp_path: Path, name: str) -> None:
    if name in ("a.m3u8", "a.mpd"):
        write_manifest(tmp_path, name)
    else:
        write_video(tmp_path / name, codec="libx264", frames=50, audio_s=2)
    with serving(tmp_path) as (url, _):
        got = decode(f"{url}/{name}?token=secret")
    assert len(got.pts()) == 50
    assert got.pcm().shape[1] == pytest.approx(96000, abs=3000)
    assert "secret" not in got.info.path
    assert FactKind.DECODE_ERROR not in got.kinds()


@pytest.mark.parametrize("name", ["a.m3u8", DASH])
def test_a_manifest_on_disk(tmp_path: Path, name: str) -> None:
    assert len(decode(write_manifest(tmp_path, name)).pts()) == 50


@pytest.mark.skipif(HAS_DASH, reason="this FFmpeg has a DASH demuxer")
def test_a_dash_manifest_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no DASH demuxer"):
        open_source(str(write_manifest(tmp_path, "a.mpd")))


@pytest.mark.parametrize("scheme", ["http", "https", "rtmp", "rtsp", "srt", "tcp"])
def test_a_closed_port_is_one_clear_line_without_secrets(scheme: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(f"{scheme}://user:pass@127.0.0.1:1/live?passphrase=word", IMPATIENT)
    message = str(caught.value)
    assert message.startswith(f"cannot read {scheme}://***@127.0.0.1:1")
    assert not any(secret in message for secret in ("user", "pass@", "word"))
    assert "\n" not in message


def test_of_several_variants_only_the_best_is_read(tmp_path: Path) -> None:
    for name, size in (("low", (64, 48)), ("high", (128, 96))):
        (tmp_path / name).mkdir()
        write_manifest(tmp_path / name, "v.m3u8", size=size)
    (tmp_path / "all.m3u8").write_text(
        "#EXTM3U\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=64x48\nlow/v.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=128x96\nhigh/v.m3u8\n"
    )
    with serving(tmp_path) as (url, asked):
        got = decode(f"{url}/all.m3u8")
    assert {chunk.size for chunk in got.chunks["picture"]} == {(128, 96)}
    assert len(got.info.audio) == 1
    assert "/high/v1.ts" in asked
    assert "/low/v1.ts" not in asked


@pytest.mark.parametrize("scheme", ["file://{path}", "{path}", "concat:{path}", "subfile,,start,0,end,0,,:{path}"])
def test_a_manifest_from_outside_cannot_name_local_files(tmp_path: Path, scheme: str) -> None:
    (tmp_path / "web").mkdir()
    secret = write_video(tmp_path / "secret.ts", codec="mpeg2video")
    named = scheme.format(path=secret)
    (tmp_path / "web/a.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{named}\n#EXT-X-ENDLIST\n")
    with serving(tmp_path / "web") as (url, _), pytest.raises(InputError):
        open_source(f"{url}/a.m3u8")


def test_a_film_on_disk_cannot_reach_the_network(tmp_path: Path) -> None:
    write_manifest(tmp_path, "a.m3u8")
    with serving(tmp_path) as (url, asked):
        (tmp_path / "b.mp4").write_text(f"#EXTM3U\n#EXTINF:1,\n{url}/a0.ts\n#EXT-X-ENDLIST\n")
        with pytest.raises(InputError):
            open_source(str(tmp_path / "b.mp4"))
    assert asked == []


def test_missing_pages_and_closed_ports(tmp_path: Path) -> None:
    with serving(tmp_path) as (url, _), pytest.raises(InputError, match="404"):
        open_source(f"{url}/none.mp4")
    with pytest.raises(InputError, match="refused"):
        open_source(f"{url}/none.mp4")


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["silent", "no-body"])
def test_a_server_that_does_not_answer(reply: bytes) -> None:
    started = time.monotonic()
    with answering(reply) as url, pytest.raises(InputError, match="did not answer in time"):
        open_source(url, IMPATIENT)
    assert time.monotonic() - started < 5


def test_a_server_that_stops_in_the_middle(tmp_path: Path) -> None:
    data = write_video(
        tmp_path / "a.ts", size=(320, 240), codec="mpeg2video", frames=100, options={"b": "8M"}
    ).read_bytes()
    with answering(b"HTTP/1.1 200 OK\r\n\r\n" + data[: len(data) * 3 // 4]) as url:
        got = decode(url, limits=IMPATIENT)
    assert 20 < len(got.pts()) < 100
    assert "cannot be read further" in got.fact(FactKind.TRUNCATED, "container").message


def test_udp(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.ts", codec="mpeg2video", frames=100, audio_s=4).read_bytes()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Event()

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            # Over and over until the receiver has heard enough: the first datagrams may come too early for it.
            while not stop.is_set():
                for at in range(0, len(data), 1316):
                    sender.sendto(data[at : at + 1316], ("127.0.0.1", port))
                    if stop.wait(0.002):
                        return

    sender = threading.Thread(target=send)
    sender.start()
    try:
        source = open_source(f"udp://127.0.0.1:{port}", Limits(open_timeout_s=10, read_timeout_s=1))
    finally:
        stop.set()
        sender.join()
    try:
        assert source.video is not None
        assert source.is_transport_stream
        assert isinstance(source.video.codec_context, av.VideoCodecContext)
    finally:
        source.close()
    with pytest.raises(InputError, match="did not answer in time"):
        open_source(f"udp://127.0.0.1:{port}", IMPATIENT)
