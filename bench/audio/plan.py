"""What the test set holds: which defect in which held-out sound, in which encoding, and what only resembles one.

Everything follows from the list of sources and the seed.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice, product
from typing import TypeVar, get_args

from training.audio_artifacts.defects import RESEMBLING
from training.audio_artifacts.defects import STRENGTHS as MEASURES

from bench.sources import Source
from glasswatch.detectors.audio.artifact_features import CLASSES
from glasswatch.simulator.effects.added import Shape

DEFECTS = CLASSES[1:]
STRENGTHS: Mapping[str, float] = {"strong": 1 / 6, "medium": 1 / 2, "weak": 5 / 6}
"""How far on the way from the strongest to the weakest that the training makes: the middle of each third."""

TOLD: Mapping[str, str] = {
    "snr_db": "SNR {:g} dB",
    "sdr_db": "SDR {:g} dB",
    "codec_bit_rate": "{:g} b/s",
    "rate_hz": "{:g} of the rate",
    "peak_db": "peak {:g} dB",
    "slip_samples": "{:g} samples",
    "length_ms": "{:g} ms",
}
"""By the setting that is its measure, how a strength is told. Peaks are over the active level of the programme."""

LEAST_RATE_HZ = 1_000
"""The simulator's lowest wrong rate."""

MODES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "hum": {shape: {"shape": shape} for shape in get_args(Shape)},
    "hiss": {colour: {"colour": colour} for colour in ("white", "pink", "tape", "codec")},
    "distortion": {
        **{mode: {"mode": mode} for mode in ("hard", "soft", "crossover", "quantise", "mu_law", "intermodulation")},
        **{f"codec {name}": {"mode": "codec", "codec": name} for name in ("libmp3lame", "aac", "libopus")},
        **{mode: {"mode": mode} for mode in ("decimate", "alias")},
    },
    "clicks": {
        **{mode: {"mode": mode, "count": "4", "rate_hz": "6"} for mode in ("single", "train", "vinyl", "slip")},
        **{
            f"packet_loss {c}": {"mode": "packet_loss", "count": "4", "conceal": c}
            for c in ("zero", "repeat", "splice")
        },
    },
}
"""By defect, settings of each of its modes."""

ENCODINGS: Mapping[str, tuple[str, str]] = {
    "pcm": (".wav", "pcm_s16le"),
    "aac": (".mp4", "aac"),
    "mp3": (".mkv", "libmp3lame"),
    "opus": (".mkv", "libopus"),
    "ac3": (".ts", "ac3"),
}
"""Suffix and encoder of each, at the encoder's ordinary bit rate."""

NEGATIVES = (*RESEMBLING, "quiet_passage")
WITHOUT_LEVEL = frozenset({"staccato", "loud_mastered", "telephone_voice", "quiet_passage"})
"""These change the programme; the others play beside it or in its place."""

FILES: Mapping[str, int] = {"hum": 2, "hiss": 2, "distortion": 2, "clicks": 2, "negative": 3}
"""Of each source."""

CLIP_S = 12.0
LEAST_S = 4.0
DEFECT_PART = 0.4
"""Of the clip, has the defect."""

QUICK_STEP = 12
"""The quick set has every twelfth job of each defect."""

QUICK_SOURCES, QUICK_GRID = 5, 20
"""And every fifth clean file, and so many of the many alike."""

