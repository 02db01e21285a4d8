"""What an input from outside may cost, and why one is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av
from av import ContainerFormat
from av.audio.stream import AudioStream
from av.container import InputContainer

from glasswatch.core.errors import InputError
from glasswatch.core.location import is_remote, why_refused
from glasswatch.core.redact import redact
from glasswatch.decoder.streams import format_names, is_decodable

_MOST_PLAYLIST_BYTES = 64 << 20
_ADDRESS = re.compile(rb"\b(?!file:|data:)[a-z][a-z0-9+.-]*://(?:[^/@\s\"'<]*@)?([^/?\s\"'<]+)", re.IGNORECASE)
_Y4M = re.compile(rb"YUV4MPEG2 (?:\S+ )*?W(\d{1,10}) (?:\S+ )*?H(\d{1,10})\b")
_LONGEST_Y4M_HEADER = 256


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


def local_path(location: str) -> Path | None:
    """The file that a location names, None for a URL.

    Raises:
        InputError: It is no file that can be read, and no URL of a protocol that is allowed.
    """
    if not location:
        raise InputError("the name of the input is empty; name a file or a URL")
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
        raise InputError(f"cannot read {redact(location)}: {explain(error, location)}") from error
    return path


def check_container(container: InputContainer, where: str, limits: Limits) -> None:
    """Refuse an opened input that is beyond the limits, by an InputError."""
    if len(container.streams) > limits.most_streams:
        raise InputError(f"{where} has {len(container.streams)} streams; {limits.most_streams} are allowed")
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


def check_addresses(playlist: Path) -> None:
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


def refused_size(path: Path) -> str | None:
    """What is wrong with the picture size that raw video states, for which FFmpeg has no error of its own."""
    try:
        with path.open("rb") as file:
            header = _Y4M.match(file.readline(_LONGEST_Y4M_HEADER))
    except OSError:
        return None  # the reason is another one
    return f"its header states pictures of {int(header[1])}x{int(header[2])}, which cannot be read" if header else None


def explain(error: Exception, location: str) -> str:
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
