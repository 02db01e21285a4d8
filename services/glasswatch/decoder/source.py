"""Opening an input: what may be read, how long to wait, what it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import ContainerFormat, VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from av.video.stream import VideoStream

from glasswatch.core.errors import InputError
from glasswatch.core.input import InputInfo
from glasswatch.core.location import REMOTE, is_remote, why_refused
from glasswatch.core.redact import redact
from glasswatch.decoder.clock import Holds
from glasswatch.decoder.riff import stated_length_s
from glasswatch.decoder.streams import (
    FirstPicture,
    choose_audio,
    choose_video,
    describe_audio,
    describe_captions,
    describe_video,
    format_names,
    is_decodable,
)
from glasswatch.decoder.xing import states_frames

_NETWORK_PROTOCOLS = f"{','.join(REMOTE)},httpproxy,tls,crypto,data"
_LOCAL_PROTOCOLS = "file,crypto,data"
_PLAYLISTS = frozenset({".m3u8", ".mpd", ".sdp"})
_MOST_PLAYLIST_BYTES = 64 << 20
_ADDRESS = re.compile(rb"\b(?!file:|data:)[a-z][a-z0-9+.-]*://(?:[^/@\s\"'<]*@)?([^/?\s\"'<]+)", re.IGNORECASE)
_Y4M = re.compile(rb"YUV4MPEG2 (?:\S+ )*?W(\d{1,10}) (?:\S+ )*?H(\d{1,10})\b")
_LONGEST_Y4M_HEADER = 256
_DISCONTINUOUS = frozenset({"flv", "live_flv", "hls", "rtsp", "rtp", "sdp"})
_TS_DISCONT = 0x0200
"""FFmpeg's AVFMT_TS_DISCONT: timestamps of this format may jump."""

_NO_TIMESTAMPS = 0x0080
"""FFmpeg's AVFMT_NOTIMESTAMPS: this format holds none."""

_WITHOUT_DURATIONS = frozenset({"matroska", "webm", "flv", "live_flv", "asf", "asf_o", "ogg", "nut"})
"""Formats that only state when a frame is shown, and that hold what recorders of screens write: no frame while nothing
moves. Matroska can state a length for each block; hardly any writer does."""

_PLAIN_PCM = frozenset({"wav", "aiff", "au"})

_STATES_LENGTH = frozenset(
    {
        "mov",
        "matroska",
        "avi",
        "flv",
        "wav",
        "w64",
        "aiff",
        "au",
        "asf",
        "mxf",
        "flac",
        "tta",
        "wv",
        "ape",
        "tak",
        "dsf",
    }
)
"""Formats whose headers state lengths. For others FFmpeg guesses them from the last timestamps or the bit rate."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input from outside may cost.

    Attributes:
        open_timeout_s: Longest wait for an input to open.
        read_timeout_s: Longest wait for the next packet.
        most_pixels: Largest picture; the default is that of HEVC level 6.2 (MaxLumaPs): 8192 x 4352 in any orientation.
        most_streams: An input with more streams is refused.
        sample_rates: Lowest and highest sample rate, in Hz. Below lies no sound: a file of 80 kB that claims 1 Hz would
            be 11 hours of media. Above the highest, 16 times 48 kHz, lies no PCM either.
        most_channels: Most channels of a track; as many tracks as a master of Dolby Atmos may hold.
        network: Whether the network may be used; where not, a URL is refused, and a playlist reaches files only.
    """

    open_timeout_s: float = 30.0
    read_timeout_s: float = 30.0
    most_pixels: int = 35_651_584
    most_streams: int = 256
    sample_rates: tuple[int, int] = (1_000, 768_000)
    most_channels: int = 128
    network: bool = True