GRID = "grid_s1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case:
    """One way to change a clip; without `mode`, `strength` and `level` it is no defect.

    Attributes:
        injector: Name in the simulator.
        settings: Of the injector.
        mode: Key of MODES.
        strength: Key of STRENGTHS.
        level: What that is, with its unit.
    """

    injector: str
    settings: Mapping[str, str] = field(default_factory=dict)
    mode: str = ""
    strength: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A case applied to a clip of a source, in an encoding; `at` is where the clip begins, as a part of the room."""

    case: Case
    source: Source
    encoding: str
    seed: int
    at: float

    @property
    def label(self) -> str:
        """What it is, in a few words; unique."""
        words = (self.case.injector, self.case.mode, self.case.level, self.encoding, f"seed={self.seed}")
        return f"{' '.join(word for word in words if word)} of {self.source.name}"


def is_held_out(source: Source) -> bool:
    """Whether the manifest keeps the sound from training, which neither learns from it nor watches itself by it."""
    return bool(source.channels) and source.folder != "defects" and source.use == "validate"


def jobs(sources: Sequence[Source], seed: int, silent: Collection[str], *, quick: bool) -> list[Job]:
    """Every file to make, FILES of each held-out source that is not too short.

    Args:
        sources: All media.
        seed: Another one makes another set.
        silent: Names of sources whose sound holds nothing.
        quick: Every QUICK_STEP-th file of a kind only.
    """
    rng = random.Random(seed)  # noqa: S311 - a choice, no secret
    held = [s for s in sources if is_held_out(s) and s.duration_s >= LEAST_S and s.name not in silent]
    chosen: list[Job] = []
    for name, count in FILES.items():
        total = count * len(held)
        cases, encodings = islice(_cases(name, rng), total), islice(_shuffled(tuple(ENCODINGS), rng), total)
        made = zip(cases, islice(cycle(held), total), encodings, strict=True)
        first = seed * 100_000 + len(chosen)
        chosen += [
            Job(_fitted(case, source), source, encoding, first + n, rng.random())
            for n, (case, source, encoding) in enumerate(made)
        ]
    kept = [job for name in (*DEFECTS, "negative") for job in _of(chosen, name)[::QUICK_STEP]]
    return kept if quick else chosen


def clean_sources(sources: Sequence[Source], seed: int, *, quick: bool) -> list[Source]:
    """All media with sound that are not damaged, the quick set only some of them."""
    found = [s for s in sources if s.channels and s.folder not in ("defects", GRID)]
    grid = [s for s in sources if s.channels and s.folder == GRID]
    if quick:
        found = found[::QUICK_SOURCES]
        grid = random.Random(seed).sample(grid, min(QUICK_GRID, len(grid)))  # noqa: S311 - a sample, no secret
    return found + grid


def _of(chosen: Sequence[Job], name: str) -> list[Job]:
    return [job for job in chosen if (job.case.injector if job.case.mode else "negative") == name]


def _cases(name: str, rng: random.Random) -> Iterator[Case]:
    """Endless; everything comes once before anything comes again, in an order of its own."""
    if name == "negative":
        for negative in _shuffled(NEGATIVES, rng):
            settings = {}
            if negative not in WITHOUT_LEVEL:
                settings = {"level_dbfs": str(rng.choice((-32, -24, -16)))}
                settings |= rng.choice(({}, {"programme_db": "-12"}))
            yield Case(negative, settings)
    else:
        for mode, strength in _shuffled(tuple(product(MODES[name], STRENGTHS)), rng):
            settings = dict(MODES[name][mode])
            measure = MEASURES.get(settings.get("mode", name), MEASURES[name])
            value = _rounded(measure.at(STRENGTHS[strength]))
            settings[measure.setting] = f"{value:g}"
            if name == "hum":
                settings["mains_hz"] = rng.choice(("50", "60"))
            yield Case(name, settings, mode, strength, TOLD[measure.setting].format(value))


def _rounded(value: float) -> float:
    """To two significant digits, or to a whole number: settings that count take no other."""
    return float(f"{value:.2g}") if value < 100 else float(round(value))


def _fitted(case: Case, source: Source) -> Case:
    """The case for a source: wrong rates are parts of its own."""
    if case.settings.get("mode") not in ("decimate", "alias"):
        return case
    wrong_hz = max(round(float(case.settings["rate_hz"]) * source.rate), LEAST_RATE_HZ)
    return replace(case, settings={**case.settings, "rate_hz": str(wrong_hz)})


def _shuffled(values: Sequence[T], rng: random.Random) -> Iterator[T]:
    return cycle(rng.sample(values, len(values)))
