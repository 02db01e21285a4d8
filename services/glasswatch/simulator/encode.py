"""Writing media: real encoders, exact timestamps, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.packet import Packet

from glasswatch.core.errors import OutputError, UsageError
from glasswatch.simulator.media import AudioInfo, MediaInfo, Picture, Sound, VideoInfo
from glasswatch.simulator.settings import Settings

SOUND_CODECS = ("aac", "libmp3lame", "libopus", "ac3", "flac", "pcm_s16le")
# By suffix: FFmpeg's name, video encoders and audio encoders that the container can carry, first the default.
CONTAINERS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    ".mp4": ("mp4", ("libx264", "libx265", "mpeg2video", "libvpx-vp9"), SOUND_CODECS[:5]),
    ".mov": ("mov", ("libx264", "libx265", "mpeg2video"), ("aac", "libmp3lame", "ac3", "pcm_s16le")),
    ".mkv": ("matroska", ("libx264", "libx265", "mpeg2video", "libvpx-vp9"), SOUND_CODECS),
    ".ts": ("mpegts", ("libx264", "libx265", "mpeg2video"), ("aac", "libmp3lame", "libopus", "ac3")),
    ".webm": ("webm", ("libvpx-vp9",), ("libopus",)),
    ".wav": ("wav", (), ("pcm_s16le",)),
}
# Containers that tell players to cut an encoder's priming samples off wherever the sound begins. MP4 does so only
# for sound that begins at 0, transport streams never.
TRIMMING_CONTAINERS = frozenset({"matroska", "webm"})
DEFAULT_CRF = {"libx264": 20, "libx265": 22, "libvpx-vp9": 28, "mpeg2video": 4}
AAC_BITS_PER_CHANNEL = 64_000


class Output:
    """A media file being written; pictures and sound may come in any interleaving, each stream in its order."""

    def __init__(self, path: Path, media: MediaInfo, settings: Settings, index_first: bool) -> None:
        name, video_codecs, audio_codecs = _container(path)
        options = {"fflags": "+bitexact"} | (
            {"movflags": "+faststart"} if index_first and name in ("mp4", "mov") else {}
        )
        self._container = av.open(str(path), "w", format=name, options=options)
        self._tracks: list[_Sound] = []
        self._video: _Video | None = None
        # A transport stream has no edit list: the encoder's priming samples are its first timestamp.
        self._primed = name == "mpegts"
        self._earliest = Fraction(0)
        if media.video is not None and video_codecs:
            codec = _choose(settings.video_codec, video_codecs, path)
            self._video = _Video(self._container, codec, media.video, settings)
        if len(media.audio) > 1 and not video_codecs:
            raise UsageError(
                f"{path.name}: a {path.suffix} file holds one audio track, the input has {len(media.audio)}"
            )
        for info in media.audio:
            codec = _choose(settings.audio_codec, audio_codecs, path)
            self._tracks.append(_Sound(self._container, codec, info, settings, trims=name in TRIMMING_CONTAINERS))

    @property
    def lead(self) -> Fraction:
        """How far the output's first timestamp lies before the media's zero, in seconds."""
        return -self._earliest if self._primed else Fraction(0)

    def picture(self, picture: Picture) -> None:
        """Encode a frame."""
        if self._video is not None:
            self._mux(self._video.packets(picture))

    def sound(self, sound: Sound) -> None:
        """Encode a block of sound."""
        self._mux(self._tracks[sound.track].packets(sound))

    def finish(self) -> None:
        """Drain the encoders and complete the file."""
        for encoder in (*((self._video,) if self._video else ()), *self._tracks):
            self._mux(encoder.packets(None))
        self._container.close()

    def close(self) -> None:
        """Release the file, complete or not."""
        self._container.close()

    def _mux(self, packets: Iterator[Packet[Any]]) -> None:
        for packet in packets:
            if packet.pts is not None and packet.time_base is not None:
                self._earliest = min(self._earliest, packet.pts * packet.time_base)
            self._container.mux(packet)


@contextmanager
def writing(path: Path, media: MediaInfo, settings: Settings, *, index_first: bool = False) -> Iterator[Output]:
    """An output that is complete when the block ends well.

    Raises:
        UsageError: The container, the codecs and the input do not go together.
        OutputError: The file cannot be written.
    """
    output = None
    try:
        output = Output(path, media, settings, index_first)
        yield output
        output.finish()
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if output is not None:
            # After a failure, closing completes a file that is about to be removed: nothing it says matters.
            with suppress(av.FFmpegError, OSError):
                output.close()


def _container(path: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        raise UsageError(f"{path.name}: the output's suffix must be one of {', '.join(CONTAINERS)}") from None


def _choose(asked: str | None, carried: tuple[str, ...], path: Path) -> str:
    if asked is None:
        return carried[0]
    if asked not in carried:
        raise UsageError(f"{path.suffix} does not carry {asked}; it carries {', '.join(carried)}")
    return asked


class _Video:
    """One video encoder; one thread, so that the result does not depend on the machine."""

    def __init__(self, container: Any, codec: str, info: VideoInfo, settings: Settings) -> None:
        rate, self._clock = info.frame_rate, info.time_base
        known = av.codec.Codec(codec, "w")
        self._counts = known.frame_rates is not None
        if known.frame_rates is not None:
            # MPEG-2 knows a list of rates and counts frames; the true timestamps are put on its packets.
            rates = [Fraction(r.numerator, r.denominator) for r in known.frame_rates]
            rate = min(rates, key=lambda r: abs(r - info.frame_rate))
            self._clock = 1 / rate
        stream = container.add_stream(codec, rate=rate, options=_video_options(codec, settings))
        context = stream.codec_context
        formats = {f.name for f in known.video_formats or ()}
        self._format = info.pixel_format if info.pixel_format in formats else "yuv420p"
        context.width, context.height = info.size
        context.pix_fmt = self._format
        context.time_base = self._clock
        context.gop_size = settings.gop
        context.thread_count = 1
        if settings.bit_rate:
            context.bit_rate = settings.bit_rate
        if info.pixel_aspect:
            context.sample_aspect_ratio = info.pixel_aspect
        context.color_range = 2 if info.full_range else info.colour[0]
        context.color_primaries, context.color_trc, context.colorspace = info.colour[1:]
        if info.rotation:
            stream.set_display_rotation(info.rotation)
        self._stream, self._info = stream, info
        self._true_clock = info.time_base
        self._times: dict[int, tuple[int, int]] = {}
        self._count = 0

    def packets(self, picture: Picture | None) -> Iterator[Packet[Any]]:
        frame = None
        if picture is not None:
            frame = video_frame(picture)
            if self._format != self._info.pixel_format:
                frame = frame.reformat(format=self._format)
            pts = round(picture.time / self._true_clock)
            frame.pts = self._count if self._counts else pts
            frame.time_base = self._clock
            self._times[frame.pts] = (pts, round((picture.end - picture.time) / self._true_clock))
            self._count += 1
        for packet in self._stream.encode(frame):
            if packet.pts in self._times:
                pts, duration = self._times.pop(packet.pts)
                packet.duration = duration
                if self._counts:
                    packet.pts = packet.dts = pts
                    packet.time_base = self._true_clock
            yield packet


class _Sound:
    """One audio encoder, fed through FFmpeg's converter where the codec wants another rate or sample format."""

    def __init__(self, container: Any, codec: str, info: AudioInfo, settings: Settings, *, trims: bool) -> None:
        known = av.codec.Codec(codec, "w")
        rates = known.audio_rates
        # The nearest rate that loses nothing, for codecs that have few (Opus: 48 kHz).
        rate = info.rate
        if rates and rate not in rates:
            rate = min((r for r in rates if r >= info.rate), default=max(rates))
        try:
            stream = container.add_stream(codec, rate=rate, layout=info.layout)
            context = stream.codec_context
            formats = [f.name for f in known.audio_formats or ()]
            same = info.sample_format.rstrip("p")
            context.format = next((f for f in formats if f.rstrip("p") == same), formats[0])
            context.thread_count = 1
            if settings.audio_bit_rate:
                context.bit_rate = settings.audio_bit_rate
            elif codec == "aac":
                context.bit_rate = AAC_BITS_PER_CHANNEL * len(info.channels)
            context.open(strict=False)
        except (av.FFmpegError, ValueError) as error:
            raise UsageError(f"{codec} cannot carry {info.layout} sound at {info.rate} Hz: {error}") from error
        self._stream, self._info, self._trims = stream, info, trims
        self._begins: Fraction | None = None

    def packets(self, sound: Sound | None) -> Iterator[Packet[Any]]:
        frame = None
        if sound is not None:
            block = np.ascontiguousarray(sound.samples, np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=self._info.layout)
            frame.sample_rate = self._info.rate
            frame.pts = sound.first
            frame.time_base = Fraction(1, self._info.rate)
            if self._begins is None:
                self._begins = sound.time
        for packet in self._stream.encode(frame):
            if not self._is_priming(packet):
                yield packet

    def _is_priming(self, packet: Packet[Any]) -> bool:
        """Whether the packet comes before sound that begins late, where players would not know to skip it."""
        if self._trims or not self._begins or packet.pts is None or packet.time_base is None:
            return False
        return (packet.pts + (packet.duration or 0)) * packet.time_base <= self._begins


