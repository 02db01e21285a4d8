"""Encoded anew, picture and sound, as a programme is on its way to who watches it; both stay where they are in time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench import clips

LOW = 36
"""CRF of HEVC at a low rate."""

COARSE = 12
"""Quantiser of MPEG-2 at a low rate."""

BETWEEN = {"crf": "12", "preset": "ultrafast", "audio_codec": "flac"}
"""The simulator's settings for what is encoded anew."""

THREADS = ("-threads", "1")
"""Files are made side by side, and the result must not depend on the machine."""

X265 = ("-x265-params", "pools=none:frame-threads=1:log-level=error")


@dataclass(frozen=True, slots=True)
class Recoding:
    """One way to encode a file anew; sound is at 48 kHz.

    Attributes:
        picture: Codec and quality as they are called in tables.
        sound: Codec as FFmpeg calls it.
        rate_kbps: Of the sound.
        suffix: Of the container.
        lines: Height of the picture, None as it is.
        hz: Pictures a second as FFmpeg reads them, None for those that there are.
    """

    picture: str
    sound: str
    rate_kbps: int
    suffix: str
    lines: int | None = None
    hz: str | None = None

    @property
    def name(self) -> str:
        """For tables: unique."""
        size = f", {self.lines} lines" if self.lines else ""
        rate = f", {HZ_NAMES.get(self.hz, self.hz)} Hz" if self.hz else ""
        return f"{self.picture}{size}{rate}, {self.sound.removeprefix('lib')} {self.rate_kbps}k"

    @property
    def arguments(self) -> tuple[str, ...]:
        """FFmpeg's, between input and output."""
        filters = [f"fps={self.hz}"] if self.hz else []
        filters += [f"scale=-2:{self.lines}"] if self.lines else []
        # The clock of the input, so that pictures that are as they were stay where they were.
        clock = () if self.hz else ("-enc_time_base:v", "demux")
        return (
            *("-map", "0:v:0", "-map", "0:a:0", "-pix_fmt", "yuv420p"),
            *(("-vf", ",".join(filters)) if filters else ()),
            *("-fps_mode:v", "passthrough", *clock, *ENCODERS[self.picture], *THREADS),
            *("-c:a", self.sound, "-ar", "48000", "-b:a", f"{self.rate_kbps}k"),
        )


HZ_NAMES = {"24000/1001": "23.976", "30000/1001": "29.97"}

ENCODERS = {
    "H.264 CRF 23": ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23"),
    "H.264 CRF 35": ("-c:v", "libx264", "-preset", "veryfast", "-crf", "35"),
    f"HEVC CRF {LOW}": ("-c:v", "libx265", "-preset", "ultrafast", "-crf", str(LOW), *X265),
    f"MPEG-2 q {COARSE}": ("-c:v", "mpeg2video", "-q:v", str(COARSE), "-bf", "2"),
}
_AVC, _LOW_AVC, _HEVC, _MPEG2 = ENCODERS

RECODINGS = (
    Recoding(_AVC, "aac", 128, ".mp4"),
    Recoding(_LOW_AVC, "aac", 48, ".mp4", lines=360),
    Recoding(_AVC, "aac", 96, ".mp4", lines=720, hz="50"),
    Recoding(_LOW_AVC, "aac", 64, ".ts", hz="25"),
    Recoding(_AVC, "libopus", 64, ".mkv", lines=720, hz="24000/1001"),
    Recoding(_LOW_AVC, "mp2", 128, ".ts", lines=360, hz="30000/1001"),
    Recoding(_HEVC, "aac", 96, ".mp4"),
    Recoding(_HEVC, "aac", 128, ".mp4", lines=360, hz="60"),
    Recoding(_HEVC, "libopus", 48, ".mkv", lines=360, hz="25"),
    # MPEG-2 has no other rates than these.
    Recoding(_MPEG2, "mp2", 192, ".ts", hz="25"),
    Recoding(_MPEG2, "mp2", 128, ".ts", lines=360, hz="30000/1001"),
    Recoding(_MPEG2, "aac", 96, ".ts", lines=720, hz="50"),
)
"""Every codec with several sizes and rates; as many as a clip is moved by, so that each clip is in each."""


def recode(source: Path, target: Path, recoding: Recoding) -> None:
    """Write `target`, whose suffix is the recoding's.

    Raises:
        GlasswatchError: FFmpeg cannot.
    """
    clips.cut(("-i", str(source), *recoding.arguments), target, source.name)
