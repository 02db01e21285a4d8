"""What an input is: its container and streams, as the container describes them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from glasswatch.core.redact import redact


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """The picture that was inspected.

    Attributes:
        codec: FFmpeg's name of the codec.
        width: Coded picture width in pixels, before rotation.
        height: Coded picture height in pixels, before rotation.
        frame_rate: Nominal frames per second, None where the stream does not say.
        pixel_format: FFmpeg's name of the pixel format.
        bit_depth: Bits per sample.
        range: "limited" or "full".
        rotation: Degrees clockwise by which a player turns the picture: 0, 90, 180 or 270.
        interlaced: Whether the stream is coded as fields.
        sample_aspect: Width of a pixel over its height.
    """

    codec: str
    width: int
    height: int
    frame_rate: Fraction | None
    pixel_format: str
    bit_depth: int
    range: str
    rotation: int = 0
    interlaced: bool = False
    sample_aspect: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class AudioTrackInfo:
    """One audio track: sample rate in Hz, number of channels, FFmpeg's layout name, language tag if given."""

    codec: str
    sample_rate: int
    channels: int
    layout: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class CaptionTrackInfo:
    """One caption or subtitle track."""

    codec: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class InputInfo:
    """What was inspected.

    Attributes:
        path: File or URL; credentials and query values are taken out on construction (see `redact`).
        container: FFmpeg's name of the container format.
        duration_s: Length, None where it is not known.
        start_s: The stream's own timestamp, in seconds, of the position that the report calls 0.
        video: The picture, None for audio only.
        audio: Every audio track, in order.
        captions: Every caption track, in order.
        programme: Number of the inspected programme of a multiplex, None where the input has no programmes.
        not_judged: What else the input holds, in lines: other programmes, further video, subtitles, variants.
    """

    path: str
    container: str
    duration_s: float | None
    start_s: float
    video: VideoInfo | None = None
    audio: tuple[AudioTrackInfo, ...] = ()
    captions: tuple[CaptionTrackInfo, ...] = ()
    programme: int | None = None
    not_judged: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", redact(self.path))
