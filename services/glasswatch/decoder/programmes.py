"""Programmes of a multiplex: which of an input's streams belong together (ISO/IEC 13818-1, 2.4.4).

PyAV shows no programmes. Of a transport stream on disk the project's own reader of PAT and PMT tells them; of one from
the network FFmpeg's description of the container, which is text for people and goes through FFmpeg's log.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from av import logging as av_logging
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from glasswatch.core.errors import InputError
from glasswatch.decoder.streams import describe, format_names, is_adaptive, is_picture
from glasswatch.decoder.transport_reader import first_tables

_PROGRAMME = re.compile(r"^  Program (\d+)", re.ASCII)
_STREAM = re.compile(r"^ +Stream #0:(\d+)", re.ASCII)
_OTHER = re.compile(r"^  (No Program|Stream group )", re.ASCII)

_log_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme: its number in the PAT, and its streams in the order of its PMT."""

    number: int
    streams: tuple[Stream, ...]

    @property
    def summary(self) -> str:
        """What it holds, in words: "h264 640x360, aac"."""
        return ", ".join(describe(stream) for stream in self.streams) or "nothing known"


def find_programmes(container: InputContainer, path: Path | None) -> tuple[Programme, ...]:
    """The programmes of an input in the order of its PAT, none where its kind has none.

    What a manifest's variants are to FFmpeg is no programme here: they are forms of one.

    Args:
        container: The opened input.
        path: The local file, None for an input from the network.
    """
    if is_adaptive(container):
        return ()
    if path is None:
        return _described(container)
    if "mpegts" not in format_names(container) or (tables := first_tables(path)) is None:
        return ()
    by_pid = {stream.id: stream for stream in container.streams}
    return _usable(
        Programme(number, tuple(by_pid[pid] for pid in pids or () if pid in by_pid))
        for number, pids in tables.programmes.items()
    )


def choose_programme(programmes: Sequence[Programme], number: int | None, where: str) -> Programme | None:
    """The programme of that number, or the first one that has picture, or sound; None where there is none.

    Raises:
        InputError: There is none of that number.
    """
    if number is not None:
        for programme in programmes:
            if programme.number == number:
                return programme
        there = "; ".join(f"{programme.number} ({programme.summary})" for programme in programmes)
        raise InputError(
            f"{where} has no programme {number}; there are {there}"
            if programmes
            else f"{where} has no programmes; leave --program out"
        )
    of_picture = (p for p in programmes if any(isinstance(s, VideoStream) and is_picture(s) for s in p.streams))
    of_sound = (p for p in programmes if any(isinstance(s, AudioStream) for s in p.streams))
    return next(of_picture, next(of_sound, next(iter(programmes), None)))


def count_streams(container: InputContainer) -> int:
    """How many streams FFmpeg knows by now; PyAV lists those of the opening only."""
    return len({match[1] for line in _description(container) if (match := _STREAM.match(line))})


def _described(container: InputContainer) -> tuple[Programme, ...]:
    members: dict[int, list[Stream]] = {}
    present: list[Stream] | None = None
    for line in _description(container):
        if match := _PROGRAMME.match(line):
            present = members.setdefault(int(match[1]), [])
        elif _OTHER.match(line):
            present = None
        elif (match := _STREAM.match(line)) and present is not None and int(match[1]) < len(container.streams):
            present.append(container.streams[int(match[1])])
    return _usable(Programme(number, tuple(streams)) for number, streams in members.items())


def _usable(programmes: Iterable[Programme]) -> tuple[Programme, ...]:
    """The programmes, none where none has streams: tables that are wrong must not hide what can be decoded."""
    found = tuple(programmes)
    return found if any(programme.streams for programme in found) else ()


def _description(container: InputContainer) -> list[str]:
    """FFmpeg's description of the container, by lines.

    Its log is listened to for this moment only. Messages of other threads in between are thrown away, as ever; none of
    them is waited for, so a thread that logs just now cannot block this one.
    """
    with _log_lock:
        level, skips = av_logging.get_level(), av_logging.get_skip_repeated()
        av_logging.set_skip_repeated(False)
        av_logging.set_level(av_logging.INFO)
        try:
            with av_logging.Capture(local=False):
                text: str = container.dumps_format()  # type: ignore[attr-defined]  # PyAV's stubs lack it.
                return text.splitlines()
        finally:
            av_logging.set_level(level)
            av_logging.set_skip_repeated(skips)
