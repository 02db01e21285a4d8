"""Defects of the stream: damage to the encoded file, and streams of unequal length."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
from av.packet import Packet
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Effect, Encoded, Extent, Scene, StreamEffect
from glasswatch.simulator.encode import CONTAINERS
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import Defect
from glasswatch.simulator.media import Picture, Sound
from glasswatch.simulator.settings import Settings
from glasswatch.simulator.transport import CLOCK_HZ, TransportPacket, packets, shift_clocks

# Start codes, NAL lengths and headers stand in the first bytes; damage there hides the rest of the damage.
SPARED_BYTES = 16
COPY_BYTES = 1 << 20
KINDS = {
    "packet_loss": "continuity",
    "bit_flips": "decode",
    "truncation": "truncated",
    "pts_jump": "timestamps",
    "pts_backward": "timestamps",
    "missing_start": "broken_start",
}


class StreamErrorSettings(Settings):
    """Which damage."""

    mode: Literal["packet_loss", "bit_flips", "truncation", "pts_jump", "pts_backward", "missing_start"] = Field(
        "packet_loss", description="all but bit_flips and truncation need a .ts output"
    )
    every: int = Field(5, ge=1, description="one packet in so many is lost (TS packets) or has flipped bits")
    flips: int = Field(4, ge=1, le=1000, description="flipped bits in a damaged packet (mode bit_flips)")
    streams: Literal["video", "audio", "all"] = Field("video", description="whose TS packets are lost")
    jump_s: float = Field(10.0, gt=0, le=3600, description="size of the jump (modes pts_jump and pts_backward)")


class StreamError(StreamEffect[StreamErrorSettings]):
    """Damages the encoded file in the window."""

    defect = "stream_error"

    def __init__(self, settings: StreamErrorSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.lays_index_first = settings.mode == "truncation"
        if settings.mode not in ("bit_flips", "truncation"):
            self.containers = frozenset({".ts"})
        if settings.mode == "bit_flips" and scene.media.video is None:
            raise UsageError("stream_error: bit_flips damages pictures, and the input has none")
        self.found: dict[str, float] = {}

    def defects(self) -> list[Defect]:
        """One defect over all that was damaged."""
        start, end = self.changed.start, self.changed.end
        if start is None or end is None:
            return []
        return [self._label(start, end, kind=KINDS[self.settings.mode], strength=self.found)]

    def damage(self, clean: Encoded, target: Path) -> None:
        """Write the damaged copy."""
        match self.settings.mode:
            case "packet_loss":
                self._lose_packets(clean, target)
            case "bit_flips":
                self._flip_bits(clean, target)
            case "truncation":
                self._truncate(clean, target)
            case "missing_start":
                self._cut_start(clean, target)
            case "pts_jump" | "pts_backward":
                self._jump(clean, target)

    def _lose_packets(self, clean: Encoded, target: Path) -> None:
        wanted = {"video", "audio"} if self.settings.streams == "all" else {self.settings.streams}
        seen = lost = 0
        open_units: dict[int, Fraction] = {}
        whole_again = None
        with target.open("wb") as file:
            for packet in packets(clean.path):
                time = None if packet.time is None else packet.time - clean.origin
                if time is not None and packet.starts and packet.pid in open_units:
                    damaged = open_units.pop(packet.pid)
                    self.changed.add(damaged, max(time, damaged + self._unit(packet)))
                if lost and whole_again is None and packet.kind == "video" and packet.key and time is not None:
                    whole_again = time if time >= self.scene.end else None
                if time is not None and packet.kind in wanted and self.scene.holds(time):
                    seen += 1
                    if seen % self.settings.every == 0:
                        lost += 1
                        open_units.setdefault(packet.pid, time)
                        continue
                file.write(packet.data)
        for time in open_units.values():
            self.changed.add(time, clean.media.end)
        self.found = {"ts_packets_lost": lost}
        if self.changed.start is not None:
            self.found["recovery_s"] = float((whole_again or clean.media.end) - self.changed.start)

    def _unit(self, packet: TransportPacket) -> Fraction:
        video = self.scene.media.video
        return 1 / video.frame_rate if packet.kind == "video" and video is not None else Fraction(0)

    def _flip_bits(self, clean: Encoded, target: Path) -> None:
        seen = damaged = 0
        whole_again = None
        muxer = CONTAINERS[target.suffix.lower()][0]
        with (
            av.open(str(clean.path)) as source,
            av.open(str(target), "w", format=muxer, options={"fflags": "+bitexact"}) as sink,
        ):
            streams = {
                s.index: sink.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)
            }
            for packet in source.demux():
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                if packet.stream.type == "video":
                    time = packet.pts * packet.time_base - clean.origin
                    if packet.is_keyframe and damaged and whole_again is None and time >= self.scene.end:
                        whole_again = time
                    if self.scene.holds(time) and packet.size > 2 * SPARED_BYTES:
                        seen += 1
                        if seen % self.settings.every == 0:
                            damaged += 1
                            self._flip(packet)
                            self.changed.add(time, time + (packet.duration or 0) * packet.time_base)
                packet.stream = streams[packet.stream_index]
                sink.mux(packet)
        self.found = {"packets_damaged": damaged, "flipped_bits": damaged * self.settings.flips}
        if self.changed.start is not None:
            self.found["recovery_s"] = float((whole_again or clean.media.end) - self.changed.start)

    def _flip(self, packet: Packet[Any]) -> None:
        data = bytearray(bytes(packet))
        for at in self.rng.integers(SPARED_BYTES * 8, len(data) * 8, self.settings.flips):
            data[at >> 3] ^= 1 << (at & 7)
        packet.update(bytes(data))

    def _truncate(self, clean: Encoded, target: Path) -> None:
        cut = None
        with av.open(str(clean.path)) as source:
            for packet in source.demux():
                if packet.pts is None or packet.time_base is None or packet.pos is None or packet.pos < 0:
                    continue
                time = packet.pts * packet.time_base - clean.origin
                if cut is None and time >= self.scene.start:
                    cut = packet.pos + packet.size // 2
                if cut is not None and packet.pos + packet.size > cut:
                    self.changed.add(time, max(clean.media.end, time))
        if cut is None:
            return
        whole = clean.path.stat().st_size
        with clean.path.open("rb") as source_file, target.open("wb") as file:
            left = cut
            while left > 0 and (block := source_file.read(min(COPY_BYTES, left))):
                file.write(block)
                left -= len(block)
        self.found = {"lost_bytes": whole - cut}

    def _cut_start(self, clean: Encoded, target: Path) -> None:
        first: Fraction | None = None
        units = Extent()
        with target.open("wb") as file:
            for packet in packets(clean.path):
                time = None if packet.time is None else packet.time - clean.origin
                if time is not None and packet.starts:
                    if first is None and packet.kind == "video" and not packet.key and time >= self.scene.start:
                        first = time
                    if first is not None and self.changed.end is None:
                        units.add(time, time)
                        if packet.kind == "video" and packet.key and units.start is not None:
                            self.changed.add(units.start, time)
                if first is not None:
                    file.write(packet.data)
        if first is not None and self.changed.start is None:
            raise UsageError("stream_error: no key frame follows the cut; start earlier or set a shorter gop")
        self.output_start = self.changed.start
        self.found = {"removed_s": float(first or 0)}

    def _jump(self, clean: Encoded, target: Path) -> None:
        forward = self.settings.mode == "pts_jump"
        ticks = round(self.settings.jump_s * CLOCK_HZ)
        video = self.scene.media.video
        leader = "video" if video is not None else "audio"
        splice: Fraction | None = None
        shifted: set[int] = set()
        with target.open("wb") as file:
            for packet in packets(clean.path):
                time = None if packet.time is None else packet.time - clean.origin
                if time is not None and packet.starts:
                    if splice is None and packet.kind == leader and time >= self.scene.start:
                        splice = time if packet.key or leader == "audio" else None
                    if splice is not None and time >= splice:
                        shifted.add(packet.pid)
                # Backward, it is the part before the splice that is moved, forward: no clock goes below 0.
                if (packet.pid in shifted) is forward:
                    shift_clocks(packet, ticks)
                file.write(packet.data)
        if splice is None:
            raise UsageError("stream_error: no key frame in the window or after it; start earlier or set a shorter gop")
        self.changed.add(splice, splice + (1 / video.frame_rate if video is not None else 0))
        self.found = {"jump_s": self.settings.jump_s if forward else -self.settings.jump_s}


class LengthSettings(Settings):
    """Which stream is short, and where."""

    stream: Literal["audio", "video"] = Field("audio", description="the stream that is short")
    edge: Literal["end", "start"] = Field("end", description="end: it stops early; start: it begins late")
    by_s: float = Field(1.0, gt=0, description="how much of it is missing")


class AvLength(Effect[LengthSettings]):
    """Sound or pictures stop early or begin late; what remains is in sync."""

    defect = "av_length"

    def __init__(self, settings: LengthSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        media = scene.media
        assert media.video is not None
        ends = (media.video.end, max(a.end for a in media.audio))
        own, self.other_end = ends if settings.stream == "video" else ends[::-1]
        by = Fraction(str(settings.by_s))
        if by >= own:
            raise UsageError(f"av_length: by_s must be less than the stream's length of {float(own):.3f} s")
        if settings.edge == "end" and own - by >= self.other_end:
            raise UsageError(f"av_length: the {settings.stream} would still be the longer stream; by_s must be more")
        self.first, self.last = (Fraction(0), own - by) if settings.edge == "end" else (by, media.end + 1)

    def picture(self, picture: Picture) -> Picture | None:
        """Drops pictures outside what is kept."""
        if self.settings.stream != "video" or self.first <= picture.time < self.last:
            return picture
        self.changed.add(picture.time, picture.end)
        return None

    def sound(self, sound: Sound) -> Sound | None:
        """Cuts the block to the samples that are kept."""
        if self.settings.stream != "audio":
            return sound
        keep = sound.inside(self.first, self.last)
        length = sound.samples.shape[1]
        rate = sound.info.rate
        if keep.start == keep.stop:
            self.changed.add(sound.time, sound.end)
            return None
        if keep.start > 0:
            self.changed.add(sound.time, sound.time + Fraction(keep.start, rate))
        if keep.stop < length:
            self.changed.add(sound.time + Fraction(keep.stop, rate), sound.end)
        return Sound(sound.track, sound.first + keep.start, sound.samples[:, keep], sound.info)

    def defects(self) -> list[Defect]:
        """One for each track, from where it ends to the end of the media, or from their start to where it begins."""
        if self.changed.start is None or self.changed.end is None:
            return []
        at_end = self.settings.edge == "end"
        span = (self.changed.start, self.other_end) if at_end else (Fraction(0), self.changed.end)
        tracks = range(len(self.scene.media.audio)) if self.settings.stream == "audio" else (None,)
        strength = {"missing_s": float(span[1] - span[0])}
        return [self._label(*span, kind=self.settings.edge, track=track, strength=strength) for track in tracks]


INJECTORS = (
    Injector(
        "stream_error",
        "lost TS packets, flipped bits, a truncated file, jumping timestamps, a broken start",
        StreamErrorSettings,
        frozenset(),
        StreamError,
        (0.5, 3),
    ),
    Injector(
        "av_length",
        "sound or pictures end early or begin late",
        LengthSettings,
        frozenset({"audio", "video"}),
        AvLength,
        None,
    ),
)
