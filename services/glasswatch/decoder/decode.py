"""One decode of an input, as the media units that the chosen detectors need."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av import AudioFrame, VideoFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.stream import VideoStream

from glasswatch.core.media import AudioChunk, FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed, FactNeed, Need, VideoNeed
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.alongside import reader_alongside
from glasswatch.decoder.audio import AudioPath
from glasswatch.decoder.clock import StreamClock
from glasswatch.decoder.discrete import TrackGroups, Tracks
from glasswatch.decoder.endings import Endings
from glasswatch.decoder.feeds import Feeds
from glasswatch.decoder.joins import joins_of
from glasswatch.decoder.ogg_reader import OggReader
from glasswatch.decoder.packet_checks import PacketChecks
from glasswatch.decoder.pid_changes import Change, PidChanges
from glasswatch.decoder.playlist import MediaPlaylist, playlist_of
from glasswatch.decoder.source import Source
from glasswatch.decoder.streams import describe, is_decodable, prepare
from glasswatch.decoder.tags import Tags
from glasswatch.decoder.tally import Tally
from glasswatch.decoder.transport_reader import TransportReader
from glasswatch.decoder.video import VideoPath

PROGRESS_S = 1
"""How often, in seconds of media, facts say that time goes on."""

WATCH_S = 10
"""How often, in seconds of media, to look for streams that have appeared."""


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
        stopped: Why the input could not be read to its end, None where it could, and before.
    """

    source: Source
    needs: Collection[Need]
    timeline: Timeline = field(default_factory=Timeline)
    threads: int = 0
    track_groups: TrackGroups | None = None
    busy_s: float = 0.0
    stopped: str | None = None
    _out: deque[MediaUnit] = field(default_factory=deque)
    _paths: list[VideoPath | AudioPath] = field(default_factory=list)
    _told: Instant | None = None
    _alongside: TransportReader | OggReader | None = None
    _path_of: dict[Stream, VideoPath | AudioPath] = field(default_factory=dict)
    _changes: PidChanges | None = None
    _carries_from: dict[Stream, int] = field(default_factory=dict)
    _watched_at: Fraction | None = None
    _playlist: MediaPlaylist | None = None
    _parts: deque[str] = field(default_factory=deque)
    _tags: Tags = field(default_factory=Tags)
    _checks: PacketChecks = field(init=False)
    _tracks: Tracks = field(init=False)

    def __post_init__(self) -> None:
        self._tracks = Tracks.of(self.source.audio, self.track_groups)
        self._playlist = playlist_of(self.source)
        has_facts = any(isinstance(need, FactNeed) for need in self.needs)
        joins = joins_of(self.source, self._playlist)
        self._checks = PacketChecks(self.timeline, self._start, joins, with_checksums=has_facts)

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
        self._parts.extend(self._playlist.parts() if self._playlist is not None else ())
        self._paths = [self._path(stream) for stream in self.source.streams if self._is_read(stream)]
        self._leave_out_unread()
        self._path_of = {path.tally.stream: path for path in self._paths}
        for stream in self.source.undecodable:
            text = "FFmpeg has no decoder for this stream"
            self._out.append(StreamFact(FactKind.NOTHING_DECODED, self._start, self.source.name_of(stream), text))
        yield
        alongside = self._alongside = reader_alongside(self.source)
        self._changes = self.source.pid_changes()
        try:
            for packet in self._packets():
                self._take(packet)
                yield
            for path in self._paths:
                self._decode(path, None)
                path.end()
                yield
            self._out.extend(self._tracks.finish())
            yield
            if alongside is not None:
                for fact in alongside.finish(self._reached):
                    self._out.append(fact)
                    yield
        finally:
            if alongside is not None:
                alongside.close()
        endings = Endings(self.source, self.timeline, self._start, self._playlist, self._out.append)
        for path in self._paths:
            self._checks.end(path.tally)
            endings.conclude(path)
        ends = [self.timeline.position(path.reached) for path in self._paths if path.reached is not None]
        if ends and self.stopped is None:
            self.source.see_end(max(ends))
        if len(self._paths) == len(self.source.streams):
            endings.conclude_container(self._paths)
        yield

    def _take(self, packet: Packet[Any]) -> None:
        """Decode a packet of a watched track."""
        path = self._path_of.get(packet.stream)
        if path is None:
            self._look_at_first(packet)
            return
        if packet.pos is not None and packet.pos < self._carries_from.get(packet.stream, 0):
            return  # The end of an earlier stretch in this PID, which FFmpeg has held until the next one began.
        if packet.stream is not path.tally.stream:
            self._switch(path, packet.stream)
        if self.source.stated.holds_tags and self._tags.hold(bytes(packet)):
            # FFmpeg gives it a length, which is none of the sound's.
            path.tally.times.step(packet)
            path.clock.announce_join((path.reached or self._start).seconds)
            return
        self._checks.note(packet, path)
        if self._alongside is not None and packet.pos is not None:
            # On the leading stream's time only: streams that were cut apart would scatter the findings.
            self._out.extend(self._alongside.read_to(packet.pos, self._reached))
        self._decode(path, packet)
        if path is self._paths[0]:
            self._tell_progress()
            self._watch_streams()

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
                prepare(stream, self.source.limits.most_pixels, threads=1)
            else:
                stream.discard = Discard.all

    def _look_at_first(self, packet: Packet[Any]) -> None:
        """Decode a packet of a stream that nothing reads, until there is a picture."""
        video = self.source.video
        if video is None or packet.stream is not video or self._is_read(video) or video.discard is Discard.all:
            return  # A PID that carries no track, or what the demuxer had read ahead.
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
        holds = self.source.stated.holds(stream)
        clock = StreamClock(tally.name, self.timeline, self.source.may_jump, tally.emit, first, holds)
        self._checks.begin(tally)
        if isinstance(stream, AudioStream):
            return AudioPath(tally, self.needs, clock, len(self.source.audio), self.source.channels_of(stream))
        prepare(stream, self.source.limits.most_pixels, self.threads)
        return VideoPath(tally, self.needs, clock, self.source.has_pts)

    def _emit(self, unit: MediaUnit) -> None:
        """Take in what a stream gives; discrete mono tracks wait for one another."""
        if isinstance(unit, AudioChunk):
            self._out.extend(self._tracks.add(unit))
        else:
            self._out.append(unit)

    def _packets(self) -> Iterator[Packet[Any]]:
        """Packets until the end of the input, or until it can be read no further."""
        if not self.source.streams:
            return
        packets = self.source.packets() if not self._parts else iter(())
        feeds, before = Feeds(packets, lambda place: self._more(feeds, place)), 0.0
        for packet in feeds:
            self.busy_s, before = self.busy_s + feeds.busy_s - before, feeds.busy_s
            yield packet
        self._watch_streams(at_end=True)
        if feeds.failure is not None:
            self.stopped = f"the input cannot be read further: {feeds.failure}"
            self._out.append(StreamFact(FactKind.TRUNCATED, self._reached, "container", self.stopped))

    def _more(self, feeds: Feeds, position: int) -> list[Iterator[Packet[Any]]]:
        """Packets of streams that come in before the next packet, or where FFmpeg cannot read on."""
        if position == sys.maxsize and self._parts:
            return self._next_part()
        if position < sys.maxsize or not (feeds.failure or self.source.is_cut_at_links):
            return self._follow_tables(position)
        link = self.source.open_link(feeds.position)
        if link is None:
            return []
        feeds.forgive()
        return self._go_on_in(*link)

    def _next_part(self) -> list[Iterator[Packet[Any]]]:
        """Packets of the next part of the playlist that can be opened."""
        while self._parts:
            part = self.source.open_part(self._parts.popleft())
            if part is not None:
                return self._go_on_in(*part)
            self._lose("a part of the playlist that cannot be opened")
        return []

    def _go_on_in(
        self, streams: Sequence[VideoStream | AudioStream], packets: Iterator[Packet[Any]]
    ) -> list[Iterator[Packet[Any]]]:
        """Follow the tracks into the streams of another container, which have times of their own."""
        self._path_of = {}
        for kind in (VideoStream, AudioStream):
            paths = (path for path in self._paths if isinstance(path.tally.stream, kind))
            self._path_of |= dict(zip((s for s in streams if isinstance(s, kind)), paths, strict=False))
        followed = list(self._path_of.values())
        for path in self._paths:
            if path not in followed:
                self._lose(f"{path.tally.name}, which the next part of the input lacks,")
            elif path.reached is not None:
                path.clock.announce_join(path.reached.seconds)
        return [packets]

    def _follow_tables(self, position: int) -> list[Iterator[Packet[Any]]]:
        """Follow the tables up to a place, or to where they name streams that come in; the packets of those."""
        reader, changes = self._alongside, self._changes
        if changes is None or not isinstance(reader, TransportReader):
            return []
        for tables in reader.tables(position):
            change = changes.take(tables)
            reader.others = changes.others
            if change is not None:
                self._change(change, tables.offset)
            if later := self.source.later_packets():
                return later
        return []

    def _change(self, change: Change, offset: int) -> None:
        """Follow the tracks of the programme into the streams that a new PMT names."""
        for name, stream in change.carriers.items():
            for path in self._paths:
                if path.tally.name == name:
                    self._path_of[stream] = path
                    self._carries_from[stream] = offset
                    path.clock.takes_over = path.clock.was_away = path.tally.has_left
                    path.tally.has_left = False
        for path in self._paths:
            path.tally.has_left |= path.tally.name in change.ended
        for stream in change.added:
            self._add(stream)
        if change.missing:
            self._lose(f"PID {', '.join(f'{pid:#06x}' for pid in sorted(change.missing))} of a new PMT")
        if change.gone is not None:
            self._lose(f"programme {change.gone}, which the multiplex names no longer,")

    def _add(self, stream: VideoStream | AudioStream) -> None:
        """Judge a track that a new PMT adds, if the input had its kind from the start."""
        if isinstance(stream, VideoStream) or not self.source.audio or not is_decodable(stream):
            self._lose(f"{describe(stream)} that appears in mid-stream")
            return
        self.source.audio = (*self.source.audio, stream)
        if self._is_read(stream):
            path = self._path(stream)
            path.tally.has_joined = True
            self._paths.append(path)
            self._path_of[stream] = path

    def _lose(self, what: str) -> None:
        """State what is not judged from here on."""
        position = float(self.timeline.position(self._reached))
        self.source.not_judged.append(f"{what.rstrip(',')}, from {position:.1f} s on")
        self._out.append(
            StreamFact(FactKind.NOTHING_DECODED, self._reached, "container", f"{what.rstrip(',')} is not judged")
        )

    def _switch(self, path: VideoPath | AudioPath, stream: VideoStream | AudioStream) -> None:
        """Go on with a track in another stream."""
        former = path.tally.stream
        self._path_of.pop(former, None)
        self._decode(path, None)
        # Its PID may carry the track again later.
        former.codec_context.flush_buffers()
        path.clock.takes_over = True
        if isinstance(stream, VideoStream) and not stream.codec_context.is_open:
            prepare(stream, self.source.limits.most_pixels, self.threads)
        self._checks.end(path.tally)
        path.go_on_in(stream)
        self._checks.begin(path.tally)

    def _watch_streams(self, *, at_end: bool = False) -> None:
        """Notice streams that appear after the opening, where no tables tell of them: PyAV passes them over."""
        if not self.source.may_grow:
            return
        now = self.timeline.position(self._reached)
        if not at_end and self._watched_at is not None and now < self._watched_at + WATCH_S:
            return
        is_first, self._watched_at = self._watched_at is None, now
        if (at_end or not is_first) and (appeared := self.source.appeared()):
            self._lose(f"{appeared} more stream{'s' * (appeared > 1)} that appeared")

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
            frames = self._checks.decode_unchecked(path, packet)
            if frames is None and self._is_torn(path):
                path.tally.begin_torn(self._checks.near(path, packet))
                return
            if frames is None:
                text = " ".join(str(getattr(error, "strerror", None) or error).split())
                path.tally.say(FactKind.DECODE_ERROR, self._checks.near(path, packet), f"the decoder reports: {text}")
                return
        finally:
            self.busy_s += time.perf_counter() - started
        for frame in frames:
            match path, frame:
                case VideoPath(), VideoFrame():
                    if path.tally.frames == 0:
                        self.source.see_first(frame)
                        self.source.steps = path.steps
                    path.add(frame)
                case AudioPath(), AudioFrame():
                    path.add(frame)

    def _is_torn(self, path: VideoPath | AudioPath) -> bool:
        """Whether what cannot be decoded is the rest of a frame from before the recording began."""
        return isinstance(path, AudioPath) and path.tally.frames == 0 and self.source.stated.may_begin_anywhere

    def _tell_progress(self) -> None:
        reached, told = self._paths[0].reached, self._told
        if reached is None:
            return
        if told is None or reached.epoch != told.epoch or reached.seconds >= told.seconds + PROGRESS_S:
            self._told = reached
            self._out.append(StreamFact(FactKind.PROGRESS, reached, "container", "media time goes on"))
