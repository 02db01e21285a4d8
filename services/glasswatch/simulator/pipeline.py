"""One run of the simulator: survey, decode, change, encode, label, in memory that does not grow with the media."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from glasswatch.core.errors import InputError, OutputError, UsageError
from glasswatch.simulator.effect import Effect, Encoded, Scene, StreamEffect
from glasswatch.simulator.encode import writing
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import Defect, Labels
from glasswatch.simulator.media import MediaInfo, Picture
from glasswatch.simulator.registry import injectors
from glasswatch.simulator.settings import Settings, parse
from glasswatch.simulator.source import read, survey

# Chance leaves this much clean media before and after a defect where there is room.
MARGIN_S = 0.5


def simulate(
    defect: str,
    source: Path,
    target: Path,
    *,
    start_s: float | None = None,
    duration_s: float | None = None,
    seed: int = 0,
    settings: Mapping[str, str] | None = None,
) -> Labels:
    """Write `source` with a defect to `target`; the suffix of `target` names the container.

    The same arguments give the same labels and the same file. What is not given (`start_s`, `duration_s`) is drawn
    from `seed`. Times are seconds from the first timestamp of the input.

    Raises:
        UsageError: No such injector or setting, a window outside the media, or streams that are missing.
        InputError: `source` cannot be decoded.
        OutputError: `target` cannot be written.
    """
    injector = injectors().get(defect)
    if injector is None:
        raise UsageError(f"nothing is called {defect!r}; there are {', '.join(injectors())}")
    chosen = parse(injector.settings, injector.name, settings or {})
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"{target}: the output would overwrite the input")
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {target}: {target.parent} is not a folder")
    media = survey(source)
    _check_streams(injector, media, source, target)
    rng = np.random.Generator(np.random.PCG64([seed, zlib.crc32(injector.name.encode())]))
    start, end = _window(injector, media, start_s, duration_s, rng)
    effect = injector.effect(chosen, Scene(source, media, start, end, rng))
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        lead = _write(effect, media, chosen, source, part)
        if effect.output_start is not None:
            lead = -effect.output_start
        defects = tuple(_shifted(d, lead) for d in effect.defects())
        if effect.changed.start is None or (not defects and not injector.negative):
            raise UsageError(f"{injector.name}: nothing was changed between {float(start)} and {float(end)} s")
        part.replace(target)
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    changed = effect.changed
    return Labels(
        source=source.name,
        output=target.name,
        seed=seed,
        injector=injector.name,
        settings=chosen.model_dump(mode="json"),
        start_s=None if changed.start is None else float(changed.start + lead),
        end_s=None if changed.end is None else float(changed.end + lead),
        defects=defects,
        negative=injector.negative,
        resembles=injector.resembles,
        pictures=tuple(p.model_copy(update={"time_s": p.time_s + float(lead)}) for p in effect.pictures()),
    )


def _shifted(defect: Defect, lead: Fraction) -> Defect:
    return defect.model_copy(update={"start_s": defect.start_s + float(lead), "end_s": defect.end_s + float(lead)})


def _write(effect: Effect[Settings], media: MediaInfo, settings: Settings, source: Path, part: Path) -> Fraction:
    """Encode the changed media to `part`; returns how far its first timestamp lies before the media's zero."""
    if not isinstance(effect, StreamEffect):
        return _encode(effect, media, settings, source, part, index_first=False)
    if effect.containers and part.suffix.lower() not in effect.containers:
        raise UsageError(f"this needs an output with the suffix {' or '.join(sorted(effect.containers))}")
    clean = part.with_name(f".{part.stem}.clean{part.suffix}")
    try:
        lead = _encode(effect, media, settings, source, clean, index_first=effect.lays_index_first)
        encoded = survey(clean)
        effect.damage(Encoded(clean, encoded.origin + lead, encoded), part)
    finally:
        clean.unlink(missing_ok=True)
    return lead


def _encode(
    effect: Effect[Settings], media: MediaInfo, settings: Settings, source: Path, part: Path, *, index_first: bool
) -> Fraction:
    with writing(part, media, settings, index_first=index_first) as output:
        for item in read(source, media):
            if isinstance(item, Picture):
                if (picture := effect.picture(item)) is not None:
                    output.picture(picture)
            elif (sound := effect.sound(item)) is not None:
                output.sound(sound)
    return output.lead


def _check_streams(injector: Injector, media: MediaInfo, source: Path, target: Path) -> None:
    has = {"video": media.video is not None, "audio": bool(media.audio)}
    for need in sorted(injector.needs):
        if not has[need]:
            raise InputError(f"{source}: {injector.name} needs {need}, and the input has none")
    if target.suffix.lower() == ".wav" and ("video" in injector.needs or not media.audio):
        raise UsageError(f"{target.name}: a .wav file holds sound only; choose another suffix")


def _window(
    injector: Injector, media: MediaInfo, start_s: float | None, duration_s: float | None, rng: np.random.Generator
) -> tuple[Fraction, Fraction]:
    """The stretch to change; both draws are made always, so that giving one leaves the other as it was."""
    length = media.end
    draws = rng.random(2)
    for name, value in (("start", start_s), ("duration", duration_s)):
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{name} must be a number of seconds")
    if start_s is not None and not 0 <= start_s < length:
        raise UsageError(f"start {start_s} s is outside the input, which lasts {float(length):.3f} s")
    if duration_s is not None and duration_s <= 0:
        raise UsageError("duration must be more than 0 s")
    if injector.durations is None and start_s is None and duration_s is None:
        return Fraction(0), length
    if duration_s is not None:
        duration = Fraction(str(duration_s))
    elif injector.durations is None:
        duration = length
    else:
        shortest, longest = injector.durations
        # Evenly over the ratio: short defects matter as much as long ones.
        drawn = shortest * (longest / shortest) ** float(draws[0])
        duration = min(Fraction(round(drawn * 1000), 1000), length / 2)
    if start_s is not None:
        start = Fraction(str(start_s))
    else:
        room = max(length - duration, Fraction(0))
        margin = min(Fraction(MARGIN_S), room / 4)
        start = margin + Fraction(round(float(room - 2 * margin) * float(draws[1]) * 1000), 1000)
    return start, min(start + duration, length)
