"""Making the samples: any number of clips, side by side, going on where an earlier run stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from bench.sources import Source
from rich.progress import track

from training.sources import Group, grouped

SETS = ("learned", "aside")
"""Samples of the groups that are learned from, and of those that are kept aside to watch the learning."""


class Samples(Protocol):
    """What comes of one clip."""

    def save(self, path: Path) -> None:
        """Write it; the file at `path` comes last, because it says that all of it is there."""
        ...


@dataclass(frozen=True, slots=True)
class Series:
    """Clips of one sort.

    Attributes:
        make: Makes the samples of a clip out of the sources and chance.
        prefix: Before the number in the names of its files; its length is part of the seed.
        every: To so many clips of the first series comes one of this.
    """

    make: Callable[[Mapping[Group, list[Source]], np.random.Generator], Samples]
    prefix: str = ""
    every: int = 1


def prepare(
    media: Path,
    work: Path,
    groups: Sequence[Group],
    series: Sequence[Series],
    clips: int,
    aside: int,
    seed: int,
    processes: int,
) -> None:
    """Make `clips` clips to learn from and `aside` of the groups kept aside, in `work`/learned and `work`/aside.

    The manifest of what was used is written beside them.
    """
    used = {s.name: s.duration_s for sources in grouped(media, groups).values() for s in sources}
    work.mkdir(parents=True, exist_ok=True)
    (work / "sources.json").write_text(json.dumps({"seed": seed, "sources": used}, indent=1) + "\n", "utf-8")
    for name, count in zip(SETS, (clips, aside), strict=True):
        folder = work / name
        folder.mkdir(exist_ok=True)
        wanted = [(s, folder / f"{s.prefix}{n:05}.npz", n) for s in series for n in range(count // s.every)]
        missing = [one for one in wanted if not one[1].exists()]
        with ProcessPoolExecutor(processes) as pool:
            made = pool.map(partial(_one, media, groups, seed), *zip(*missing, strict=True)) if missing else ()
            for _ in track(made, f"clips {name}", total=len(missing), disable=not missing):
                pass


def _one(media: Path, groups: Sequence[Group], seed: int, series: Series, path: Path, number: int) -> None:
    is_aside = path.parent.name == SETS[1]
    sources = {g: s for g, s in grouped(media, groups).items() if g.kept_aside == is_aside}
    rng = np.random.default_rng([seed, is_aside, number, *([len(series.prefix)] if series.prefix else [])])
    series.make(sources, rng).save(path)
