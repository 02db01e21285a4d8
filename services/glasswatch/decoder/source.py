"""Opening an input: what may be read, how long to wait, what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av import VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from glasswatch.core.errors import InputError
from glasswatch.core.input import InputInfo
from glasswatch.core.location import REMOTE
from glasswatch.core.redact import redact
from glasswatch.decoder.channel_order import ChannelOrder, take_orders
from glasswatch.decoder.feeds import until_next_link, without_leftovers
from glasswatch.decoder.frame_rate import FrameSteps
from glasswatch.decoder.limits import Limits, check_addresses, check_container, explain, local_path, refused_size
from glasswatch.decoder.ogg_links import next_link
from glasswatch.decoder.pid_changes import PidChanges
from glasswatch.decoder.programmes import Programme, choose_programme, count_streams, find_programmes
from glasswatch.decoder.stated import Stated
from glasswatch.decoder.stated_lengths import lacks_length
from glasswatch.decoder.streams import (
    FirstPicture,
    choose_audio,
    choose_video,
    describe_audio,
    describe_captions,
    describe_video,
    format_names,
    is_adaptive,
    is_decodable,
    not_judged,
)

_NETWORK_PROTOCOLS = f"{','.join(REMOTE)},httpproxy,tls,crypto,data"
_LOCAL_PROTOCOLS = "file,crypto,data"
_SEGMENTS = (
    "3gp,aac,avi,ac3,eac3,flac,mkv,m3u8,m4a,m4s,m4v,mpg,mov,mp2,mp3,mp4,mpeg,mpegts,ogg,ogv,oga,ts,vob,vtt,wav,webvtt,"
    "cmfv,cmfa,ec3,fmp4,key,bin"
)
"""Endings of files that a local playlist may name: FFmpeg's own list, and those of the keys of AES-128."""

_PLAYLISTS = frozenset({".m3u8", ".mpd", ".sdp"})
_DISCONTINUOUS = frozenset({"flv", "live_flv", "hls", "rtsp", "rtp", "sdp"})
_TS_DISCONT = 0x0200
"""FFmpeg's AVFMT_TS_DISCONT: timestamps of this format may jump."""

_NO_TIMESTAMPS = 0x0080
"""FFmpeg's AVFMT_NOTIMESTAMPS: this format holds none."""

_MERGE = "merge_pmt_versions"

_MERGING = frozenset({"mpegts", "hls", "rtp", "rtsp", "sdp"})

_GROWING = frozenset({"mpegts", "mpeg", "hls", "flv", "live_flv", "rtsp", "rtp", "sdp"})
"""Formats whose headers do not state all streams (FFmpeg's AVFMTCTX_NOHEADER)."""

_CHAINING = frozenset({"vorbis", "opus", "libvorbis", "libopus"})
"""Codecs whose chained streams FFmpeg reads as one."""


