"""Live inputs on loopback: one transport stream, sent at the pace of its timestamps, to any number of readers."""

from __future__ import annotations

import asyncio
import mmap
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import av

PACKET = 188
TICK_S = 0.02
_LOOPBACK = "127.0.0.1"
_PAT = 0
_MOST_BACK = 8


@dataclass(frozen=True, slots=True)
class Index:
    """Where what lies in a transport stream, and when it is due.

    Attributes:
        positions: Byte positions of the media packets, rising.
        due_s: When each is due: its decoding time in seconds from the first picture, never falling.
        joins: Byte position and presentation time, in seconds from the first picture, of where a reader may join in:
            the tables before a key frame.
    """

    positions: Sequence[int]
    due_s: Sequence[float]
    joins: Sequence[tuple[int, float]]

    def reached(self, due_s: float) -> int:
        """How many bytes are due by then."""
        place = bisect_right(self.due_s, due_s)
        return self.positions[place] if place < len(self.positions) else self.positions[-1]


def index(path: Path) -> Index:
    """Read the timestamps of a transport stream."""
    data = path.read_bytes()
    found, joins = [], []
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert video.start_time is not None
        assert video.time_base is not None
        first = video.start_time * video.time_base
        for packet in container.demux(video, *container.streams.audio):
            if packet.pos is None or packet.dts is None or packet.pts is None:
                continue
            found.append((packet.pos, float(packet.dts * packet.time_base - first)))
            if packet.stream is video and packet.is_keyframe:
                joins.append((tables_before(data, packet.pos), float(packet.pts * packet.time_base - first)))
    found.sort()
    latest, due = -1.0, []
    for _, due_s in found:
        latest = max(latest, due_s)
        due.append(latest)
    return Index([position for position, _ in found], due, joins)


def tables_before(data: bytes, position: int) -> int:
    """Byte position of the program association table right before a key frame; that of the key frame without one."""
    for back in range(1, _MOST_BACK):
        at = position - back * PACKET
        if at < 0:
            break
        if ((data[at + 1] & 0x1F) << 8 | data[at + 2]) == _PAT:
            return at
    return position


@dataclass(slots=True)
class Feed:
    """One live input.

    Attributes:
        address: Its URL.
        join_s: Where in the stream it begins, in seconds from the first picture.
        position: The same as a byte position.
        began: When its first picture was sent, by `time.monotonic`; None until somebody reads it.
    """

    address: str
    join_s: float
    position: int
    began: float | None = None

    def wall(self, media_s: float) -> float:
        """When so many seconds of the stream, from its first picture, are shown; by `time.monotonic`."""
        assert self.began is not None
        return self.began + media_s - self.join_s


class LiveSource:
    """Sends the stream to whoever connects, from a thread of its own; feeds begin at different places of a period."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index = index(path)
        self._feeds: list[Feed] = []
        self._servers: list[asyncio.Server] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="live-source", daemon=True)

    def feed(self) -> Feed:
        """One more live input."""
        # 2 and 5 have no common factor: neighbours are far apart in a period of five GOPs.
        position, join_s = self._index.joins[2 * len(self._feeds) % 5]
        feed = asyncio.run_coroutine_threadsafe(self._listen(position, join_s), self._loop).result(10)
        self._feeds.append(feed)
        return feed

    def __enter__(self) -> Self:
        self._file = self._path.open("rb")
        self._data = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._data.close()
        self._file.close()

    async def _listen(self, position: int, join_s: float) -> Feed:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await self._send(feed, writer)
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, _LOOPBACK, 0)
        self._servers.append(server)
        feed = Feed(f"tcp://{_LOOPBACK}:{server.sockets[0].getsockname()[1]}", join_s, position)
        return feed

    async def _send(self, feed: Feed, writer: asyncio.StreamWriter) -> None:
        began = time.monotonic()
        feed.began = feed.began or began
        position, end = feed.position, len(self._data)
        while position < end:
            due = self._index.reached(feed.join_s + time.monotonic() - began)
            if due > position:
                writer.write(self._data[position:due])
                position = due
                await writer.drain()
            await asyncio.sleep(TICK_S)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
