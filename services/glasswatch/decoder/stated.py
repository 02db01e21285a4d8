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
from glasswatch.decoder.riff import stated_length_s
from glasswatch.decoder.streams import format_names, is_pcm, names_sample_entry
from glasswatch.decoder.xing import states_frames

_WITHOUT_DURATIONS = frozenset({"matroska", "webm", "flv", "live_flv", "asf", "asf_o", "ogg", "nut"})
"""Formats that only state when a frame is shown, and that hold what recorders of screens write: no frame while nothing
moves. Matroska can state a length for each block; hardly any writer does."""

_PLAIN_PCM = frozenset({"wav", "aiff", "au"})

_WITH_LENGTHS = frozenset(
    "mov matroska avi flv wav w64 aiff au asf mxf flac tta wv ape tak dsf".split()  # noqa: SIM905 - a list of words
)
"""Formats whose headers state lengths. For others FFmpeg guesses them from the last timestamps or the bit rate."""


class Stated:
    """What one container states."""

    def __init__(self, container: InputContainer, path: Path | None, audio: Sequence[AudioStream]) -> None:
        self._container = container
        self._formats = format_names(container)
        self._path = path
        self._audio = audio

    def holds(self, stream: VideoStream | AudioStream) -> Holds:
        """What a longer time between two frames of a stream means."""
        if "mov" in self._formats or ("hls" in self._formats and names_sample_entry(stream)):
            return Holds.STATED
        return Holds.UNSTATED if self._formats & _WITHOUT_DURATIONS else Holds.REGULAR

    @property
    def is_plain_pcm(self) -> bool:
        """Whether the input is a header in front of samples, which states their length in bytes."""
        return bool(self._formats & _PLAIN_PCM) and all(is_pcm(track) for track in self._audio)

    @property
    def has_lengths(self) -> bool:
        """Whether the headers state lengths."""
        counted = "mp3" in self._formats and self._path is not None and states_frames(self._path)
        return counted or bool(self._formats & _WITH_LENGTHS)

    def length_s(self, stream: VideoStream | AudioStream) -> Fraction | None:
        """How long a stream is, in seconds; None where nothing is stated."""
        if stream.duration is None or stream.time_base is None or not self.has_lengths:
            return None
        if self._path is not None and "wav" in self._formats and is_pcm(stream):
            return stated_length_s(self._path)
        return stream.duration * stream.time_base

    def whole_length_s(self, streams: Sequence[VideoStream | AudioStream]) -> Fraction | None:
        """How long the input is in all, in seconds; None where that is stated of `streams`, or nothing is."""
        duration = self._container.duration
        if not duration or not self.has_lengths or any(self.length_s(stream) is not None for stream in streams):
            return None
        return Fraction(duration, av.time_base)