class Source:
    """An opened input: its container, the streams to watch, and its description.

    Of one programme, one picture stream is watched that is no cover art, and every audio track; of a manifest with
    several variants (HLS, DASH) the best one.

    Attributes:
        container: The opened container.
        location: File or URL as it was given; it may hold credentials, see `core.redact`.
        path: The local file, None for a URL.
        limits: What the input may cost.
        programme: The watched programme of a multiplex, None where the input has no programmes.
        video: The watched picture stream.
        audio: The watched audio tracks.
        not_judged: What else it holds, in lines.
        stated: What the container states of times and lengths.
        steps: Times between the frames decoded so far.
    """

    def __init__(
        self,
        container: InputContainer,
        location: str,
        path: Path | None,
        limits: Limits,
        programmes: Sequence[Programme] = (),
        programme: Programme | None = None,
        orders: Mapping[int, ChannelOrder] | None = None,
    ) -> None:
        self._orders = orders or {}
        self.container = container
        self.location = location
        self.path = path
        self.limits = limits
        self.programme = programme
        self._streams = streams = programme.streams if programme is not None else tuple(container.streams)
        adaptive = is_adaptive(container)
        self.video = choose_video(streams, adaptive=adaptive)
        self.audio = choose_audio(streams, self.video, format_names(container))
        self.not_judged = [
            *(f"programme {p.number}: {p.summary} (--program {p.number})" for p in programmes if p is not programme),
            *not_judged(streams, self._watched, adaptive=adaptive),
        ]
        self.stated = Stated(container, path, self.streams, count=len(streams))
        self.steps = FrameSteps()
        self._read_s: Fraction | None = None
        self._first = FirstPicture()
        # What no programme has yet may become its own with the next PMT.
        named = {stream for p in programmes for stream in p.streams}
        may_follow = container.streams if self.has_tables else ()
        self._followed = [s for s in may_follow if s not in named and isinstance(s, VideoStream | AudioStream)]
        self._later: list[InputContainer] = []
        self._later_packets: list[Iterator[Packet[Any]]] = []
        self._appeared = 0
        for stream in container.streams:
            if stream not in self.streams and stream not in self._followed:
                stream.discard = Discard.all

    @property
    def _watched(self) -> list[VideoStream | AudioStream]:
        return [*([self.video] if self.video is not None else []), *self.audio]

    @property
    def streams(self) -> list[VideoStream | AudioStream]:
        """The streams that are decoded, video first."""
        return [stream for stream in self._watched if is_decodable(stream)]

    def channels_of(self, track: AudioStream) -> tuple[str, ...]:
        """What the channels of a track are that has them in an order of its own; else nothing."""
        order = self._orders.get(track.index)
        return () if order is None else order.channels

    @property
    def undecodable(self) -> list[VideoStream | AudioStream]:
        """Watched streams in codecs for which FFmpeg has no decoder."""
        return [stream for stream in self._watched if not is_decodable(stream)]

    def name_of(self, stream: VideoStream | AudioStream) -> str:
        """Name of a watched stream in facts: "video:0", "audio:0", "audio:1"."""
        return f"audio:{self.audio.index(stream)}" if isinstance(stream, AudioStream) else "video:0"

    def packets(self) -> Iterator[Packet[Any]]:
        """Packets of the decoded streams, and of those that the programme may go on in."""
        packets = self.container.demux([*self.streams, *self._followed])
        if self.path is not None and self.is_cut_at_links:
            return until_next_link(packets, self.path)
        return (
            without_leftovers(packets) if format_names(self.container) & _MERGING and not self.has_tables else packets
        )

    @property
    def has_tables(self) -> bool:
        """Whether PAT and PMTs can be read beside the demuxer."""
        return self.programme is not None and self.path is not None and self.is_transport_stream

    def pid_changes(self) -> PidChanges | None:
        """What follows the programme's tracks from PMT to PMT, None where this input has no tables to be read."""
        if self.programme is None or not self.has_tables:
            return None
        tracks = {self.name_of(stream): stream for stream in self._watched}
        return PidChanges(self.programme.number, tracks, self.container.streams, self._open_later)

    def later_packets(self) -> list[Iterator[Packet[Any]]]:
        """Packets of streams that have been opened since the last call, since a PMT named them."""
        packets, self._later_packets = self._later_packets, []
        return packets

    def _open_later(self, offset: int, pids: frozenset[int]) -> list[Stream]:
        """Streams of these PIDs, from a place in the file on; none where FFmpeg does not find them."""
        found: list[Stream] = []
        for stream in self._open_at(offset):
            if stream.id in pids:
                found.append(stream)
            else:
                stream.discard = Discard.all
        media = [stream for stream in found if isinstance(stream, VideoStream | AudioStream)]
        if media:
            self._later_packets.append(self._later[-1].demux(media))
        return found

    def _open_at(self, offset: int) -> list[Stream]:
        """Streams of the local file as it is from a place on, none where it cannot be opened there."""
        try:
            options = _options(self.path, self.limits) | {"skip_initial_bytes": str(offset)}
            self._later.append(_open(f"file:{self.path}", options, self.limits))
        except (av.FFmpegError, OSError, ValueError, MemoryError):
            return []
        return list(self._later[-1].streams)[: self.limits.most_streams]

    def open_part(self, location: str) -> tuple[list[VideoStream | AudioStream], Iterator[Packet[Any]]] | None:
        """Streams of a part of the playlist, in the order of those watched, and its packets; None without any."""
        try:
            container = _open(location, _options(self.path, self.limits), self.limits, "hls")
        except (av.FFmpegError, OSError, ValueError, MemoryError):
            return None
        self._later.append(container)
        videos = container.streams.video[:1] if self.video is not None else ()
        found: list[VideoStream | AudioStream] = [*videos, *container.streams.audio[: len(self.audio)]]
        streams = [stream for stream in found if is_decodable(stream)]
        return (streams, container.demux(streams)) if streams else None

    @property
    def is_cut_at_links(self) -> bool:
        """Whether it is Ogg that FFmpeg does not read on in the next link of a chain.

        It does so in a single stream of Vorbis or Opus, and says where it cannot.
        """
        if "ogg" not in format_names(self.container):
            return False
        return len(self.container.streams) > 1 or self.container.streams[0].codec_context.name not in _CHAINING

    def open_link(self, position: int) -> tuple[list[VideoStream | AudioStream], Iterator[Packet[Any]]] | None:
        """Streams of the next link of a chained Ogg file after a place in it, and its packets; None without one."""
        if self.path is None or "ogg" not in format_names(self.container):
            return None
        offset = next_link(self.path, position)
        if offset is None or not (streams := self._open_at(offset)):
            return None
        video = choose_video(streams) if self.video is not None else None
        sounds = [stream for stream in streams if isinstance(stream, AudioStream)]
        tracks = [s for s in ([video] if video is not None else []) + sounds if is_decodable(s)]
        if not tracks:
            return None
        packets = self._later[-1].demux(tracks)
        return tracks, until_next_link(packets, self.path) if self.is_cut_at_links else packets

    @property
    def may_grow(self) -> bool:
        """Whether streams may appear after the opening without a table that tells of them."""
        return bool(format_names(self.container) & _GROWING) and not self.has_tables

    def appeared(self) -> int:
        """How many streams have appeared since the opening, or since the last call."""
        count = count_streams(self.container) - len(self.container.streams)
        new, self._appeared = count - self._appeared, max(count, self._appeared)
        return max(new, 0)

    @property
    def may_jump(self) -> bool:
        """Whether timestamps of this kind of input may jump: transport streams and live protocols."""
        return bool(int(self.container.format.flags) & _TS_DISCONT) or bool(
            format_names(self.container) & _DISCONTINUOUS
        )

    @property
    def has_pts(self) -> bool:
        """Whether the container keeps presentation times; raw streams and AVI do not."""
        return not int(self.container.format.flags) & _NO_TIMESTAMPS and "avi" not in format_names(self.container)

    @property
    def is_transport_stream(self) -> bool:
        """Whether the input is an MPEG transport stream."""
        return self.container.format.name == "mpegts"

    @property
    def start(self) -> Fraction | None:
        """Earliest timestamp that the container states for a decoded stream, in seconds."""
        starts = [s.start_time * s.time_base for s in self.streams if s.start_time is not None and s.time_base]
        return min(starts, default=None)

    def see_first(self, frame: VideoFrame) -> None:
        """Take note of the first picture: some facts are known only then."""
        self._first = FirstPicture.of(frame)

    def see_end(self, read_s: Fraction) -> None:
        """Take note of how long the input has turned out to be, in seconds."""
        self._read_s = read_s

    @property
    def _duration_s(self) -> float | None:
        duration = self.container.duration
        if self._read_s is not None and not self.stated.has_lengths and not is_adaptive(self.container):
            # FFmpeg has guessed, from one PID or from the bit rate.
            return float(self._read_s)
        return duration / av.time_base if duration and duration > 0 else None

    def describe(self) -> InputInfo:
        """The input as the container describes it, and as far as its frames tell more once they have been decoded."""
        return InputInfo(
            path=self.location,
            container=self.container.format.name,
            duration_s=self._duration_s,
            start_s=float(self.start or 0),
            video=describe_video(self.video, self._first, self.steps) if self.video is not None else None,
            audio=tuple(describe_audio(track, self._orders.get(track.index)) for track in self.audio),
            captions=tuple(describe_captions(s) for s in self._streams if isinstance(s, SubtitleStream)),
            programme=self.programme.number if self.programme is not None else None,
            not_judged=tuple(self.not_judged),
        )

    def close(self) -> None:
        """Let go of the file or connection."""
        for container in (*self._later, self.container):
            container.close()


