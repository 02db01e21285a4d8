"""Transport streams for tests: packets made by hand, and a stream that FFmpeg muxed."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np

PAT, PMT, VIDEO, AUDIO = 0, 0x100, 0x101, 0x102


def mpeg_crc(data: bytes) -> bytes:
    """Bit by bit, from the definition in ISO/IEC 13818-1 annex A."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return register.to_bytes(4, "big")


def section(table_id: int, extension: int, body: bytes, version: int = 0) -> bytes:
    head = bytes([table_id]) + (0xB000 | 5 + len(body) + 4).to_bytes(2, "big") + extension.to_bytes(2, "big")
    data = head + bytes([0xC1 | version << 1, 0, 0]) + body
    return data + mpeg_crc(data)


def pat(programmes: dict[int, int], version: int = 0) -> bytes:
    body = b"".join(n.to_bytes(2, "big") + (0xE000 | pid).to_bytes(2, "big") for n, pid in programmes.items())
    return section(0, 1, body, version)


def pmt(streams: dict[int, int], programme: int = 1, descriptors: bytes = b"") -> bytes:
    body = (0xE000 | VIDEO).to_bytes(2, "big") + b"\xf0\x00"
    for pid, stream_type in streams.items():
        length = (0xF000 | len(descriptors)).to_bytes(2, "big")
        body += bytes([stream_type]) + (0xE000 | pid).to_bytes(2, "big") + length + descriptors
    return section(2, programme, body)


class Mux:
    """Makes packets with right counters; a tick of its clock is 20 ms."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.counters: dict[int, int] = {}
        self.pcr = 10 * 27_000_000

    def add(self, pid: int, payload: bytes = b"", starts: bool = False, adaptation: bytes | None = None) -> int:
        """Append one packet; gives its number."""
        counter = self.counters.get(pid, 15)
        if payload:
            counter = (counter + 1) & 15
        self.counters[pid] = counter
        room = 184 - (0 if adaptation is None else 1 + len(adaptation))
        if adaptation is not None and not payload:
            adaptation, room = adaptation + b"\xff" * room, 0
        control = (0x10 if payload else 0) | (0x20 if adaptation is not None else 0)
        field = b"" if adaptation is None else bytes([len(adaptation)]) + adaptation
        head = bytes([0x47, (0x40 if starts else 0) | pid >> 8, pid & 0xFF, control | counter])
        self.packets.append(head + field + payload[:room].ljust(room, b"\xff"))
        return len(self.packets) - 1

    def tables(self, pmt_section: bytes | None = None) -> None:
        self.add(PAT, b"\0" + pat({1: PMT}), starts=True)
        self.add(PMT, b"\0" + (pmt_section or pmt({VIDEO: 0x1B, AUDIO: 0x0F})), starts=True)

    def clock(self, seconds: float = 0.02, flags: int = 0x10) -> int:
        self.pcr += round(seconds * 27_000_000)
        base, extension = divmod(self.pcr % ((1 << 33) * 300), 300)
        return self.add(
            VIDEO, b"\x55", adaptation=bytes([flags]) + (base << 15 | 0x7E00 | extension).to_bytes(6, "big")
        )

    def run(self, ticks: int, tables_every: int = 10, pids: tuple[int, ...] = (VIDEO, AUDIO)) -> Mux:
        for tick in range(ticks):
            if tables_every and tick % tables_every == 0:
                self.tables()
            self.clock()
            for n, pid in enumerate(pids * 5):
                self.add(pid, bytes([n + 1, tick & 0xFF]) * 92)
        return self

    @property
    def data(self) -> bytes:
        return b"".join(self.packets)


def muxed(seconds: int = 4, fps: int = 25) -> bytes:
    """What FFmpeg's muxer makes of a small moving picture and a tone."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mpegts") as container:
        video = container.add_stream("mpeg2video", rate=fps, width=160, height=96)
        audio = container.add_stream("mp2", rate=48000)
        noise = np.random.default_rng(1).integers(0, 255, (96, 160 + fps * seconds, 3), np.uint8)
        for n in range(fps * seconds):
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, n : n + 160]))))
            tone = (8000 * np.sin(np.arange(48000 // fps) / 20)).astype(np.int16)[None]
            sound = av.AudioFrame.from_ndarray(np.repeat(tone, 2, 0).T.reshape(1, -1), "s16", "stereo")
            sound.rate, sound.pts, sound.time_base = 48000, n * 48000 // fps, Fraction(1, 48000)
            container.mux(audio.encode(sound))
        container.mux(video.encode())
        container.mux(audio.encode())
    return buffer.getvalue()