class Source:
    """An opened input: its container, the streams to watch, and its description.

    One picture stream is watched that is no cover art, and every audio track; of a manifest with several variants
    (HLS, DASH) the best one.

    Attributes:
        container: The opened container.
        location: File or URL as it was given; it may hold credentials, see `core.redact`.
        path: The local file, None for a URL.
        limits: What the input may cost.
        video: The watched picture stream.
        audio: The watched audio tracks.
    """

    def __init__(self, container: InputContainer, location: str, path: Path | None, limits: Limits) -> None:
        self.container = container
        self.location = location
        self.path = path
        self.limits = limits
        self.video = choose_video(container)
        self.audio = choose_audio(container, self.video)
        self._first = FirstPicture()
        watched = {stream.index for stream in self.streams}
        for stream in container.streams:
            if stream.index not in watched:
                stream.discard = Discard.all

    @property
    def _watched(self) -> list[VideoStream | AudioStream]:
        return [*([self.video] if self.video is not None else []), *self.audio]

    @property
    def streams(self) -> list[VideoStream | AudioStream]:
        """The streams that are decoded, video first."""
        return [stream for stream in self._watched if is_decodable(stream)]

    @property
    def undecodable(self) -> list[VideoStream | AudioStream]:
        """Watched streams in codecs for which FFmpeg has no decoder."""
        return [stream for stream in self._watched if not is_decodable(stream)]

    def name_of(self, stream: VideoStream | AudioStream) -> str:
        """Name of a watched stream in facts: "video:0", "audio:0", "audio:1"."""
        return f"audio:{self.audio.index(stream)}" if isinstance(stream, AudioStream) else "video:0"

    @property
    def may_jump(self) -> bool:
        """Whether timestamps of this kind of input may jump: transport streams and live protocols."""
        return bool(int(self.container.format.flags) & _TS_DISCONT) or bool(
            format_names(self.container) & _DISCONTINUOUS
        )

    def holds(self, stream: VideoStream | AudioStream) -> Holds:
        """What a longer time between two frames of a stream means in this container."""
        formats = format_names(self.container)
        if "mov" in formats or ("hls" in formats and _names_sample_entry(stream)):
            return Holds.STATED
        return Holds.UNSTATED if formats & _WITHOUT_DURATIONS else Holds.REGULAR

    @property
    def is_plain_pcm(self) -> bool:
        """Whether the input is a header in front of samples, which states their length in bytes."""
        return bool(format_names(self.container) & _PLAIN_PCM) and all(_is_pcm(track) for track in self.audio)

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

    def declared_s(self, stream: VideoStream | AudioStream) -> Fraction | None:
        """How long the container states that the stream is, in seconds; None where it states nothing."""
        if stream.duration is None or stream.time_base is None or not self._states_length:
            return None
        if self.path is not None and "wav" in format_names(self.container) and _is_pcm(stream):
            return stated_length_s(self.path)
        return stream.duration * stream.time_base

    @property
    def _states_length(self) -> bool:
        """Whether the headers state lengths, which FFmpeg else makes up."""
        formats = format_names(self.container)
        counted = "mp3" in formats and self.path is not None and states_frames(self.path)
        return counted or bool(formats & _STATES_LENGTH)

    @property
    def declared_container_s(self) -> Fraction | None:
        """How long the container states to be in all, in seconds; None where streams state it or nothing does."""
        duration = self.container.duration
        stated_by_streams = any(self.declared_s(stream) is not None for stream in self.streams)
        if not duration or stated_by_streams or not self._states_length:
            return None
        return Fraction(duration, av.time_base)

    def see_first(self, frame: VideoFrame) -> None:
        """Take note of the first picture: some facts are known only then."""
        self._first = FirstPicture.of(frame)

    def describe(self) -> InputInfo:
        """The input as the container describes it; rotation is known once the first picture has been decoded."""
        duration = self.container.duration
        return InputInfo(
            path=self.location,
            container=self.container.format.name,
            duration_s=duration / av.time_base if duration and duration > 0 else None,
            start_s=float(self.start or 0),
            video=describe_video(self.video, self._first) if self.video is not None else None,
            audio=tuple(describe_audio(track) for track in self.audio),
            captions=tuple(describe_captions(track) for track in self.container.streams.subtitles),
        )

    def close(self) -> None:
        """Let go of the file or connection."""
        self.container.close()


def _is_pcm(stream: VideoStream | AudioStream) -> bool:
    return is_decodable(stream) and stream.codec_context.name.startswith("pcm_")


def _names_sample_entry(stream: VideoStream | AudioStream) -> bool:
    """Whether its codec is named as in ISO media files ("avc1"), not by a number as in transport streams."""
    tag = stream.codec_context.codec_tag if is_decodable(stream) else ""
    return len(tag) == 4 and tag.isascii() and tag.isprintable()


