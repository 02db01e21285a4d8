"""The files: people who talk, as they are and with their sound moved, and what must not be judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Literal

from bench.sources import Source
from bench.sync.recodings import RECODINGS, Recoding
from glasswatch.core.detection import Detection

DETECTOR = "av_sync"

FRAME_MS = 40.0
SHIFTS = (-15, -10, -5, -3, -2, -1, 1, 2, 3, 5, 10, 15)
QUICK_SHIFTS = (-5, 5)
"""Frames of FRAME_MS by which sound is made earlier; quick: one of them for each clip."""

COURSES: tuple[tuple[Literal["offset", "drift", "step"], int], ...] = (("offset", 2), ("drift", 2), ("step", 5))
"""Changes of clips of COURSE_S and more, in frames: throughout, at the end, and from the middle on."""

COURSE_S = 30.0

DUBBED_S = 300.0
"""As long as the detector remembers: what fits by chance in some fragments must not add up."""

NOBODY_S = 30.0
"""Shorter media of pristine/ show nobody who talks; the scenes of longer ones have actors."""

ANIMATED = ("pristine/caminandes_av1_180p_30s.webm", "pristine/bbb_720p_30s.webm")
"""Animals, in animations of NOBODY_S."""

QUICK_PART = 3
"""A quick run takes each of so many of what is neither moved nor as it is."""


class Group(StrEnum):
    """What a file is there for, as tables call it."""

    PLAIN = "as it is"
    RECODED = "re-encoded"
    MOVED = "moved and re-encoded"
    VOICE = "another voice"
    COURSE = "in the course of time"
    KNOWN = "known defect"
    NOBODY = "nobody talks"
    OVER = "nobody talks, voice-over"
    DUBBED = "dubbed, five minutes"


@dataclass(frozen=True, slots=True)
class Case:
    """One file to judge.

    Attributes:
        source: What it is made from.
        group: What it is there for.
        shift: Frames by which the sound is earlier than in the source; see `mode`.
        mode: Throughout, at the end of a drift, or from the middle on.
        voice: Who is heard instead of the source's sound, or above it; None for nobody.
        voices: Who are heard one after the other, the picture being repeated meanwhile.
        recoding: How it is encoded anew, if it is.
    """

    source: Source
    group: Group = Group.PLAIN
    shift: int = 0
    mode: Literal["offset", "drift", "step"] = "offset"
    voice: Source | None = None
    voices: tuple[Source, ...] = ()
    recoding: Recoding | None = None

    @property
    def label(self) -> str:
        """What it is, unique."""
        shift = f" by {self.shift:+d} frames" if self.shift else ""
        mode = f" ({self.mode})" if self.group is Group.COURSE else ""
        voice = f" with the voice of {self.voice.name}" if self.voice else ""
        if self.voices:
            voice = f" again and again with the voices of {len(self.voices)} others"
        coding = f", {self.recoding.name}" if self.recoding else ""
        return f"{self.source.name}{shift}{mode}{voice}{coding}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of a file: its fragments, its events, and what the detector took of a core."""

    case: Case
    fragments: tuple[Detection, ...]
    events: int
    media_s: float
    cpu_s: float


def cases(sources: Sequence[Source], *, quick: bool) -> list[Case]:
    """All files.

    People are those whom the released weights were not learned from. Each is in each of RECODINGS once, with another
    shift than the one before.
    """
    seen_and_heard = [s for s in sources if s.size and s.channels]
    people = [s for s in seen_and_heard if s.folder == "talking" and s.use == "validate"]
    known = [s for s in seen_and_heard if s.folder == "defects" and "syncnet" in s.name]
    step = QUICK_PART if quick else 1
    found = [Case(s) for s in people] + [Case(s, Group.KNOWN) for s in known]
    found += _moved(people, quick=quick)
    # Half of the list away from the first shift, so that it is not the same file once more.
    numbered = list(enumerate(people))[::step]
    found += [Case(s, Group.RECODED, recoding=_recoding(i + len(RECODINGS) // 2)) for i, s in numbered]
    if len(people) > 1:
        found += [Case(s, Group.VOICE, voice=people[(i + 1) % len(people)]) for i, s in numbered]
    long = [s for s in people if s.duration_s >= COURSE_S][: 1 if quick else None]
    found += [Case(s, Group.COURSE, shift, mode) for s in long for mode, shift in COURSES]
    found += [Case(s, Group.DUBBED, voices=_others(s, people)) for s in long if len(people) > 1]
    nobody = [s for s in seen_and_heard if _shows_nobody(s)][::step]
    found += [Case(s, Group.NOBODY) for s in nobody]
    if people:
        found += [Case(s, Group.OVER, voice=people[i % len(people)]) for i, s in enumerate(nobody)]
    return found


def _moved(people: Sequence[Source], *, quick: bool) -> Iterator[Case]:
    for i, source in enumerate(people):
        shifts = [QUICK_SHIFTS[i % len(QUICK_SHIFTS)]] if quick else SHIFTS
        for j, shift in enumerate(shifts):
            yield Case(source, Group.MOVED, shift, recoding=_recoding(i + j))


def _others(source: Source, people: Sequence[Source]) -> tuple[Source, ...]:
    """Other people, again from the first on, until they fill DUBBED_S."""
    voices: list[Source] = []
    for voice in cycle(s for s in people if s != source):
        if sum(s.duration_s for s in voices) >= DUBBED_S:
            break
        voices.append(voice)
    return tuple(voices)


def _recoding(number: int) -> Recoding:
    return RECODINGS[number % len(RECODINGS)]


def _shows_nobody(source: Source) -> bool:
    if source.folder != "pristine":
        return False
    return source.name in ANIMATED or (source.use == "validate" and source.duration_s < NOBODY_S)