def open_source(location: str, limits: Limits | None = None, programme: int | None = None) -> Source:
    """Open a file or URL.

    Args:
        location: The file or URL.
        limits: What it may cost.
        programme: Number of the programme to watch; None is the first one that has picture, or the first.

    Raises:
        InputError: It does not exist, cannot be read, is no media, is beyond the limits, or has no such programme.
    """
    limits = limits or Limits()
    path = local_path(location)
    if path is None and not limits.network:
        raise InputError(f"cannot read {redact(location)}: the network is not to be used; name a file")
    if path is not None and path.suffix.lower() in _PLAYLISTS and not limits.network:
        check_addresses(path)
    try:
        # With its protocol, so that no name of a file is read as a URL.
        container = _open(f"file:{path}" if path is not None else location, _options(path, limits), limits)
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        reason = (refused_size(path) if path is not None else None) or explain(error, location)
        if path is not None and path.suffix.lower() in _PLAYLISTS and not limits.network:
            reason += "; or what it names lies on the network, which is not to be used"
        raise InputError(f"cannot read {redact(location)}: {reason}") from error
    try:
        where = redact(location)
        orders = take_orders(container)
        check_container(container, where, limits)
        programmes = find_programmes(container, path)
        chosen = choose_programme(programmes, programme, where)
        source = Source(container, location, path, limits, programmes, chosen, orders)
        _check_streams(source, where, limits)
        return source
    except InputError:
        container.close()
        raise


