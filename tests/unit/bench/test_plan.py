from __future__ import annotations

from pathlib import Path

from bench.accuracy.model import DEFECTS
from bench.accuracy.plan import clean_sources, jobs
from bench.accuracy.reviewed import entries
from bench.sources import Source, read_sources

from glasswatch.simulator import injectors
from glasswatch.simulator.settings import parse

HELD_OUT = ("black", "freeze", "stream_error", "block_corruption", "hum", "hiss", "distortion", "clicks", "rain")


def sources() -> list[Source]:
    made = [
        Source(f"{folder}/{use}{n}.mp4", Path("x"), use, 12.0, (640, 360) if folder != "audio" else None, 2)
        for folder, use in (("pristine", "validate"), ("pristine", "train"), ("audio", "train"))
        for n in range(8)
    ]
    made += [Source(f"talking/long{n}.mp4", Path("x"), "validate", 60.0, (256, 256), 2) for n in range(2)]
    return [*made, *(Source(f"grid_s1/{n}.mp4", Path("x"), "train", 3.0, (224, 224), 1) for n in range(120))]


def test_every_injector_of_the_defects_and_every_hard_negative_occurs_with_settings_that_exist() -> None:
    planned = jobs(sources(), 1, {}, quick=False)
    expected = {name for name, each in injectors().items() if {name, *each.resembles} & set(DEFECTS)}
    assert {job.case.injector for job in planned} == expected
    for job in planned:
        parse(injectors()[job.case.injector].settings, job.label, {**job.encoding[1], **job.case.settings})


def test_the_plan_follows_from_the_seed() -> None:
    first, again, other = (
        [(j.label, j.source.name, j.seed) for j in jobs(sources(), s, {}, quick=False)] for s in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_pictures_and_what_models_find_come_from_held_out_sources_only() -> None:
    planned = jobs(sources(), 1, {}, quick=False)
    assert {job.source.use for job in planned if job.case.injector in HELD_OUT} == {"validate"}


def test_jumps_of_loudness_come_in_long_media() -> None:
    jumps = [job for job in jobs(sources(), 1, {}, quick=False) if job.case.settings.get("mode") == "jump"]
    assert len(jumps) == 4
    assert all(job.source.duration_s >= 30 for job in jumps)


def test_a_source_with_a_natural_defect_does_not_show_it_anew() -> None:
    bad = "pristine/validate3.mp4"
    planned = jobs(sources(), 1, {bad: frozenset({("black", None), ("phase", "dual_mono")})}, quick=False)
    used = {job.case.injector for job in planned if bad in (job.source.name, *(s.name for s in job.spares))}
    assert "black" not in used
    assert {"freeze", "phase"} <= used
    copies = [job for job in planned if job.case.settings.get("mode") == "dual_mono"]
    assert copies
    assert all(bad not in (job.source.name, *(s.name for s in job.spares)) for job in copies)


def test_quick_keeps_a_part_and_the_grid_is_sampled() -> None:
    assert len(jobs(sources(), 1, {}, quick=True)) < len(jobs(sources(), 1, {}, quick=False)) / 3
    assert sum(s.folder == "grid_s1" for s in clean_sources(sources(), 1, quick=False)) == 100


def test_the_reviewed_table_is_well_formed() -> None:
    assert {entry.defect for entry in entries()} <= set(DEFECTS)
    assert all(entry.reason for entry in entries())


def test_the_manifest_is_read(tmp_path: Path) -> None:
    lines = [
        "file\tuse\tlicence\tduration_s\tresolution\tfps\taudio\tshows\tsource",
        'pristine/a.mp4\tvalidate\tMIT\t18.16\t320x240\t19.62\taac 44100Hz 1ch\ta "quoted\tx',
        "talking/a.vtt\ttrain\tCC0\t\t-\t-\t-\tcaptions\tx",
        "audio/b.ogg\ttrain\tCC0\t61.46\t720x720\t0\tvorbis 44100Hz 2ch\tmusic with cover art\tx",
        "grid/*.mp4 (2 clips)\ttrain\tCC BY\t3.0 each\t224x224\t25\taac 16000Hz mono\tspeech\tx",
    ]
    (tmp_path / "manifest.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    for name in ("pristine/a.mp4", "talking/a.vtt", "audio/b.ogg", "grid/1.mp4", "grid/2.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = {s.name: s for s in read_sources(tmp_path)}
    assert list(found) == ["pristine/a.mp4", "audio/b.ogg", "grid/1.mp4", "grid/2.mp4"]
    assert (found["pristine/a.mp4"].size, found["pristine/a.mp4"].channels) == ((320, 240), 1)
    assert (found["audio/b.ogg"].size, found["audio/b.ogg"].channels) == (None, 2)
    assert (found["grid/1.mp4"].duration_s, found["grid/1.mp4"].channels) == (3.0, 1)
