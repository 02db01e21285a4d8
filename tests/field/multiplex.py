"""Making transport streams of several programmes, and such as change their PIDs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.field.making import X264, ffmpeg, lavfi
from tests.unit.decoder.transport_streams import pat

PACKET = 188
PICTURE = "testsrc2=s=320x180:r=25"


def write_ts(
    path: Path,
    *,
    seconds: float,
    first_pid: int,
    service: int = 1,
    offset_s: float = 0,
    tones: Sequence[int] = (440,),
    audio: Sequence[str] = ("-c:a", "aac"),
    picture: str | None = PICTURE,
    picture_first: bool = True,
    muxer: Sequence[str | int] = (),
) -> Path:
    """A transport stream of one programme: moving picture and tones; PMT at 0x1000 plus the programme's number."""
    sources = [*([picture] if picture else []), *(f"sine=f={tone}:r=48000" for tone in tones)]
    order = list(range(len(sources)))
    if not picture_first:
        order = [*order[1:], order[0]]
    maps = [word for index in order for word in ("-map", str(index))]
    ffmpeg(
        *lavfi(*sources), *maps, "-t", str(seconds), *(X264 if picture else ()), "-g", "25", *audio,
        "-mpegts_start_pid", str(first_pid), "-mpegts_service_id", str(service),
        "-mpegts_pmt_start_pid", str(0x1000 + service), "-muxdelay", "0", "-output_ts_offset", str(offset_s),
        *map(str, muxer), "-f", "mpegts", path,
    )  # fmt: skip
    return path


def multiplex(target: Path, parts: dict[int, Path]) -> Path:
    """One transport stream of several, by programme number: packets in proportion, one PAT that names them all."""
    streams = [_packets(path) for path in parts.values()]
    table = b"\0" + pat({number: 0x1000 + number for number in parts})
    joint = bytes([0x47, 0x40, 0x00]), bytes([*table, *b"\xff" * (PACKET - 4 - len(table))])
    placed = sorted(
        (index / len(packets), which, packet)
        for which, packets in enumerate(streams)
        for index, packet in enumerate(packets)
    )
    out = bytearray()
    tables = 0
    for _, which, packet in placed:
        if packet[1] & 0x1F or packet[2]:
            out += packet
        elif which == 0:
            out += joint[0] + bytes([0x10 | tables & 0x0F]) + joint[1]
            tables += 1
    target.write_bytes(out)
    return target


def renumbered(path: Path) -> Path:
    """The same file with continuity counters that go on through its joins, as a multiplexer gives them."""
    data = bytearray(path.read_bytes())
    counters: dict[tuple[int, int], int] = {}
    for at in range(0, len(data), PACKET):
        pid = data[at + 1] & 0x1F, data[at + 2]
        counters[pid] = counters.get(pid, -1) + bool(data[at + 3] & 0x10) & 0x0F
        data[at + 3] = data[at + 3] & 0xF0 | counters[pid]
    path.write_bytes(data)
    return path


def _packets(path: Path) -> list[bytes]:
    data = path.read_bytes()
    packets = [data[at : at + PACKET] for at in range(0, len(data), PACKET)]
    # One SDT for all is not needed, and several would break its counter.
    return [p for p in packets if (p[1] & 0x1F, p[2]) != (0, 0x11)]