def _video_options(codec: str, settings: Settings) -> dict[str, str]:
    options: dict[str, str] = {}
    crf = DEFAULT_CRF[codec] if settings.crf is None else settings.crf
    if settings.crf is not None and settings.bit_rate is not None:
        raise UsageError("crf and bit_rate exclude each other")
    if codec in ("libx264", "libx265"):
        options["preset"] = settings.preset
    if codec == "libx265":
        options["x265-params"] = "pools=none:frame-threads=1:log-level=error"
    if codec == "libvpx-vp9":
        options |= {"deadline": "good", "cpu-used": "5", "row-mt": "0"}
    if settings.bit_rate is None:
        if codec == "mpeg2video":
            # Constant quantiser: its encoder has no constant quality.
            if not 1 <= crf <= 31:
                raise UsageError("crf: mpeg2video takes quantisers from 1 to 31")
            options |= {"qmin": str(crf), "qmax": str(crf), "b": "0"}
        else:
            options["crf"] = str(crf)
            if codec == "libvpx-vp9":
                options["b"] = "0"
    return options


def video_frame(picture: Picture) -> av.VideoFrame:
    """The picture as an encoder takes it, without a timestamp."""
    info = picture.info
    frame = av.VideoFrame(*info.size, info.pixel_format)
    for plane, values in zip(frame.planes, picture.planes, strict=True):
        line = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
        line[:, : plane.width] = values
        plane.update(line.tobytes())
    frame.color_range = 2 if info.full_range else info.colour[0]
    return frame
