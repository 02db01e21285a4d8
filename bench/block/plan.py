"""What the test set holds: which damage in which held-out source, and what only resembles damage.

Everything follows from the list of sources and the seed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.provenance import digest
from bench.sources import Source

CODED = ("drop", "truncate", "bit_flip", "packet_loss")
DRAWN = ("displaced", "uniform", "smeared")
MODES = (*CODED, *DRAWN)
CODECS = ("libx264", "libx265", "mpeg2video", "libvpx-vp9")
STRENGTHS = {"weak": 0.05, "medium": 0.2, "strong": 0.6}
"""Part of a picture's data, or of its blocks, that is hit. How much of the picture is damaged the labels say."""

EVERY = (1, 4, 12, 25, 50)
"""One picture in so many is hit."""

LENGTHS_S = (0.2, 0.5, 1.0, 2.0, 3.0)
"""Of the window in which pictures are hit; damage lasts to the next key frame, so events are longer."""

GOPS = (12, 25, 50)

QUICK_STEP = 6
"""The quick set has every sixth job: a step that shares no factor with a source's five, so that all kinds occur."""

QUICK_SOURCES, QUICK_GRID = 5, 20
"""And every fifth clean file, and so many of the many alike."""

GRID = "grid_s1"

SAME_SUBJECT = {
    "talking/sadtalker_AOC.mp4": "AOC",
    "talking/vretalk_3_AOC.mp4": "AOC",
    "talking/face2face_obama.mp4": "Obama",
    "talking/speechtolips_obama.mp4": "Obama",
    **{f"talking/liveportrait_{n}.mp4": "liveportrait" for n in ("d6", "d10", "d14", "d20")},
}
"""Sources that show one person or come from one set; they are never on both sides of a split."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to change a clip.

    Attributes:
        injector: Name in the simulator.
        settings: Of the injector.
        duration_s: Of the window that is changed, None for one that the seed decides.
        strength: Key of STRENGTHS, None for what is no damage.
    """

    injector: str
    settings: Mapping[str, str] = field(default_factory=dict)
    duration_s: float | None = None
    strength: str | None = None

    @property
    def mode(self) -> str | None:
        """Which damage, None for what is none."""
        return self.settings.get("mode")

    @property
    def codec(self) -> str | None:
        """Coder whose data was lost, None where nothing was."""
        return self.settings["codec"] if self.mode in CODED else None

    @property
    def name(self) -> str:
        """What it is, without what differs from seed to seed."""
        told = [v for k, v in self.settings.items() if k not in ("strength", "every", "gop")]
        return " ".join([self.injector, *told, *([self.strength] if self.strength else [])])


@dataclass(frozen=True, slots=True)
class Job:
    """A case applied to a clip of one source."""

    case: Case
    source: Source
    seed: int

    @property
    def label(self) -> str:
        """What it is, in a few words; unique."""
        return f"{self.case.name} seed={self.seed} of {self.source.name}"


def _negative(injector: str, **settings: object) -> Case:
    return Case(injector, {key: str(value) for key, value in settings.items()}, 4.0)


NEGATIVES = (
    *(_negative("low_bitrate", codec=codec) for codec in CODECS),
    _negative("mosaic_graphics"),
    _negative("mosaic_graphics", area=0.5, tile_px=32),
    _negative("pixel_art"),
    _negative("pixel_art", tile_px=16, shades=16),
    _negative("heavy_grain"),
    _negative("heavy_grain", sigma=20),
    _negative("confetti"),
    _negative("confetti", density=0.4, size=0.05),
    _negative("still_slate"),
    _negative("credits"),
    _negative("slow_zoom"),
)
"""The last three resemble other defects; plates and type have the straight edges that lost blocks have."""


def jobs(sources: Sequence[Source], seed: int, *, quick: bool) -> list[Job]:
    """Every file to make: of each held-out source three damaged ones, one of each strength, and two negatives.

    Modes, codecs, strengths and intervals go round with periods that share no factor, so all of their combinations
    come up.
    """
    rng = random.Random(seed)  # noqa: S311 - a choice, no secret
    chosen: list[Job] = []
    held_out = [s for s in sources if is_held_out(s)]
    for n, source in enumerate(held_out):
        for k in range(len(STRENGTHS)):
            chosen.append(Job(_damage(n * len(STRENGTHS) + k, rng), source, seed * 100_000 + len(chosen)))
        for k in range(2):
            chosen.append(Job(NEGATIVES[(n * 2 + k) % len(NEGATIVES)], source, seed * 100_000 + len(chosen)))
    return chosen[::QUICK_STEP] if quick else chosen


def clean_sources(sources: Sequence[Source], seed: int, *, quick: bool, grid: int | None = None) -> list[Source]:
    """All media with pictures that are not damaged, of GRID at most `grid` files; the quick set only some of them."""
    found = [s for s in sources if s.size is not None and s.folder not in ("defects", GRID)]
    alike = [s for s in sources if s.folder == GRID]
    if quick:
        found = found[::QUICK_SOURCES]
        grid = QUICK_GRID if grid is None else min(grid, QUICK_GRID)
    if grid is not None:
        alike = random.Random(seed).sample(alike, min(grid, len(alike)))  # noqa: S311 - a sample, no secret
    return found + alike


def is_held_out(source: Source) -> bool:
    """Whether pictures of it may be damaged for the test set: the manifest keeps it from training."""
    return source.use == "validate" and source.size is not None and source.folder in ("pristine", "talking")


def half_of(source: str) -> str:
    """Half "A" or "B", by a hash over the subject that the source shows; an operating point comes from A only."""
    return "AB"[int(digest([SAME_SUBJECT.get(source, source)]), 16) % 2]


def _damage(n: int, rng: random.Random) -> Case:
    mode, strength = MODES[n % len(MODES)], tuple(STRENGTHS)[n % len(STRENGTHS)]
    settings = {
        "mode": mode,
        **({"codec": CODECS[n % len(CODECS)]} if mode in CODED else {"block_px": rng.choice(("16", "32", "64"))}),
        "strength": str(STRENGTHS[strength]),
        "every": str(EVERY[n % len(EVERY)]),
        "gop": str(rng.choice(GOPS)),
    }
    return Case("block_corruption", settings, rng.choice(LENGTHS_S), strength)
