"""One decode of an input, as the media units that the chosen detectors need."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av import AudioFrame, VideoFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.packet import Packet
from av.stream import Discard
from av.video.stream import VideoStream

from glasswatch.core.media import AudioChunk, FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed, FactNeed, Need, VideoNeed
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.audio import AudioPath
from glasswatch.decoder.checksums import spare
from glasswatch.decoder.checksums.watch import ChecksumWatch, watches_for
from glasswatch.decoder.clock import StreamClock
from glasswatch.decoder.discrete import TrackGroups, Tracks
from glasswatch.decoder.joins import Joins, NoJoins, joins_of
from glasswatch.decoder.ogg_reader import OggReader
from glasswatch.decoder.playlist import MediaPlaylist, playlist_of
from glasswatch.decoder.source import Source
from glasswatch.decoder.tally import Tally
from glasswatch.decoder.transport_reader import TransportReader
from glasswatch.decoder.video import VideoPath

PROGRESS_S = 1
"""How often, in seconds of media, facts say that time goes on."""

SHORT_S = Fraction(1, 1000)
"""PCM that ends no more than this before the length that its header states is whole."""

DECODER_LAG_S = 8
"""How far, in seconds, a packet's timestamp may be ahead of the frames decoded so far, of the same epoch: 16 frames in
as many threads at 2 a second. What differs by more is after a jump."""

TRUNCATED_S = Fraction(1, 2)
"""A stream that ends this much before its declared end is truncated."""


@dataclass(slots=True)
class Decoder:
    """Decodes a source once and makes the union of the renditions that are needed.

    Attributes:
        source: The opened input.
        needs: What the detectors need. Where they ask for facts, all streams are decoded and watched for faults;
            else only those that are read, and of the picture the first one, which tells how it is to be shown.
        timeline: Where the epochs lie; filled while decoding.
        threads: Decoder threads; 0 lets FFmpeg choose.
        track_groups: Discrete mono tracks that are judged as one; None to infer them.
        busy_s: Wall seconds spent inside FFmpeg's demuxer and decoders so far.
    """

    source: Source
    needs: Collection[Need]
    timeline: Timeline = field(default_factory=Timeline)
    threads: int = 0
    track_groups: TrackGroups | None = None
    busy_s: float = 0.0
    _out: deque[MediaUnit] = field(default_factory=deque)
    _paths: list[VideoPath | AudioPath] = field(default_factory=list)
    _told: Instant | None = None
    _playlist: MediaPlaylist | None = None
    _joins: Joins = field(default_factory=NoJoins)
    _watches: dict[int, list[ChecksumWatch]] = field(default_factory=dict)
    _spares: dict[int, spare.SpareDecoder] = field(default_factory=dict)
    _tracks: Tracks = field(init=False)

    def __post_init__(self) -> None:
        self._tracks = Tracks.of(self.source.audio, self.track_groups)

    def units(self) -> Iterator[MediaUnit]:
        """Media units in the order of decoding; each stream's own are in media order.

        Nothing in the input makes it raise: what cannot be read or decoded is told as facts.
        """
        for _ in self._steps():
            while self._out:
                yield self._out.popleft()

    def _steps(self) -> Iterator[None]:
        """Decode packet by packet, so that never more than the units of one are held."""
        self.timeline.start(self._start.seconds)
        self._playlist = playlist_of(self.source)
        self._joins = joins_of(self.source, self._playlist)
        self._paths = [self._path(stream) for stream in self.source.streams if self._is_read(stream)]
        self._leave_out_unread()
        path_of = {path.tally.stream.index: path for path in self._paths}
        for stream in self.source.undecodable:
            text = "FFmpeg has no decoder for this stream"
            self._out.append(StreamFact(FactKind.NOTHING_DECODED, self._start, self.source.name_of(stream), text))
        yield
        transport = self._reader_alongside()
        try:
            for packet in self._packets():
                path = path_of.get(packet.stream.index)
                if path is None:
                    self._look_at_first(packet)
                    continue
                self._note(packet, path)
                if transport is not None and packet.pos is not None:
                    # On the leading stream's time only: streams that were cut apart would scatter the findings.
                    self._out.extend(transport.read_to(packet.pos, self._reached))
                self._decode(path, packet)
                if path is self._paths[0]:
                    self._tell_progress()
                yield
            for path in self._paths:
                self._decode(path, None)
                path.end()
                yield
            self._out.extend(self._tracks.finish())
            yield
            if transport is not None:
                for fact in transport.finish(self._reached):
                    self._out.append(fact)
                    yield
        finally:
            if transport is not None:
                transport.close()
        for path in self._paths:
            self._conclude(path)
        if len(self._paths) == len(self.source.streams):
            self._conclude_container()
        yield

    def _reader_alongside(self) -> TransportReader | OggReader | None:
        """What reads a local file's container too, where that has checks of its own which FFmpeg keeps to itself."""
        path = self.source.path
        if path is None:
            return None
        if self.source.is_transport_stream:
            return TransportReader(path)
        return OggReader(path) if self.source.container.format.name == "ogg" else None

    @property
    def _start(self) -> Instant:
        return Instant(0, self.source.start or Fraction(0))

    @property
    def _reached(self) -> Instant:
        """How far the leading stream has come: the picture, or the first track of sound."""
        return (self._paths[0].reached if self._paths else None) or self._start

    def _is_read(self, stream: VideoStream | AudioStream) -> bool:
        """Whether a need reads the stream, or facts about it."""
        mine = AudioNeed if isinstance(stream, AudioStream) else VideoNeed
        return any(isinstance(need, (mine, FactNeed)) for need in self.needs)

    def _leave_out_unread(self) -> None:
        """Have streams that nothing reads passed over; the picture once its first one is known."""
        for stream in self.source.streams:
            if self._is_read(stream):
                continue
            if isinstance(stream, VideoStream):
                self._prepare(stream, threads=1)
            else:
                stream.discard = Discard.all

    def _look_at_first(self, packet: Packet[Any]) -> None:
        """Decode a packet of a stream that nothing reads, until there is a picture."""
        if not isinstance(packet.stream, VideoStream) or packet.stream.discard is Discard.all:
            return  # what the demuxer had read ahead
        with contextlib.suppress(av.FFmpegError, ValueError, MemoryError):
            for frame in packet.stream.decode(packet):
                self.source.see_first(frame)
                packet.stream.discard = Discard.all
                return

    def _path(self, stream: VideoStream | AudioStream) -> VideoPath | AudioPath:
        """Prepare a stream for decoding."""
        tally = Tally(stream, self.source.name_of(stream), self._emit, self.timeline)
        start = tally.seconds(stream.start_time)
        first = self._start.seconds if start is None else start
        holds = self.source.holds(stream)
        clock = StreamClock(tally.name, self.timeline, self.source.may_jump, tally.emit, first, holds)
        self._watch_checksums(tally)
        if isinstance(stream, AudioStream):
            return AudioPath(tally, self.needs, clock, len(self.source.audio))
        self._prepare(stream, self.threads)
        return VideoPath(tally, self.needs, clock, self.source.has_pts)

    def _emit(self, unit: MediaUnit) -> None:
        """Take in what a stream gives; discrete mono tracks wait for one another."""
        if isinstance(unit, AudioChunk):
            self._out.extend(self._tracks.add(unit))
        else:
            self._out.append(unit)

    def _watch_checksums(self, tally: Tally) -> None:
        """Have the stream's checksums compared, where it has any and facts are needed."""
        if not any(isinstance(need, FactNeed) for need in self.needs):
            return
        self._watches[tally.stream.index] = watches_for(tally)
        context = tally.stream.codec_context
        if context.codec.canonical_name in spare.CODECS:
            context.options = spare.OPTIONS
            self._spares[tally.stream.index] = spare.SpareDecoder(tally)

    def _prepare(self, stream: VideoStream, threads: int) -> None:
        """Set up a decoder of pictures before its first packet."""
        context = stream.codec_context
        # FFmpeg checks this before it allocates a picture: sizes may change in mid-stream.
        context.options = {"max_pixels": str(self.source.limits.most_pixels)}
        # What cannot be decoded well is shown too, as players do: it is what a viewer sees after a broken start.
        context.flags |= Flags.output_corrupt
        context.thread_type = "AUTO"
        context.thread_count = threads

    def _packets(self) -> Iterator[Packet[Any]]:
        """Packets until the end of the input, or until it can be read no further."""
        packets = self.source.container.demux(self.source.streams) if self.source.streams else iter(())
        while True:
            started = time.perf_counter()
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                text = f"the input cannot be read further: {getattr(error, 'strerror', None) or error}"
                self._out.append(StreamFact(FactKind.TRUNCATED, self._reached, "container", text))
                return
            except IndexError:
                # PyAV trips over streams that appeared after opening when it comes to flush at the end of the input.
                return
            finally:
                self.busy_s += time.perf_counter() - started
            if packet is None:
                return
            if not _is_flush(packet):
                yield packet

    def _note(self, packet: Packet[Any], path: VideoPath | AudioPath) -> None:
        """Count a packet and say what is wrong with it."""
        tally, clock = path.tally, path.clock
        tally.packets += 1
        step = tally.times.step(packet)
        now = path.reached or self._start
        if step is not None:
            if step > 0:
                clock.leave_uncovered(step)
            if self._joins.announces(packet, step, self.timeline.position(now)):
                clock.announce_join(now.seconds)
                tally.forgive_flags()
        tally.confirm_flags()
        if packet.is_corrupt:
            tally.flag(packet, self._near(path, packet))
        elif watches := self._watches.get(packet.stream.index):
            length, at, data = tally.seconds(packet.duration), self._at(path, packet), bytes(packet)
            for watch in watches:
                watch.add(data, at, float(length) if length else None)
        if tally.packets == 1 and isinstance(tally.stream, VideoStream) and not packet.is_keyframe:
            tally.say(FactKind.BROKEN_START, self._near(path, packet), "the first picture is no key frame")
        if tally.packets == 1 and isinstance(path, VideoPath) and packet.is_keyframe:
            path.begin_with(packet.pts)

    def _near(self, path: VideoPath | AudioPath, packet: Packet[Any] | None) -> Instant:
        """The time of a packet, near enough for a fact."""
        if path.reached is not None:
            return path.reached
        stamp = None if packet is None else packet.pts if packet.pts is not None else packet.dts
        seconds = path.tally.seconds(stamp)
        return self._start if seconds is None else Instant(0, seconds)

    def _at(self, path: VideoPath | AudioPath, packet: Packet[Any]) -> Instant:
        """The time of a packet's frame: by its own timestamp, since decoders lag, unless that is of another epoch."""
        near = self._near(path, packet)
        stamp = packet.pts if isinstance(path, AudioPath) or path.has_pts else packet.dts
        seconds = path.tally.seconds(stamp)
        return near if seconds is None or abs(seconds - near.seconds) > DECODER_LAG_S else Instant(near.epoch, seconds)

    def _decode(self, path: VideoPath | AudioPath, packet: Packet[Any] | None) -> None:
        """Decode a packet, or what the decoder still holds when there is none; errors become facts."""
        if packet is not None and packet.size == 0 and isinstance(path, VideoPath):
            path.repeat(packet.pts)
            return
        started = time.perf_counter()
        frames: Sequence[VideoFrame | AudioFrame] | None
        try:
            frames = path.tally.stream.decode(packet)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            frames = self._decode_unchecked(path, packet)
            if frames is None:
                text = " ".join(str(getattr(error, "strerror", None) or error).split())
                path.tally.say(FactKind.DECODE_ERROR, self._near(path, packet), f"the decoder reports: {text}")
                return
        finally:
            self.busy_s += time.perf_counter() - started
        for frame in frames:
            match path, frame:
                case VideoPath(), VideoFrame():
                    if path.tally.frames == 0:
                        self.source.see_first(frame)
                    path.add(frame)
                case AudioPath(), AudioFrame():
                    path.add(frame)

    def _decode_unchecked(self, path: VideoPath | AudioPath, packet: Packet[Any] | None) -> list[AudioFrame] | None:
        """What a packet holds that the decoder has refused because of its checksum, None where that is not why."""
        decoder = self._spares.get(path.tally.stream.index)
        return None if decoder is None or packet is None else decoder.decode(packet, self._at(path, packet))

    def _tell_progress(self) -> None:
        reached, told = self._paths[0].reached, self._told
        if reached is None:
            return
        if told is None or reached.epoch != told.epoch or reached.seconds >= told.seconds + PROGRESS_S:
            self._told = reached
            self._out.append(StreamFact(FactKind.PROGRESS, reached, "container", "media time goes on"))

    def _conclude(self, path: VideoPath | AudioPath) -> None:
        """Facts that are known once a stream has ended."""
        for watch in self._watches.get(path.tally.stream.index, ()):
            watch.end()
        tally, end = path.tally, path.reached
        tally.end_flags(is_fault=not self._is_short_end(path))
        if tally.first is None or end is None:
            text = f"{tally.packets} packets, none could be decoded"
            tally.say(FactKind.NOTHING_DECODED, self._start, text)
            return
        values = {"end_s": float(end.seconds), "packets": float(tally.packets), "frames": float(tally.frames)}
        values["position_s"] = float(self.timeline.position(end))
        declared = self.source.declared_s(tally.stream)
        if declared is not None:
            values["declared_s"] = float(declared)
            lasted = self.timeline.position(end) - self.timeline.position(tally.first)
            self._compare_length(tally.name, end, lasted, declared)
        tally.say(FactKind.STREAM_ENDED, end, "the stream ends", **values)

    def _is_short_end(self, path: VideoPath | AudioPath) -> bool:
        """Whether the last packet of a PCM file is marked only since the file ends where it may: not before its length.

        Whoever writes into a pipe cannot go back and state a length; then the file holds what it holds.
        """
        declared, end, first = self.source.declared_s(path.tally.stream), path.reached, path.tally.first
        if not self.source.is_plain_pcm or end is None or first is None:
            return False
        lasted = self.timeline.position(end) - self.timeline.position(first)
        return declared is None or declared - lasted <= SHORT_S

    def _conclude_container(self) -> None:
        """Compare the length of all streams with what the container states, where it does not for each."""
        ends = [path.reached for path in self._paths if path.reached is not None]
        declared = self.source.declared_container_s if self._playlist is None else self._playlist.least_s
        if not ends or declared is None:
            return
        last = max(ends, key=self.timeline.position)
        self._compare_length("container", last, self.timeline.position(last), declared)

    def _compare_length(self, stream: str, end: Instant, lasted: Fraction, declared: Fraction) -> None:
        missing = declared - lasted
        if missing > (SHORT_S if self.source.is_plain_pcm else TRUNCATED_S):
            text = f"the stream ends after {float(lasted):.2f} s of {float(declared):.2f} s"
            values = {"missing_s": float(missing)}
            self._out.append(StreamFact(FactKind.TRUNCATED, end, stream, text, values=values))


def _is_flush(packet: Packet[Any]) -> bool:
    """Whether it is one of the empty packets by which PyAV marks the end of the input."""
    return packet.size == 0 and packet.dts is None and packet.pts is None
