"""What a container states of times and lengths, apart from what FFmpeg makes up where nothing is stated."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from glasswatch.decoder.clock import Holds
from glasswatch.decoder.stated_lengths import cut_avi_length_s, flac_length_s, stated_length_s, tagged_length_s
from glasswatch.decoder.streams import format_names, is_pcm, names_sample_entry
from glasswatch.decoder.xing import states_frames

_WITHOUT_DURATIONS = frozenset({"matroska", "webm", "flv", "live_flv", "asf", "asf_o", "ogg", "nut", "avi"})
"""Formats that only state when a frame is shown, and that hold what recorders of screens write: no frame while nothing
moves. Matroska can state a length for each block; hardly any writer does. AVI counts frames: a longer time is that of
empty chunks, which mean the last frame again and which FFmpeg may pass over."""

_PLAIN_PCM = frozenset({"wav", "aiff", "au", "caf", "w64"})

_OWN_LENGTH = frozenset({"wav", "caf", "w64"})
"""Headers that are read here: FFmpeg takes the length of the file where that is shorter."""

_CUT_ANYWHERE = frozenset({"mpeg", "mp3", "aac", "ac3", "eac3", "dts", "loas"})
"""Streams without an index, which recorders begin where they happen to tune in."""

_TAGGED = frozenset({"mp3", "aac"})

_WITH_LENGTHS = frozenset(
    "mov matroska avi flv wav w64 caf aiff au asf mxf flac tta wv ape tak dsf".split()  # noqa: SIM905 - a list of words
)
"""Formats whose headers state lengths. For others FFmpeg guesses them from the last timestamps or the bit rate."""


class Stated:
    """What one container states."""

    def __init__(
        self, container: InputContainer, path: Path | None, streams: Sequence[VideoStream | AudioStream], count: int
    ) -> None:
        """Of a container at a local path, the decoded streams out of `count`."""
        self._container = container
        self._formats = format_names(container)
        self._path = path
        self._streams = streams
        self._count = count

    def holds(self, stream: VideoStream | AudioStream) -> Holds:
        """What a longer time between two frames of a stream means."""
        if "mov" in self._formats or ("hls" in self._formats and names_sample_entry(stream)):
            return Holds.STATED
        return Holds.UNSTATED if self._formats & _WITHOUT_DURATIONS else Holds.REGULAR

    @property
    def is_plain_pcm(self) -> bool:
        """Whether the input is a header in front of samples, which states their length in bytes."""
        return bool(self._formats & _PLAIN_PCM) and all(is_pcm(stream) for stream in self._streams)

    @property
    def has_lengths(self) -> bool:
        """Whether the headers state lengths."""
        counted = "mp3" in self._formats and self._path is not None and states_frames(self._path)
        return counted or bool(self._formats & _WITH_LENGTHS)

    @property
    def may_begin_anywhere(self) -> bool:
        """Whether a recording of this kind may begin within a frame: it is cut at will."""
        return bool(self._formats & _CUT_ANYWHERE)

    @property
    def holds_tags(self) -> bool:
        """Whether tags may stand between the frames of the only stream."""
        return bool(self._formats & _TAGGED)

    def length_s(self, stream: VideoStream | AudioStream) -> Fraction | None:
        """How long a stream is, in seconds; None where nothing is stated."""
        if "ogg" in self._formats and stream.codec_context.name == "flac":
            return flac_length_s(bytes(stream.codec_context.extradata or b""))
        if stream.duration is None or stream.time_base is None or not self.has_lengths:
            return None
        if self._path is not None and self._formats & _OWN_LENGTH and is_pcm(stream):
            return stated_length_s(self._path)
        cut_s = cut_avi_length_s(self._path) if self._path is not None and "avi" in self._formats else None
        return cut_s if cut_s is not None else stream.duration * stream.time_base

    @property
    def whole_length_s(self) -> Fraction | None:
        """How long the input is in all, in seconds; None where that is stated of its streams, or nothing is."""
        duration = self._container.duration
        if not duration or not self.has_lengths or any(self.length_s(stream) is not None for stream in self._streams):
            return None
        stated = Fraction(duration, av.time_base)
        lengths = [length for stream in self._streams if (length := tagged_length_s(stream)) is not None]
        if self._count > len(self._streams) == len(lengths):
            # A subtitle may be shown for longer than there is picture and sound.
            return min(stated, max(lengths, default=stated))
        return stated
