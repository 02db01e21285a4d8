"""The media playlist of an HLS input, read beside FFmpeg's demuxer, which passes none of its tags on."""

from __future__ import annotations

import logging
import time
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from urllib.parse import urljoin

import av
import m3u8
from av.container import InputContainer
from m3u8.parser import ParseError

from glasswatch.core.redact import redact
from glasswatch.decoder.playlist_parts import needs_parts, parts_of
from glasswatch.decoder.source import Source
from glasswatch.decoder.streams import format_names

log = logging.getLogger(__name__)

MOST_BYTES = 4 << 20
"""A day of segments of 2 s takes about this much; what is longer is not read further."""

READ_AGAIN_S = 1.0
"""A live playlist is read at most this often, by the wall clock."""

LEAST_TOLERANCE_S = 1.0
"""Durations of segments are rounded, to a second in old versions of the format."""


def playlist_of(source: Source) -> MediaPlaylist | None:
    """The playlist of an HLS input, None for any other."""
    return MediaPlaylist(source) if "hls" in format_names(source.container) else None


class MediaPlaylist:
    """What the playlist of the watched variant says of its segments."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._playlist: m3u8.M3U8 | None = None
        self._read_at = float("-inf")
        self._location = source.location
        self._is_alone = True

    def has_discontinuity(self, position: Fraction) -> bool:
        """Whether the playlist announces a discontinuity there, in seconds from its start.

        Of a live playlist one does not know where FFmpeg has begun to read, so any discontinuity in it counts. A
        playlist that cannot be read announces nothing.
        """
        playlist = self._read()
        if playlist is None:
            return False
        if not playlist.is_endlist:
            return any(segment.discontinuity for segment in playlist.segments)
        tolerance = max(LEAST_TOLERANCE_S, (playlist.target_duration or 0) / 2)
        starts = accumulate((segment.duration or 0.0 for segment in playlist.segments), initial=0.0)
        return any(
            segment.discontinuity and abs(start - float(position)) <= tolerance
            for start, segment in zip(starts, playlist.segments, strict=False)
        )

    @property
    def least_s(self) -> Fraction | None:
        """Seconds that the segments of a finished playlist last at least; None of one that goes on.

        Durations in whole seconds are rounded, each by up to half of one.
        """
        playlist = self._read()
        if playlist is None or not playlist.is_endlist:
            return None
        durations = [Fraction(segment.duration or 0.0) for segment in playlist.segments]
        is_rounded = all(duration.denominator == 1 for duration in durations)
        return sum(durations, Fraction(0)) - (Fraction(len(durations), 2) if is_rounded else 0)

    def parts(self) -> list[str]:
        """Addresses of the parts that have to be opened one after the other; none where the input can be read as one.

        Where sound has playlists of its own, the input is read as one all the same.
        """
        playlist = self._read()
        if playlist is None or not self._is_alone or not needs_parts(playlist):
            return []
        text = m3u8.loads(playlist.dumps())  # `parts_of` changes what it is given
        return parts_of(text, lambda reference: _address(_resolved(self._location, reference)))

    def _read(self) -> m3u8.M3U8 | None:
        """The playlist: a finished one as it was read first, a live one as it is now."""
        finished = self._playlist is not None and self._playlist.is_endlist
        now = time.monotonic()
        if finished or now - self._read_at < READ_AGAIN_S:
            return self._playlist
        self._read_at = now
        location = self._source.location
        try:
            playlist = m3u8.loads(self._text(location))
            if playlist.is_variant:
                self._is_alone = not any(media.uri for media in playlist.media if media.type == "AUDIO")
                location = _resolved(location, self._variant(playlist))
                playlist = m3u8.loads(self._text(location))
            self._location = location
        except (av.FFmpegError, OSError, ValueError, ParseError) as error:
            log.warning("cannot read the playlist %s: %s", redact(location), type(error).__name__)
            return self._playlist
        self._playlist = playlist
        return playlist

    def _variant(self, master: m3u8.M3U8) -> str:
        """Address of the variant that is watched: FFmpeg names it by its bit rate."""
        streams = self._source.streams
        rate = streams[0].metadata.get("variant_bitrate") if streams else None
        for variant in master.playlists:
            if str(variant.stream_info.bandwidth) == rate:
                return str(variant.uri)
        raise ValueError("no variant has the bit rate of the one that is watched")

    def _text(self, location: str) -> str:
        """Text at a path or URL; FFmpeg reads it, so that limits and protocols are those of the input itself."""
        container = self._source.container
        with av.open(
            _address(location),
            format="data",
            options={"protocol_whitelist": container.options["protocol_whitelist"]},
            timeout=(self._source.limits.open_timeout_s, self._source.limits.read_timeout_s),
        ) as text:
            return _bytes(text).decode("utf-8", "replace")


def _address(location: str) -> str:
    """A path or URL as FFmpeg opens it: with its protocol, so that no name of a file is read as a URL."""
    return location if "://" in location else f"file:{Path(location).absolute()}"


def _resolved(location: str, reference: str) -> str:
    """What a playlist at a path or URL refers to."""
    if "://" in location or "://" in reference:
        return urljoin(location, reference)
    return str(Path(location).parent / reference)


def _bytes(container: InputContainer) -> bytes:
    found = bytearray()
    for packet in container.demux():
        found += bytes(packet)
        if len(found) > MOST_BYTES:
            raise ValueError(f"a playlist of more than {MOST_BYTES} bytes")
    return bytes(found)
