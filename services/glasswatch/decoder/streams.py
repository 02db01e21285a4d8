"""The streams of an input: which are watched, and what their container says of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from av import VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from glasswatch.core.input import AudioTrackInfo, CaptionTrackInfo, VideoInfo
from glasswatch.decoder.pixels import is_full_range

_ADAPTIVE = frozenset({"hls", "dash"})
_PROGRESSIVE = 1
"""FFmpeg's AV_FIELD_PROGRESSIVE; 0 is unknown, and larger values are orders of fields."""


def format_names(container: InputContainer) -> set[str]:
    """FFmpeg's names of the container format; relatives share one demuxer ("mov,mp4,m4a,3gp,3g2,mj2")."""
    return set(container.format.name.split(","))


def is_decodable(stream: Stream) -> bool:
    """Whether FFmpeg has a decoder for its codec."""
    return stream.codec_context is not None


def choose_video(container: InputContainer) -> VideoStream | None:
    """The first picture stream that is no cover art, of an adaptive manifest the largest; decodable ones first."""
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    decodable = [s for s in videos if is_decodable(s)]
    if decodable and format_names(container) & _ADAPTIVE:
        return max(decodable, key=lambda s: (s.width * s.height, _bit_rate(s)))
    return next(iter(decodable or videos), None)


def choose_audio(container: InputContainer, video: VideoStream | None) -> tuple[AudioStream, ...]:
    """Every audio track; of an adaptive manifest those of the video's variant, and of each language the best one."""
    tracks = container.streams.audio
    formats = format_names(container)
    if "hls" in formats and video is not None:
        return tuple(t for t in tracks if _bit_rate(t) in (0, _bit_rate(video)))
    if "dash" in formats:
        best: dict[str | None, AudioStream] = {}
        for track in sorted(tracks, key=_bit_rate):
            best[track.language] = track
        return tuple(track for track in tracks if track in best.values())
    return tuple(tracks)


def _bit_rate(stream: Stream) -> int:
    """Bits per second that a manifest states for the stream's variant, 0 where tracks are shared by variants."""
    text = stream.metadata.get("variant_bitrate", "")
    return int(text) if text.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class FirstPicture:
    """What only a decoded picture tells: by how many degrees clockwise to turn it, and whether it is two fields.

    And its size, where the container states none (images, RTP).
    """

    rotation: int = 0
    interlaced: bool = False
    size: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, frame: VideoFrame) -> FirstPicture:
        """What a frame tells. FFmpeg counts the angle of its display matrix counterclockwise."""
        return cls(round(-frame.rotation / 90) * 90 % 360, bool(frame.interlaced_frame), (frame.width, frame.height))


def describe_video(stream: VideoStream, first: FirstPicture) -> VideoInfo:
    """A picture stream as its container describes it, and its first picture where that has been decoded."""
    if not is_decodable(stream):
        return VideoInfo("unknown", 0, 0, None, "unknown", 8, "limited")
    context = stream.codec_context
    name = context.format.name if context.format is not None else "unknown"
    bits = max((c.bits for c in context.format.components), default=8) if context.format is not None else 8
    return VideoInfo(
        codec=_codec(stream),
        width=stream.width or first.size[0],
        height=stream.height or first.size[1],
        frame_rate=stream.average_rate or stream.guessed_rate,
        pixel_format=name,
        bit_depth=bits,
        range="full" if is_full_range(name, context.color_range) else "limited",
        rotation=first.rotation,
        interlaced=context.field_order > _PROGRESSIVE or first.interlaced,
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
    )


def describe_audio(stream: AudioStream) -> AudioTrackInfo:
    """A sound track as its container describes it."""
    if not is_decodable(stream):
        return AudioTrackInfo("unknown", 0, 0, "unknown", stream.language)
    return AudioTrackInfo(
        codec=_codec(stream),
        sample_rate=stream.rate or 0,
        channels=stream.codec_context.channels,
        layout=stream.layout.name,
        language=stream.language,
    )


def _codec(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else "unknown"


def describe_captions(stream: SubtitleStream) -> CaptionTrackInfo:
    """A caption track as its container describes it."""
    return CaptionTrackInfo(_codec(stream), stream.language)
