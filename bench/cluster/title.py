"""The media that is watched: a clip with known defects, over and over, as a file and as a long transport stream.

Its period is a whole number of video frames, of AAC frames and of GOPs, so that repeats can be joined by copying
packets and nothing is to be found where they meet.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

from bench.provenance import digest
from glasswatch.config.profile import load_profile
from glasswatch.simulator import simulate

CLIP = "pristine/bbb_720p_30s.webm"
CLIP_FROM_S = 15.0
WIDTH, HEIGHT, FRAME_RATE, SAMPLE_RATE = 1280, 720, 25, 48_000
PERIOD_S = Fraction(48, 5)
"""240 frames, 450 AAC frames of 1024 samples, 5 GOPs."""

GOP = 48
ENCODED_PERIODS = 3
"""The first begins with the encoders' start, so that the others are repeated."""

STEPS = [
    ("freeze", 1.0, 1.2),
    ("silence", 2.8, 1.2),
    ("black", 4.8, 1.0),
    ("solid_colour", 7.0, 1.2),
]
"""Defect, start and duration, for the simulator."""

_LOSSLESS = {"crf": "4", "preset": "ultrafast", "audio_codec": "flac"}


@dataclass(frozen=True, slots=True)
class Known:
    """A defect that comes once in every period.

    Attributes:
        defect: Name of it.
        start_s: Where it begins, in seconds from the start of the period.
        qualified_s: Where it has lasted as long as its rule asks for before there is an event.
    """

    defect: str
    start_s: float
    qualified_s: float


@dataclass(frozen=True, slots=True)
class Title:
    """One period with its labels, encoded.

    Attributes:
        period: Transport stream of a few periods, the first to be left out.
        known: The defects of a period.
    """

    period: Path
    known: tuple[Known, ...]

    @classmethod
    def make(cls, media: Path, work: Path) -> Title:
        """Damage and encode the clip; what is in `work` already is used again."""
        name = digest([CLIP, str(CLIP_FROM_S), json.dumps(STEPS), str((WIDTH, HEIGHT, FRAME_RATE, GOP))])
        period, labels = work / f"cluster.{name}.ts", work / f"cluster.{name}.json"
        if not (period.exists() and labels.exists()):
            labels.write_text(json.dumps([asdict(known) for known in _make(media / CLIP, period)]), "utf-8")
        return cls(period, tuple(Known(**known) for known in json.loads(labels.read_text("utf-8"))))

    def repeated(self, seconds: float, target: Path) -> Path:
        """Write repeats of at least so many seconds, without encoding anything again."""
        times = math.ceil(seconds / float(PERIOD_S) / (ENCODED_PERIODS - 1))
        with av.open(str(self.period)) as source, av.open(str(target), "w") as output:
            streams = {
                s.index: output.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)
            }
            packets = _packets_of_whole_periods(source)
            shift = (ENCODED_PERIODS - 1) * PERIOD_S
            for turn in range(times):
                for data, index, pts, dts, time_base, is_key in packets:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base, packet.is_keyframe = streams[index], time_base, is_key
                    moved = int((turn * shift - PERIOD_S) / time_base)
                    packet.pts, packet.dts = pts + moved, dts + moved
                    output.mux(packet)
        return target


_Packet = tuple[bytes, int, int, int, Fraction, bool]


def _packets_of_whole_periods(source: av.container.InputContainer) -> list[_Packet]:
    """The packets of all periods but the first, in the order of decoding."""
    end = ENCODED_PERIODS * PERIOD_S
    video = source.streams.video[0]
    assert video.start_time is not None
    assert video.time_base is not None
    start = video.start_time * video.time_base
    found: list[_Packet] = []
    key_s = Fraction(-1)
    for packet in source.demux():
        if packet.pts is None or packet.dts is None:
            continue
        pts_s = packet.pts * packet.time_base - start
        # What depends on a picture belongs to its period, wherever it lies itself.
        if packet.stream.type == "video":
            key_s = pts_s if packet.is_keyframe else key_s
            pts_s = key_s
        if PERIOD_S <= pts_s < end:
            found.append(
                (bytes(packet), packet.stream.index, packet.pts, packet.dts, packet.time_base, packet.is_keyframe)
            )
    return found


def _make(clip: Path, target: Path) -> list[Known]:
    """Encode the damaged clip as `target`."""
    rules = load_profile().rules
    stem = target.with_suffix("")
    current = Path(f"{stem}.clean.mkv")
    _ffmpeg(
        *("-ss", str(CLIP_FROM_S), "-i", str(clip), "-t", str(float(PERIOD_S) + 0.2)),
        *("-vf", f"fps={FRAME_RATE},scale={WIDTH}:{HEIGHT},format=yuv420p", "-ar", str(SAMPLE_RATE), "-ac", "2"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-c:a", "flac", str(current)),
    )
    known = []
    for number, (defect, start_s, duration_s) in enumerate(STEPS):
        damaged = Path(f"{stem}.{number}.mkv")
        labels = simulate(defect, current, damaged, start_s=start_s, duration_s=duration_s, settings=_LOSSLESS)
        current.unlink()
        current = damaged
        least_s = min(rules[defect].severity.values())
        known += [Known(d.defect, d.start_s, d.start_s + least_s) for d in labels.defects]
    frames, samples = int(PERIOD_S * FRAME_RATE), int(PERIOD_S * SAMPLE_RATE)
    graph = (
        f"[0:v]trim=end_frame={frames},loop=-1:{frames},setpts=N/{FRAME_RATE}/TB[v];"
        f"[0:a]atrim=end_sample={samples},aloop=-1:{samples},asetpts=N/SR/TB[a]"
    )
    part = target.with_name(f"part.{target.name}")
    _ffmpeg(
        *("-i", str(current), "-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-r", str(FRAME_RATE)),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-g", str(GOP), "-keyint_min", str(GOP)),
        *("-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "128k"),
        *("-t", str(float(ENCODED_PERIODS * PERIOD_S + 1)), "-f", "mpegts", str(part)),
    )
    current.unlink()
    part.rename(target)
    return known


def _ffmpeg(*arguments: str) -> None:
    command: Sequence[str] = (imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments)
    subprocess.run(command, check=True)