def _open(location: str, options: dict[str, str], limits: Limits, form: str | None = None) -> InputContainer:
    timeout = limits.open_timeout_s, limits.read_timeout_s
    return av.open(location, format=form, options=options, timeout=timeout, metadata_errors="replace")


def _options(path: Path | None, limits: Limits) -> dict[str, str]:
    """FFmpeg's options for a local file, or for a URL."""
    protocols = _NETWORK_PROTOCOLS
    if path is not None:
        # A playlist on disk may name network addresses, one from the network must not name local files.
        protocols = _LOCAL_PROTOCOLS
        if path.suffix.lower() in _PLAYLISTS and limits.network:
            protocols += f",{_NETWORK_PROTOCOLS}"
    options = {
        "protocol_whitelist": protocols,
        # Pictures are decoded to find out what they are; within a margin, so that their size is known and told.
        "max_pixels": str(4 * limits.most_pixels),
        # Where no tables are read here, FFmpeg follows PIDs that change; segments of HLS have a demuxer of their own.
        "seg_format_options": f"{_MERGE}=1",
        "allowed_extensions": _SEGMENTS,
    }
    if path is not None and lacks_length(path):
        options |= {"ignore_length": "1"}
    return options if path is not None else options | {_MERGE: "1"}


def _check_streams(source: Source, where: str, limits: Limits) -> None:
    video = source.video
    if video is None and not source.audio:
        of = f"programme {source.programme.number} of " if source.programme is not None else ""
        raise InputError(f"{of}{where} holds neither audio nor video")
    if video is not None and is_decodable(video) and video.width * video.height > limits.most_pixels:
        raise InputError(f"{where}: {video.width}x{video.height} is larger than {limits.most_pixels} pixels")
