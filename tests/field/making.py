"""Making inputs with FFmpeg, and inspecting them as `glasswatch inspect` does."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import imageio_ffmpeg

from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Severity
from glasswatch.decoder.source import open_source
from glasswatch.report.model import Report, ReportEvent
from glasswatch.runtime.inspect import Inspection

BASE = Path(__file__).parents[2] / "samples" / "bunny_city.mp4"
X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")


def ffmpeg(*arguments: str | Path, folder: Path | None = None, stdout: Path | None = None) -> None:
    """Run FFmpeg in a folder; what it writes to its standard output goes to `stdout`."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)]
    run = subprocess.run(command, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    assert run.returncode == 0, run.stderr.decode()
    if stdout is not None:
        stdout.write_bytes(run.stdout)


def lavfi(*sources: str) -> list[str]:
    """Options that make each source an input."""
    return [word for source in sources for word in ("-f", "lavfi", "-i", source)]


def joined(target: Path, parts: Iterable[Path]) -> Path:
    """The files' bytes one after the other."""
    target.write_bytes(b"".join(part.read_bytes() for part in parts))
    return target


def damaged(target: Path, source: Path, shares: Sequence[float], *, length: int = 1, mask: int = 0x55) -> Path:
    """A copy with `length` bytes XORed with `mask` at each share of the file."""
    data = bytearray(source.read_bytes())
    for share in shares:
        first = int(share * len(data))
        data[first : first + length] = bytes(byte ^ mask for byte in data[first : first + length])
    target.write_bytes(data)
    return target


def inspect(path: Path | str, *detectors: str, profile: Path | None = None, programme: int | None = None) -> Report:
    """The report on a file or URL: all default detectors, or those named."""
    with contextlib.closing(open_source(str(path), programme=programme)) as source:
        return Inspection(source, load_profile(profile, detectors or None)).run()


def events(report: Report, defect: str, least: Severity = Severity.INFO) -> list[ReportEvent]:
    """A defect's events of a severity or above, by onset."""
    return [event for event in report.events if event.defect == defect and event.severity >= least]
