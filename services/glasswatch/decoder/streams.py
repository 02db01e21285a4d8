"""The streams of an input: which are watched, and what their container says of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from av import VideoFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.stream import VideoStream

from glasswatch.core.input import AudioTrackInfo, CaptionTrackInfo, VideoInfo
from glasswatch.decoder.channel_order import ChannelOrder
from glasswatch.decoder.frame_rate import FrameSteps, frame_rate
from glasswatch.decoder.pixels import is_full_range

_ADAPTIVE = frozenset({"hls", "dash"})
_NO_NEWS = frozenset({"bin_data", "dvd_nav_packet", "epg", "none", "timed_id3"})
"""FFmpeg's names of data that has nothing to be judged."""

_LANGUAGE = re.compile(r"[A-Za-z0-9-]{2,35}")
"""What may be a language tag (RFC 5646): metadata of an input may be any text."""

_PROGRESSIVE = 1
"""FFmpeg's AV_FIELD_PROGRESSIVE; 0 is unknown, and larger values are orders of fields."""


def format_names(container: InputContainer) -> set[str]:
    """FFmpeg's names of the container format; relatives share one demuxer ("mov,mp4,m4a,3gp,3g2,mj2")."""
    return set(container.format.name.split(","))


def is_decodable(stream: Stream) -> bool:
    """Whether FFmpeg has a decoder for its codec."""
    return stream.codec_context is not None


def is_adaptive(container: InputContainer) -> bool:
    """Whether it is a manifest whose variants are forms of one programme."""
    return bool(format_names(container) & _ADAPTIVE)


def is_picture(stream: VideoStream) -> bool:
    """Whether it is a programme's picture: no cover art, no thumbnails of chapters."""
    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails)


def is_pcm(stream: VideoStream | AudioStream) -> bool:
    """Whether its samples are not compressed."""
    return is_decodable(stream) and stream.codec_context.name.startswith("pcm_")


def names_sample_entry(stream: VideoStream | AudioStream) -> bool:
    """Whether its codec is named as in ISO media files ("avc1"), not by a number as in transport streams."""
    tag = stream.codec_context.codec_tag if is_decodable(stream) else ""
    return len(tag) == 4 and tag.isascii() and tag.isprintable()


def choose_video(streams: Iterable[Stream], *, adaptive: bool = False) -> VideoStream | None:
    """The picture that is judged, of a manifest the largest variant.

    Of several tracks it is the first one that can be decoded, is no layer of another one, and is marked as the
    default, as far as there is one.
    """
    videos = [s for s in streams if isinstance(s, VideoStream) and is_picture(s)]
    decodable = [s for s in videos if is_decodable(s)]
    if decodable and adaptive:
        return max(decodable, key=lambda s: (s.width * s.height, _bit_rate(s)))
    return max(
        decodable or videos,
        key=lambda s: (not s.disposition & Disposition.dependent, bool(s.disposition & Disposition.default)),
        default=None,
    )


def choose_audio(streams: Iterable[Stream], video: VideoStream | None, formats: set[str]) -> tuple[AudioStream, ...]:
    """Every audio track; of an adaptive manifest those of the video's variant, and of each language the best one."""
    tracks = tuple(s for s in streams if isinstance(s, AudioStream))
    if "hls" in formats and video is not None:
        return tuple(t for t in tracks if _bit_rate(t) in (0, _bit_rate(video)))
    if "dash" in formats:
        best: dict[str | None, AudioStream] = {}
        for track in sorted(tracks, key=_bit_rate):
            best[track.language] = track
        return tuple(track for track in tracks if track in best.values())
    return tracks


def _bit_rate(stream: Stream) -> int:
    """Bits per second that a manifest states for the stream's variant, 0 where tracks are shared by variants."""
    text = stream.metadata.get("variant_bitrate", "")
    return int(text) if text.isdecimal() else 0


