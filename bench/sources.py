"""The evaluation media: a folder with a manifest of tab-separated values.

Columns used: file, use ("train" or "validate"), duration_s, resolution, fps, audio. A name with `*` stands for the
files that it matches.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

NOT_MEDIA = frozenset({".vtt", ".txt", ".md"})


@dataclass(frozen=True, slots=True)
class Source:
    """One media file.

    Attributes:
        name: Path below the media folder.
        use: "train" where released weights may be trained on it, else "validate".
        size: Width and height in pixels, None without picture.
        channels: Channels of its sound, 0 without.
        rate: Samples per second of its sound, 0 where that is not told.
    """

    name: str
    path: Path
    use: str
    duration_s: float
    size: tuple[int, int] | None
    channels: int
    rate: int = 0

    @property
    def folder(self) -> str:
        """First part of the name."""
        return self.name.partition("/")[0]


def read_sources(media: Path) -> list[Source]:
    """Every media file that the manifest names, in its order.

    Raises:
        FileNotFoundError: There is no manifest, or a file is missing.
    """
    found = []
    with (media / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            pattern = row["file"].partition(" ")[0]
            paths = sorted(media.glob(pattern)) if "*" in pattern else [media / pattern]
            found += [_source(media, path, row) for path in paths if path.suffix not in NOT_MEDIA]
    missing = [source.name for source in found if not source.path.is_file()]
    if missing:
        raise FileNotFoundError(f"{media}: the manifest names what is not there: {', '.join(missing)}")
    return found


def _source(media: Path, path: Path, row: dict[str, str]) -> Source:
    size = re.fullmatch(r"(\d+)x(\d+)", row["resolution"])
    channels = re.search(r"(\d+)ch", row["audio"])
    rate = re.search(r"(\d+)Hz", row["audio"])
    duration = re.match(r"[\d.]+", row["duration_s"])
    sound = row["audio"] not in ("-", "")
    # A moving picture has a frame rate; cover art of a music file has none. One clip states 0 for want of a better.
    moving = size is not None and not (row["fps"] == "0" and path.suffix == ".ogg")
    return Source(
        name=path.relative_to(media).as_posix(),
        path=path,
        use=row["use"],
        duration_s=float(duration[0]) if duration else 0.0,
        size=(int(size[1]), int(size[2])) if size and moving else None,
        channels=(int(channels[1]) if channels else 1) if sound else 0,
        rate=int(rate[1]) if sound and rate else 0,
    )
