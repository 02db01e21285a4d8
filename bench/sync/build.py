"""Making the files; a work folder keeps them."""

from __future__ import annotations

from pathlib import Path

from bench import clips
from bench.provenance import digest
from bench.sync.cases import DETECTOR, DUBBED_S, FRAME_MS, Case, Group
from bench.sync.recodings import BETWEEN, ENCODERS, THREADS, recode
from glasswatch.simulator import simulate

MADE_BY = (
    *("encode.py", "pipeline.py", "source.py", "media.py", "sound.py", "soundcoding.py", "synthesis.py"),
    *("effects/av_sync.py", "effects/played.py", "effects/voice_negatives.py"),
)
"""Of the simulator: what an older one has made is made anew."""

DUBBED = (*ENCODERS["H.264 CRF 23"], *THREADS, "-c:a", "aac", "-b:a", "128k")


def made(case: Case, work: Path) -> Path:
    """The file of a case; what was made before is taken from `work`.

    Raises:
        GlasswatchError: It cannot be made.
    """
    if not case.shift and case.voice is None and not case.voices and case.recoding is None:
        return case.source.path
    work.mkdir(parents=True, exist_ok=True)
    coding = () if case.recoding is None else case.recoding.arguments
    if case.voices:
        coding = (*(voice.name for voice in case.voices), str(DUBBED_S), *DUBBED)
    parts = (case.label, case.group.value, case.source.path.stat().st_size, coding, BETWEEN)
    suffix = case.recoding.suffix if case.recoding else ".mp4"
    target = work / f"sync-{digest([repr(parts), clips.simulator_code(*MADE_BY)])}{suffix}"
    if target.exists():
        return target
    if case.voices:
        clips.cut(_dubbed(case), target, case.label)
        return target
    changed = case.source.path
    try:
        if case.shift or case.voice is not None:
            changed = work / f"{target.stem}.changed.mp4"
            _simulate(case, changed)
        if case.recoding is not None:
            recode(changed, target, case.recoding)
        else:
            changed.replace(target)
    finally:
        if changed != case.source.path:
            changed.unlink(missing_ok=True)
    return target


def _dubbed(case: Case) -> tuple[str, ...]:
    """FFmpeg's arguments for the picture over and over, and the voices one after the other."""
    heard = [argument for voice in case.voices for argument in ("-i", str(voice.path))]
    each = [f"[{n + 1}:a:0]aresample=48000,aformat=channel_layouts=mono[v{n}]" for n in range(len(case.voices))]
    joined = "".join(f"[v{n}]" for n in range(len(case.voices)))
    graph = ";".join([*each, f"{joined}concat=n={len(case.voices)}:v=0:a=1[voices]"])
    return (
        *("-stream_loop", "-1", "-i", str(case.source.path), *heard, "-filter_complex", graph),
        *("-map", "0:v:0", "-map", "[voices]", "-t", f"{DUBBED_S:g}", "-pix_fmt", "yuv420p", *DUBBED),
    )


def _simulate(case: Case, target: Path) -> None:
    encoding = BETWEEN if case.recoding is not None else {}
    if case.voice is not None:
        injector = "dubbed" if case.group is Group.VOICE else "voice_over"
        simulate(injector, case.source.path, target, settings={"voice": str(case.voice.path), **encoding})
        return
    settings = {"mode": case.mode, "offset_ms": str(FRAME_MS * case.shift), **encoding}
    simulate(DETECTOR, case.source.path, target, start_s=step_s(case), settings=settings)


def step_s(case: Case) -> float | None:
    """Where the sound of a case steps, in seconds, None where it does not."""
    return round(case.source.duration_s / 2, 2) if case.mode == "step" else None
