"""One decode of an input, as the media units that the chosen detectors need."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av import AudioFrame, VideoFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import Need
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.audio import AudioPath
from glasswatch.decoder.source import Source
from glasswatch.decoder.tally import Tally
from glasswatch.decoder.transport_reader import TransportReader
from glasswatch.decoder.video import VideoPath

PROGRESS_S = 1
"""How often, in seconds of media, facts say that time goes on."""

TRUNCATED_S = Fraction(1, 2)
"""A stream that ends this much before its declared end is truncated."""


@dataclass(slots=True)
class Decoder:
    """Decodes a source once and makes the union of the renditions that are needed.

    Attributes:
        source: The opened input.
        needs: What the detectors need; streams that no need reads are still demultiplexed and watched for faults.
        timeline: Where the epochs lie; filled while decoding.
        threads: Decoder threads; 0 lets FFmpeg choose.
        busy_s: Wall seconds spent inside FFmpeg's demuxer and decoders so far.
    """

    source: Source
    needs: Collection[Need]
    timeline: Timeline = field(default_factory=Timeline)
    threads: int = 0
    busy_s: float = 0.0
    _facts: deque[StreamFact] = field(default_factory=deque)
    _told: Instant | None = None

    def units(self) -> Iterator[MediaUnit]:
        """Media units in the order of decoding; each stream's own are in media order."""
        for unit in self._decode():
            yield from self._drain_facts()
            yield unit
        yield from self._drain_facts()

    def _drain_facts(self) -> Iterator[StreamFact]:
        while self._facts:
            yield self._facts.popleft()

    def _decode(self) -> Iterator[MediaUnit]:
        self.timeline.start(self._start)
        paths = {stream.index: self._path(stream) for stream in self.source.streams}
        lead = next(iter(paths.values())).tally
        path_on_disk = self.source.path if self.source.is_transport_stream else None
        # Reading a pipe alongside the demuxer would take its bytes away.
        is_file = path_on_disk is not None and path_on_disk.is_file()
        transport = TransportReader(path_on_disk) if path_on_disk is not None and is_file else None
        for packet in self._packets():
            path = paths.get(packet.stream.index)
            if path is None:
                continue
            at = self._note(packet, path.tally)
            if transport is not None and packet.pos is not None:
                # On the leading stream's time only: streams that were cut apart would scatter the findings.
                self._facts.extend(transport.read_to(packet.pos, lead.end or Instant(0, self._start)))
            yield from self._pass(path, packet, at)
            self._tell_progress(lead)
        for path in paths.values():
            yield from self._pass(path, None, path.tally.end or Instant(0, self._start))
            yield from path.end()
        if transport is not None:
            self._facts.extend(transport.finish(lead.end or Instant(0, self._start)))
        for path in paths.values():
            self._conclude(path.tally)

    @property
    def _start(self) -> Fraction:
        return self.source.start or Fraction(0)

    def _path(self, stream: VideoStream | AudioStream) -> VideoPath | AudioPath:
        """Prepare a stream for decoding."""
        may_jump = self.source.may_jump
        if isinstance(stream, AudioStream):
            tally = Tally(stream, f"audio:{self.source.audio.index(stream)}", self._facts.append)
            return AudioPath(tally, self.needs, self.timeline, may_jump)
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = self.threads
        return VideoPath(Tally(stream, "video:0", self._facts.append), self.needs, self.timeline, may_jump)

    def _packets(self) -> Iterator[Packet[Any]]:
        """Packets until the end of the input, or until it can be read no further."""
        packets = self.source.container.demux()
        while True:
            started = time.perf_counter()
            try:
                packet = next(packets, None)
            except IndexError:
                # PyAV trips over streams that appeared after opening when it comes to flush at the end of the input.
                return
            except (av.FFmpegError, OSError) as error:
                text = f"the input cannot be read further: {error.strerror or error}"
                self._facts.append(StreamFact(FactKind.TRUNCATED, Instant(0, self._start), "container", text))
                return
            finally:
                self.busy_s += time.perf_counter() - started
            if packet is None or _is_flush(packet):
                return
            yield packet

    def _note(self, packet: Packet[Any], tally: Tally) -> Instant:
        """Count a packet and say what is wrong with it; gives its place in time, near enough for a fact."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        stated = stamp * packet.time_base if stamp is not None and packet.time_base else self._start
        at = tally.end or Instant(0, stated)
        tally.packets += 1
        if packet.is_corrupt:
            tally.say(FactKind.CORRUPT_PACKET, at, "a packet lacks data or carries an error flag")
        if tally.packets == 1 and isinstance(tally.stream, VideoStream) and not packet.is_keyframe:
            tally.say(FactKind.BROKEN_START, at, "the first picture is no key frame")
        return at

    def _pass(self, path: VideoPath | AudioPath, packet: Packet[Any] | None, at: Instant) -> Iterator[MediaUnit]:
        """Decode a packet, or what the decoder still holds when there is none; errors become facts."""
        started = time.perf_counter()
        try:
            frames = path.tally.stream.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            path.tally.say(FactKind.DECODE_ERROR, at, _reason(error))
            return
        finally:
            self.busy_s += time.perf_counter() - started
        for frame in frames:
            match path, frame:
                case VideoPath(), VideoFrame():
                    yield from path.add(frame)
                case AudioPath(), AudioFrame():
                    yield from path.add(frame)

    def _tell_progress(self, lead: Tally) -> None:
        if lead.end is None:
            return
        told = self._told
        if told is None or lead.end.epoch != told.epoch or lead.end.seconds - told.seconds >= PROGRESS_S:
            self._told = lead.end
            self._facts.append(StreamFact(FactKind.PROGRESS, lead.end, "container", "media time goes on"))

    def _conclude(self, tally: Tally) -> None:
        """Facts that are known once a stream has ended."""
        if tally.frames == 0 or tally.first is None or tally.end is None:
            at = Instant(0, self._start)
            tally.say(FactKind.NOTHING_DECODED, at, f"{tally.packets} packets, none could be decoded")
            return
        values = {"end_s": float(tally.end.seconds), "packets": float(tally.packets), "frames": float(tally.frames)}
        declared = self.source.declared_s(tally.stream)
        if declared is not None:
            values["declared_s"] = float(declared)
            lasted = self.timeline.position(tally.end) - self.timeline.position(tally.first)
            if declared - lasted > TRUNCATED_S:
                text = f"the stream ends after {float(lasted):.2f} s of {float(declared):.2f} s"
                tally.say(FactKind.TRUNCATED, tally.end, text, missing_s=float(declared - lasted))
        tally.say(FactKind.STREAM_ENDED, tally.end, "the stream ends", **values)


def _is_flush(packet: Packet[Any]) -> bool:
    """Whether it is one of the empty packets by which PyAV marks the end of the input."""
    return packet.size == 0 and packet.dts is None and packet.pts is None


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"the decoder reports: {' '.join(str(text).split())}"
