"""Making the samples: any number of clips, side by side, going on where an earlier run stopped."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import track

from training.block_corruption.clips import GROUPS
from training.block_corruption.samples import make, make_graphic
from training.sources import grouped

SETS = ("learned", "aside")
"""Samples of the groups that are learned from, and of those that are kept aside to watch the learning."""

GRAPHIC_EVERY = 5
"""To so many clips of media comes one of test patterns, walls of pictures and other graphics."""


def prepare(media: Path, work: Path, clips: int, aside: int, seed: int, processes: int) -> None:
    """Make `clips` clips to learn from and `aside` of the groups kept aside, in `work`/learned and `work`/aside.

    Graphics come to both. The manifest of what was used is written beside them.
    """
    groups = grouped(media, GROUPS)
    used = {s.name: s.duration_s for sources in groups.values() for s in sources}
    work.mkdir(parents=True, exist_ok=True)
    (work / "sources.json").write_text(json.dumps({"seed": seed, "sources": used}, indent=1) + "\n", "utf-8")
    for name, count in zip(SETS, (clips, aside), strict=True):
        folder = work / name
        folder.mkdir(exist_ok=True)
        wanted = [*(f"{n:05}" for n in range(count)), *(f"graphic-{n:05}" for n in range(count // GRAPHIC_EVERY))]
        missing = [name for name in wanted if not (folder / f"{name}.npz").exists()]
        one = partial(_one, media, folder, seed)
        with ProcessPoolExecutor(processes) as pool:
            for _ in track(pool.map(one, missing), f"clips {name}", total=len(missing), disable=not missing):
                pass


def _one(media: Path, folder: Path, seed: int, name: str) -> None:
    is_aside = folder.name == SETS[1]
    groups = {g: s for g, s in grouped(media, GROUPS).items() if g.kept_aside == is_aside}
    *graphic, number = name.split("-")
    rng = np.random.default_rng([seed, is_aside, int(number), *map(len, graphic)])
    (make_graphic if graphic else make)(groups, rng).save(folder / f"{name}.npz")
