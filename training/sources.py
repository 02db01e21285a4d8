"""Which media a released model may learn from, and which of it is kept aside to watch the learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.sources import Source, read_sources


@dataclass(frozen=True, slots=True)
class Group:
    """Files that show the same scene or person: all of them are learned from, or none.

    Attributes:
        name: Where all names of its files begin.
        weight: How often it is drawn, as against the others: by how much there is to see in it.
        kept_aside: Not learned from.
    """

    name: str
    weight: float = 1.0
    kept_aside: bool = False


def grouped(media: Path, groups: Sequence[Group]) -> Mapping[Group, list[Source]]:
    """The files of each group.

    Args:
        media: A folder with `manifest.tsv`.
        groups: By the beginning of their names below the folder; the first that fits takes a file.

    Raises:
        ValueError: A group has no file, or one that the manifest keeps for validation.
    """
    found: dict[Group, list[Source]] = {group: [] for group in groups}
    for source in read_sources(media):
        group = next((g for g in groups if source.name.startswith(g.name)), None)
        if group is None:
            continue
        if source.use != "train":
            raise ValueError(f"{source.name} is for {source.use}, not for training")
        found[group].append(source)
    if empty := [group.name for group, sources in found.items() if not sources]:
        raise ValueError(f"{media}: no files of {', '.join(empty)}")
    return found
