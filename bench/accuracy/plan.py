"""What the test set holds: which defect, how strong, how long, in which encoding, in which source.

Everything follows from the list of sources and the seed. Durations come near the limits of the definitions on purpose.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from bench.sources import Source

LONGEST_S = 20.0
MOST_PIXELS = 1280 * 720
"""Sources of injections are short and not large, so that the whole set is made in minutes."""

QUICK_STEP = 5
"""The quick set is every fifth file of the full one; odd, as held-out sources and others take turns."""

JUMP_LEAST_S, JUMP_MOST_S = 30.0, 75.0
GRID_CLIPS = 100
SPARES = 10

Encoding = tuple[str, Mapping[str, str]]
Natural = Mapping[str, frozenset[tuple[str, str | None]]]
"""By source, the defects and kinds that it has by nature, and so cannot show anew."""

VIDEO: tuple[Encoding, ...] = (
    (".mp4", {"video_codec": "libx264", "crf": "18"}),
    (".mkv", {"video_codec": "libx265", "crf": "26"}),
    (".ts", {"video_codec": "mpeg2video", "crf": "5"}),
    (".mp4", {"video_codec": "libx264", "crf": "28"}),
    (".webm", {"video_codec": "libvpx-vp9", "crf": "34"}),
)
AUDIO: tuple[Encoding, ...] = (
    (".mkv", {"audio_codec": "flac"}),
    (".mp4", {"audio_codec": "aac"}),
    (".mkv", {"audio_codec": "libmp3lame"}),
    (".mkv", {"audio_codec": "libopus"}),
    (".ts", {"audio_codec": "ac3"}),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One way to change media; `frames` is a duration in frames of the source."""

    injector: str
    duration_s: float | None = None
    frames: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    encoding: Encoding | None = None
    start_s: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A case applied to one source; `spares` are tried in turn where the source does not bear it."""

    case: Case
    source: Source
    encoding: Encoding
    seed: int
    spares: tuple[Source, ...] = ()

    @property
    def label(self) -> str:
        """What it is, in a few words."""
        length = f"{self.case.frames}f" if self.case.frames else ""
        if self.case.duration_s is not None:
            length = f"{self.case.duration_s:g}s"
        settings = [f"{k}={v}" for k, v in {**self.case.settings, **self.encoding[1]}.items()]
        return " ".join([self.case.injector, *([length] if length else []), *settings, self.encoding[0][1:]])


def _cases(injector: str, lengths: Iterable[float | None], *settings: dict[str, str]) -> list[Case]:
    """Each length with the settings in turn; every one of both occurs."""
    spans = list(lengths)
    count = max(len(spans), len(settings))
    return [Case(injector, spans[i % len(spans)], None, settings[i % len(settings)]) for i in range(count)]


def _set(**settings: object) -> dict[str, str]:
    return {key: str(value) for key, value in settings.items()}


PICTURE_CASES = (
    *(Case("black", None, frames, settings) for frames, settings in ((3, {}), (4, _set(level=0.05)), (8, {}))),
    *_cases(
        "black",
        (0.5, 0.6, 1.0, 1.5, 2.0, 2.5, 4.0),
        {},
        _set(level=0.04),
        _set(noise=2),
        _set(logo=0.01),
        _set(level=0.07, noise=1),
        _set(noise=4),
        _set(logo=0.005, noise=1),
    ),
    *_cases("freeze", (0.55, 0.6, 0.8, 1.0, 1.5, 2.0, 2.5, 3.5, 5.0), {}, _set(mode="resume")),
    *_cases("freeze", (0.7, 1.2, 2.2, 4.0), _set(noise=1), _set(fade=0.03)),
    *(
        Case("solid_colour", None, frames, settings)
        for frames, settings in ((3, {}), (5, _set(colour="decoder_green")))
    ),
    *_cases(
        "solid_colour",
        (0.5, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 0.6),
        _set(colour="grey"),
        _set(colour="green"),
        _set(colour="blue", noise=2),
        _set(colour="pink"),
        _set(colour="bars_smpte"),
        _set(colour="bars_ebu", noise=1),
        _set(colour="decoder_green", noise=1),
        _set(colour="decoder_grey"),
        _set(colour="white"),
    ),
)
# Few, since `bench.block` measures it at length.
BLOCK_CASES = tuple(
    Case("block_corruption", duration_s, None, _set(mode=mode, codec=codec, strength=strength))
    for duration_s, mode, codec, strength in (
        *((1.0, "drop", "libx264", 0.6), (2.0, "packet_loss", "libx265", 0.2), (1.0, "truncate", "mpeg2video", 0.6)),
        *((2.0, "bit_flip", "libvpx-vp9", 0.6), (2.0, "displaced", "libx264", 0.2)),
    )
)
# Few, since `bench.audio` measures them at length.
ARTIFACT_CASES = (
    *_cases("hum", (3.0, 5.0), _set(snr_db=6), _set(shape="rectifier", mains_hz=60, snr_db=15)),
    *_cases("hiss", (3.0, 5.0), _set(snr_db=12), _set(colour="pink", snr_db=20)),
    *_cases("distortion", (3.0, 5.0), _set(mode="hard", sdr_db=8), _set(mode="codec"), _set(mode="mu_law", sdr_db=12)),
    *_cases(
        "clicks", (3.0, 5.0), _set(peak_db=20), _set(mode="slip", slip_samples=200), _set(mode="vinyl", peak_db=20)
    ),
)
SOUND_CASES = (
    *_cases("silence", (0.5, 0.55, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0), {}, _set(level_dbfs=-75), _set(level_dbfs=-64)),
    *(
        Case("dropout", 4.0, None, _set(length_ms=ms, **({"channels": "FL"} if one else {})))
        for ms, one in (
            *((2, False), (2, True), (3, True), (5, False), (8, True), (10, False), (20, True), (20, False)),
            *((50, False), (50, True), (100, False), (200, True), (200, False), (400, True), (400, False)),
        )
    ),
    *_cases(
        "clipping",
        (1.0, 2.0, 3.0, 5.0, 0.5),
        *(_set(gain_db=gain) for gain in (6, 9, 12, 15, 18, 24)),
        _set(gain_db=12, ceiling_dbfs=-3),
    ),
    *(Case("loudness", None, None, _set(target_lufs=level)) for level in (-9, -16, -21, -22, -22.7, -23.3, -24.5, -31)),
    *_cases(
        "phase",
        (0.6, 1.0, 2.0, 4.0),
        _set(mode="inverted"),
        _set(mode="inverted"),
        _set(mode="dual_mono"),
        _set(mode="dead_channel"),
        _set(mode="dead_channel", level_dbfs=-70),
    ),
)
# A jump is lasting: it wants time before it and after it, so it comes in longer media.
JUMP_CASES = tuple(Case("loudness", 10.0, None, _set(mode="jump", gain_db=g), start_s=12.0) for g in (10, 14, -12, -16))
_TS_264: Encoding = (".ts", {"video_codec": "libx264"})
_TS_265: Encoding = (".ts", {"video_codec": "libx265"})
_TS_MPEG2: Encoding = (".ts", {"video_codec": "mpeg2video", "audio_codec": "libmp3lame"})
_MP4: Encoding = (".mp4", {"video_codec": "libx264"})
_MKV: Encoding = (".mkv", {"video_codec": "libx265"})
STREAM_CASES = (
    *(
        Case("stream_error", 1.5, None, _set(mode="packet_loss", every=every, streams=streams), encoding)
        for every, streams, encoding in (
            *((3, "video", _TS_264), (20, "video", _TS_MPEG2), (60, "video", _TS_265)),
            *((2, "audio", _TS_264), (4, "all", _TS_MPEG2)),
        )
    ),
    *(
        Case("stream_error", 1.5, None, _set(mode="bit_flips", every=every, flips=flips), encoding)
        for every, flips, encoding in ((3, 1, _MP4), (3, 20, _TS_264), (5, 4, _MKV), (2, 100, _MP4), (4, 8, _TS_MPEG2))
    ),
    *(Case("stream_error", 2.0, None, _set(mode="truncation"), encoding) for encoding in (_MP4, _MKV, _TS_264)),
    *(
        Case("stream_error", 1.0, None, _set(mode=mode, jump_s=jump, gop=25), encoding)
        for mode, jump, encoding in (
            *(("pts_jump", 1, _TS_264), ("pts_jump", 10, _TS_MPEG2), ("pts_jump", 3600, _TS_265)),
            *(("pts_backward", 2, _TS_264), ("pts_backward", 60, _TS_MPEG2)),
        )
    ),
    *(Case("stream_error", 1.0, None, _set(mode="missing_start", gop=25), e) for e in (_TS_264, _TS_MPEG2, _TS_265)),
    *(
        Case("av_length", None, None, _set(stream=stream, edge=edge, by_s=by), encoding)
        for stream, edge, by, encoding in (
            *(("audio", "end", 0.3, _MP4), ("audio", "end", 0.6, _MP4), ("audio", "end", 2.5, _TS_264)),
            *(("video", "end", 0.4, _MKV), ("video", "end", 0.7, _MP4), ("video", "end", 2.5, _MKV)),
            *(("audio", "start", 0.3, _MP4), ("audio", "start", 0.6, _TS_264), ("audio", "start", 1.5, _MKV)),
            *(("video", "start", 0.4, _MP4), ("video", "start", 0.7, _MKV), ("video", "start", 1.5, _TS_264)),
        )
    ),
)
NEGATIVE_CASES = (
    *_cases("fade_to_black", (2.0, 3.0, 4.0), {}, _set(hold_s=1.0), _set(hold_s=0.1)),
    *_cases("fade_to_white", (2.0, 3.0, 4.0), {}, _set(hold_s=1.0)),
    *_cases("still_slate", (3.0, 5.0), {}, _set(dissolve_s=0), _set(lines=1)),
    *_cases("still_photo", (2.0, 4.0), {}),
    *_cases("slow_zoom", (3.0, 5.0), {}, _set(zoom=0.004)),
    *_cases("credits", (5.0, 8.0), {}, _set(rest=0.6)),
    *_cases("dark_scene", (3.0, 6.0), {}, _set(bright_level=0.12), _set(bright_level=0.2)),
    *_cases("static_camera", (3.0, 6.0), {}, _set(live=0.03), _set(noise=0, timecode=False)),
    *_cases("mosaic_graphics", (3.0,), {}),
    *_cases("pixel_art", (3.0,), {}),
    *_cases("low_bitrate", (3.0,), {}, _set(codec="mpeg2video")),
    *_cases("heavy_grain", (3.0,), {}),
    *_cases("confetti", (3.0,), {}),
    *_cases("quiet_passage", (3.0, 5.0), {}, _set(peak_dbfs=-57), _set(peak_dbfs=-45, fade_s=0.2)),
    *_cases(
        "staccato", (3.0, 5.0), {}, _set(decay_ms=15), _set(period_s=0.8, decay_ms=60), _set(decay_ms=30, attack_ms=1)
    ),
    *_cases("loud_mastered", (None,), {}, _set(gain_db=15), _set(ceiling_dbfs=-1.5)),
)
SOUND_NEGATIVES = frozenset({"quiet_passage", "staccato", "loud_mastered"})
ARTIFACT_NEGATIVE_CASES = (
    *(
        Case(name, 4.0, None, _set(level_dbfs=-24))
        for name in (
            *("electric_guitar", "synth_bass", "cymbals", "castanets", "glockenspiel", "applause"),
            *("rain", "surf", "footsteps", "ventilation"),
        )
    ),
    Case("telephone_voice", 4.0),
)


def jobs(sources: Sequence[Source], seed: int, defective: Natural, *, quick: bool) -> list[Job]:
    """Every file to make."""
    picture = [s for s in sources if _fits(s) and s.size is not None and s.use == "validate"]
    both = [s for s in picture if s.channels]
    sound = [s for s in sources if _fits(s) and s.channels and s.use == "validate"]
    music = [s for s in sources if s.folder == "audio" and s.duration_s <= LONGEST_S]
    lasting = [s for s in sources if s.channels and JUMP_LEAST_S <= s.duration_s <= JUMP_MOST_S and _is_small(s)]
    chosen: list[Job] = []
    for case in PICTURE_CASES:
        chosen += _apply(case, [picture, picture], VIDEO, seed, len(chosen), defective)
    for case in SOUND_CASES:
        chosen += _apply(case, [sound, music], AUDIO, seed, len(chosen), defective)
    for case in JUMP_CASES:
        chosen += _apply(case, [lasting], AUDIO, seed, len(chosen), defective)
    for case in STREAM_CASES:
        chosen += _apply(case, [both], VIDEO, seed, len(chosen), defective)
    for case in NEGATIVE_CASES:
        if case.injector in SOUND_NEGATIVES:
            chosen += _apply(case, [sound, music], AUDIO, seed, len(chosen), defective)
        else:
            chosen += _apply(case, [picture, picture], VIDEO, seed, len(chosen), defective)
    for case in BLOCK_CASES:
        chosen += _apply(case, [picture], VIDEO, seed, len(chosen), defective)
    for case in (*ARTIFACT_CASES, *ARTIFACT_NEGATIVE_CASES):
        chosen += _apply(case, [sound], AUDIO, seed, len(chosen), defective)
    return chosen[::QUICK_STEP] if quick else chosen


def clean_sources(sources: Iterable[Source], seed: int, *, quick: bool) -> list[Source]:
    """Media to be taken as they are: all but the damaged ones, and of the many alike clips a sample."""
    found = [s for s in sources if s.folder not in ("defects", "grid_s1")]
    grid = [s for s in sources if s.folder == "grid_s1"]
    found += random.Random(seed).sample(grid, min(GRID_CLIPS, len(grid)))  # noqa: S311 - a sample, no secret
    return found[::QUICK_STEP] if quick else found


def _fits(source: Source) -> bool:
    return source.folder in ("pristine", "talking") and source.duration_s <= LONGEST_S and _is_small(source)


def _is_small(source: Source) -> bool:
    return source.size is None or source.size[0] * source.size[1] <= MOST_PIXELS


def _apply(
    case: Case,
    pools: Sequence[Sequence[Source]],
    encodings: Sequence[Encoding],
    seed: int,
    first: int,
    defective: Natural,
) -> Iterator[Job]:
    """The case in one source of each pool, each time in another encoding."""
    turns = cycle(encodings)
    # Two steps on from the last job, so that neighbours differ and lengths meet every encoding.
    for _ in range(first // 2 % len(encodings)):
        next(turns)
    used: set[str] = set()
    for number, pool in enumerate(pools, first):
        rng = random.Random(f"{seed} {number}")  # noqa: S311 - a sample, no secret
        fit = [s for s in pool if _bears(case, s) and not _shown(case, defective.get(s.name, frozenset()))]
        order = [s for s in rng.sample(fit, len(fit)) if s.name not in used]
        if not order:
            continue
        used.add(order[0].name)
        yield Job(case, order[0], case.encoding or next(turns), seed * 100_000 + number, tuple(order[1 : 1 + SPARES]))


def _bears(case: Case, source: Source) -> bool:
    """Whether the source is long enough to show the case, and has the channels that it speaks of."""
    length = case.duration_s or 0.0
    stereo = case.injector == "phase" or case.settings.get("channels") == "FL"
    return source.duration_s >= 1.5 * length + 1.0 and (not stereo or source.channels == 2)


def _shown(case: Case, natural: frozenset[tuple[str, str | None]]) -> bool:
    """Whether the source shows the same without our doing."""
    mode = case.settings.get("mode") if case.injector == "phase" else None
    return (case.injector, None) in natural or (case.injector, mode) in natural