def describe(stream: Stream) -> str:
    """A stream in a few words: "h264 640x360", "aac eng"."""
    words = [_codec(stream)]
    if isinstance(stream, VideoStream) and is_decodable(stream) and stream.width:
        words.append(f"{stream.width}x{stream.height}")
    if (language := stream.language) and language != "und" and _LANGUAGE.fullmatch(language):
        words.append(language)
    return " ".join(words)


def not_judged(streams: Iterable[Stream], judged: Collection[Stream], *, adaptive: bool = False) -> Iterator[str]:
    """What a programme holds besides the judged streams, in lines; what everyday files carry along is no news.

    That are cover art and thumbnails, attachments, and data that no viewer meets (time codes, chapters, tags).
    """
    rest = [s for s in streams if s not in judged]
    videos = [s for s in rest if isinstance(s, VideoStream) and is_picture(s)]
    audios = [s for s in rest if isinstance(s, AudioStream)]
    if adaptive and (videos or audios):
        forms = ", ".join(describe(s) for s in (*videos, *audios))
        yield f"other variants of the manifest: {forms} (give the address of a variant's own playlist)"
    elif videos:
        yield f"video besides the judged track: {', '.join(map(describe, videos))}"
    if texts := [s for s in rest if isinstance(s, SubtitleStream)]:
        yield f"subtitles: {', '.join(map(describe, texts))}"
    if data := sorted({name for s in rest if s.type == "data" and (name := s.name) and name not in _NO_NEWS}):
        yield f"data: {', '.join(data)}"
    for stream in judged:
        if not is_decodable(stream):
            yield f"{stream.type} in a codec that FFmpeg cannot decode"


def prepare(stream: VideoStream, most_pixels: int, threads: int) -> None:
    """Set up a decoder of pictures before its first packet."""
    context = stream.codec_context
    # FFmpeg checks this before it allocates a picture: sizes may change in mid-stream.
    context.options = {"max_pixels": str(most_pixels)}
    # What cannot be decoded well is shown too, as players do: it is what a viewer sees after a broken start.
    context.flags |= Flags.output_corrupt
    context.thread_type = "AUTO"
    context.thread_count = threads


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


def describe_video(stream: VideoStream, first: FirstPicture, steps: FrameSteps) -> VideoInfo:
    """A picture stream as its container describes it, and its frames as far as they have been decoded."""
    if not is_decodable(stream):
        return VideoInfo("unknown", 0, 0, None, "unknown", 8, "limited")
    context = stream.codec_context
    name = context.format.name if context.format is not None else "unknown"
    bits = max((c.bits for c in context.format.components), default=8) if context.format is not None else 8
    return VideoInfo(
        codec=_codec(stream),
        width=stream.width or first.size[0],
        height=stream.height or first.size[1],
        frame_rate=frame_rate((stream.average_rate, stream.guessed_rate, stream.base_rate), steps),
        pixel_format=name,
        bit_depth=bits,
        range="full" if is_full_range(name, context.color_range) else "limited",
        rotation=first.rotation,
        interlaced=context.field_order > _PROGRESSIVE or first.interlaced,
        sample_aspect=stream.sample_aspect_ratio or Fraction(1),
    )


def describe_audio(stream: AudioStream, order: ChannelOrder | None = None) -> AudioTrackInfo:
    """A sound track as its container describes it, with the order of its channels where that is of its own."""
    if not is_decodable(stream):
        return AudioTrackInfo("unknown", 0, 0, "unknown", stream.language)
    return AudioTrackInfo(
        codec=_codec(stream),
        sample_rate=stream.rate or 0,
        channels=stream.codec_context.channels,
        layout=stream.layout.name if order is None else order.name,
        language=stream.language,
    )


def _codec(stream: Stream) -> str:
    return stream.codec_context.name if stream.codec_context is not None else "unknown"


def describe_captions(stream: SubtitleStream) -> CaptionTrackInfo:
    """A caption track as its container describes it."""
    return CaptionTrackInfo(_codec(stream), stream.language)
