"""Opening an input: what may be read, how long to wait, what it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from glasswatch.core.errors import InputError
from glasswatch.core.input import AudioTrackInfo, CaptionTrackInfo, InputInfo, VideoInfo
from glasswatch.core.redact import redact

_URL = re.compile(r"[a-z][a-z0-9+.-]+:(//|\w)", re.IGNORECASE)
_LOCAL_PROTOCOLS = "file,crypto,data"
_NETWORK_PROTOCOLS = "http,https,httpproxy,tcp,tls,udp,rtp,rtmp,rtmps,rtsp,srt,crypto,data"
_DISCONTINUOUS = frozenset({"flv", "live_flv", "hls", "rtsp", "rtp", "sdp"})
_TS_DISCONT = 0x0200
"""FFmpeg's AVFMT_TS_DISCONT: timestamps of this format may jump."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an input from outside may cost.

    Attributes:
        open_timeout_s: Longest wait for an input to open.
        read_timeout_s: Longest wait for the next packet.
        most_pixels: Largest picture; 8192 x 8192 holds 8K in any orientation.
        most_streams: An input with more streams is refused.
    """

    open_timeout_s: float = 30.0
    read_timeout_s: float = 30.0
    most_pixels: int = 8192 * 8192
    most_streams: int = 256


class Source:
    """An opened input: its container, the streams to decode, and its description.

    The first picture stream that is no cover art is watched, and every audio track.
    """

    def __init__(self, container: InputContainer, location: str, path: Path | None) -> None:
        self.container = container
        self.location = location
        self.path = path
        videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        self.video: VideoStream | None = videos[0] if videos else None
        self.audio: tuple[AudioStream, ...] = tuple(container.streams.audio)

    @property
    def streams(self) -> list[VideoStream | AudioStream]:
        """The streams that are decoded, video first."""
        return [*([self.video] if self.video is not None else []), *self.audio]

    @property
    def may_jump(self) -> bool:
        """Whether timestamps of this kind of input may jump: transport streams and live protocols."""
        names = set(self.container.format.name.split(","))
        return bool(int(self.container.format.flags) & _TS_DISCONT) or bool(names & _DISCONTINUOUS)

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
        """How long the container says that the stream is, in seconds; None where it says nothing.

        The length of a transport stream is FFmpeg's own guess from its last timestamps, so it is no statement.
        """
        if self.is_transport_stream:
            return None
        if stream.duration is not None and stream.time_base:
            return stream.duration * stream.time_base
        if len(self.streams) == 1 and self.container.duration:
            return Fraction(self.container.duration, av.time_base)
        return None

    def describe(self) -> InputInfo:
        """The input as the container describes it."""
        duration = self.container.duration
        return InputInfo(
            path=self.location,
            container=self.container.format.name,
            duration_s=duration / av.time_base if duration and duration > 0 else None,
            start_s=float(self.start or 0),
            video=_describe_video(self.video) if self.video is not None else None,
            audio=tuple(_describe_audio(track) for track in self.audio),
            captions=tuple(
                CaptionTrackInfo(_codec(track), track.language) for track in self.container.streams.subtitles
            ),
        )

    def close(self) -> None:
        """Let go of the file or connection."""
        self.container.close()


def open_source(location: str, limits: Limits | None = None) -> Source:
    """Open a file or URL.

    Raises:
        InputError: It does not exist, cannot be read, is no media, or is beyond the limits.
    """
    limits = limits or Limits()
    path = None if _URL.match(location) else Path(location)
    if path is not None:
        _check_file(path)
    # A playlist on disk may name network addresses, one from the network must not name local files.
    protocols = f"{_LOCAL_PROTOCOLS},{_NETWORK_PROTOCOLS}" if path is not None else _NETWORK_PROTOCOLS
    try:
        container = av.open(
            str(path) if path is not None else location,
            options={"protocol_whitelist": protocols},
            timeout=(limits.open_timeout_s, limits.read_timeout_s),
            metadata_errors="replace",
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"cannot read {redact(location)}: {_explain(error)}") from error
    source = Source(container, location, path)
    try:
        _check_streams(source, limits)
    except InputError:
        source.close()
        raise
    return source


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise InputError(f"no such file: {path}")
        if path.is_dir():
            raise InputError(f"{path} is a directory; name one media file")
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path} is empty")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _check_streams(source: Source, limits: Limits) -> None:
    where = redact(source.location)
    if len(source.container.streams) > limits.most_streams:
        raise InputError(f"{where} has {len(source.container.streams)} streams; {limits.most_streams} are allowed")
    if not source.streams:
        raise InputError(f"{where} holds neither audio nor video")
    video = source.video
    if video is not None and video.width * video.height > limits.most_pixels:
        raise InputError(f"{where}: {video.width}x{video.height} is larger than {limits.most_pixels} pixels")


def _explain(error: Exception) -> str:
    if isinstance(error, av.error.InvalidDataError):
        return "it is no media file that FFmpeg can read, or it is damaged at the start"
    if isinstance(error, (av.error.TimeoutError, av.error.ExitError)):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def _codec(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else "unknown"


def _describe_video(stream: VideoStream) -> VideoInfo:
    context = stream.codec_context
    pixel_format = context.format
    bits = max((c.bits for c in pixel_format.components), default=8) if pixel_format is not None else 8
    name = pixel_format.name if pixel_format is not None else "unknown"
    full = name.startswith("yuvj") or int(context.color_range) == 2
    return VideoInfo(
        codec=_codec(stream),
        width=stream.width,
        height=stream.height,
        frame_rate=stream.average_rate or stream.guessed_rate,
        pixel_format=name,
        bit_depth=bits,
        range="full" if full else "limited",
    )


def _describe_audio(stream: AudioStream) -> AudioTrackInfo:
    return AudioTrackInfo(
        codec=_codec(stream),
        sample_rate=stream.rate or 0,
        channels=stream.codec_context.channels,
        layout=stream.layout.name,
        language=stream.language,
    )