def open_source(location: str, limits: Limits | None = None) -> Source:
    """Open a file or URL.

    Raises:
        InputError: It does not exist, cannot be read, is no media, or is beyond the limits.
    """
    limits = limits or Limits()
    path = _local_path(location)
    if path is None and not limits.network:
        raise InputError(f"cannot read {redact(location)}: the network is not to be used; name a file")
    protocols = _NETWORK_PROTOCOLS
    if path is not None:
        # A playlist on disk may name network addresses, one from the network must not name local files.
        protocols = _LOCAL_PROTOCOLS
        if path.suffix.lower() in _PLAYLISTS and limits.network:
            protocols += f",{_NETWORK_PROTOCOLS}"
        elif path.suffix.lower() in _PLAYLISTS:
            _check_addresses(path)
    try:
        container = av.open(
            # With its protocol, so that no name of a file is read as a URL.
            f"file:{path}" if path is not None else location,
            # Pictures are decoded to find out what they are; within a margin, so that their size is known and told.
            options={"protocol_whitelist": protocols, "max_pixels": str(4 * limits.most_pixels)},
            timeout=(limits.open_timeout_s, limits.read_timeout_s),
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        reason = (_refused_size(path) if path is not None else None) or _explain(error, location)
        if path is not None and path.suffix.lower() in _PLAYLISTS and not limits.network:
            reason += "; or what it names lies on the network, which is not to be used"
        raise InputError(f"cannot read {redact(location)}: {reason}") from error
    try:
        _check_streams(container, redact(location), limits)
        return Source(container, location, path, limits)
    except InputError:
        container.close()
        raise


def _local_path(location: str) -> Path | None:
    """The file that a location names, None for a URL.

    Raises:
        InputError: It is no file that can be read, and no URL of a protocol that is allowed.
    """
    path = Path(location)
    try:
        if not path.exists():
            if is_remote(location):
                return None
            raise InputError(why_refused(location) or f"no such file: {path}")
        if path.is_dir():
            raise InputError(f"{path} is a directory; name one media file")
        if not path.is_file():
            raise InputError(f"{path} is a device or a pipe; name a file or a URL")
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {redact(location)}: {_explain(error, location)}") from error
    return path


def _check_streams(container: InputContainer, where: str, limits: Limits) -> None:
    if len(container.streams) > limits.most_streams:
        raise InputError(f"{where} has {len(container.streams)} streams; {limits.most_streams} are allowed")
    video = choose_video(container)
    if video is None and not container.streams.audio:
        raise InputError(f"{where} holds neither audio nor video")
    if video is not None and is_decodable(video) and video.width * video.height > limits.most_pixels:
        raise InputError(f"{where}: {video.width}x{video.height} is larger than {limits.most_pixels} pixels")
    for track in container.streams.audio:
        _check_track(track, where, limits)
    if "sdp" in format_names(container) and all(stream.start_time is None for stream in container.streams):
        raise InputError(f"cannot read {where}: what it describes is not being sent; nothing came")


def _check_track(track: AudioStream, where: str, limits: Limits) -> None:
    if not is_decodable(track):
        return
    rate, channels = track.rate, track.codec_context.channels
    lowest, highest = limits.sample_rates
    if rate and not lowest <= rate <= highest:
        raise InputError(f"{where}: a sample rate of {rate} Hz; {lowest} to {highest} Hz are allowed")
    if channels > limits.most_channels:
        raise InputError(f"{where}: {channels} channels in one track; {limits.most_channels} are allowed")


def _check_addresses(playlist: Path) -> None:
    """Refuse a playlist that names addresses on the network; FFmpeg holds those that it names to files."""
    kind = playlist.suffix.lower()
    if kind == ".sdp":
        raise InputError(f"{playlist} describes a reception from the network, which is not to be used; name a file")
    if kind != ".m3u8":
        return
    try:
        with playlist.open("rb") as file:
            lines = file.read(_MOST_PLAYLIST_BYTES).splitlines()
    except OSError as error:
        raise InputError(f"cannot read {playlist}: {error.strerror}") from error
    for line in lines:
        is_comment = line.startswith(b"#") and not line.startswith(b"#EXT")
        if not is_comment and (address := _ADDRESS.search(line)):
            host = address[1].decode("ascii", "replace")
            raise InputError(f"{playlist} names {host}, but the network is not to be used; fetch what it names first")


def _refused_size(path: Path) -> str | None:
    """What is wrong with the picture size that raw video states, for which FFmpeg has no error of its own."""
    try:
        with path.open("rb") as file:
            header = _Y4M.match(file.readline(_LONGEST_Y4M_HEADER))
    except OSError:
        return None  # the reason is another one
    return f"its header states pictures of {int(header[1])}x{int(header[2])}, which cannot be read" if header else None


def _explain(error: Exception, location: str) -> str:
    """Why an input cannot be read. Never the error's own text where it repeats the address: that may hold secrets."""
    if isinstance(error, av.error.InvalidDataError):
        if location.partition("?")[0].endswith(".mpd") and not ContainerFormat("dash").is_input:
            return "this build of FFmpeg has no DASH demuxer; give it one stream of the manifest, or its HLS form"
        return "it is no media file that FFmpeg can read, or it is damaged at the start"
    if isinstance(error, (av.error.TimeoutError, av.error.ExitError)):
        return "it did not answer in time"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return f"this build of FFmpeg does not speak {location.partition(':')[0]}"
    if isinstance(error, (av.FFmpegError, OSError)) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
