from __future__ import annotations

from pathlib import Path

import pytest
from bench.block.plan import CODECS, CODED, MODES, SAME_SUBJECT, STRENGTHS, clean_sources, half_of, jobs
from bench.sources import Source

from glasswatch.simulator import injectors
from glasswatch.simulator.settings import parse


def sources(count: int = 37) -> list[Source]:
    held = [Source(f"talking/{n}.mp4", Path("x"), "validate", 5.0, (640, 360), 2) for n in range(count)]
    other = [Source(f"pristine/{n}.mp4", Path("x"), "train", 5.0, (640, 360), 2) for n in range(8)]
    real = [Source(f"defects/{n}.mp4", Path("x"), "validate", 5.0, (640, 360), 2) for n in range(3)]
    sound = [Source("audio/a.ogg", Path("x"), "validate", 5.0, None, 2)]
    return [
        *held,
        *other,
        *real,
        *sound,
        *(Source(f"grid_s1/{n}", Path("x"), "train", 3.0, (224, 224), 1) for n in range(50)),
    ]


def test_only_held_out_pictures_are_damaged() -> None:
    assert {job.source.use for job in jobs(sources(), 1, quick=False)} == {"validate"}
    assert {job.source.folder for job in jobs(sources(), 1, quick=False)} == {"talking"}


def test_every_mode_meets_every_codec_and_strength_with_settings_that_exist() -> None:
    planned = jobs(sources(), 1, quick=False)
    for job in planned:
        parse(injectors()[job.case.injector].settings, job.label, job.case.settings)
    damage = {(j.case.mode, j.case.codec, j.case.strength) for j in planned if j.case.mode}
    assert {d for d in damage if d[1]} == {(m, c, s) for m in CODED for c in CODECS for s in STRENGTHS}
    assert {(m, s) for m, _, s in damage} == {(m, s) for m in MODES for s in STRENGTHS}


def test_every_hard_negative_of_block_corruption_occurs() -> None:
    expected = {name for name, each in injectors().items() if "block_corruption" in each.resembles}
    assert expected <= {job.case.injector for job in jobs(sources(), 1, quick=False)}


def test_labels_and_seeds_are_unique_and_follow_from_the_seed() -> None:
    planned = jobs(sources(), 1, quick=False)
    assert len({j.label for j in planned}) == len({j.seed for j in planned}) == len(planned)
    assert planned == jobs(sources(), 1, quick=False)
    assert planned != jobs(sources(), 2, quick=False)


def test_quick_keeps_damage_and_negatives_of_all_strengths() -> None:
    planned = jobs(sources(), 1, quick=True)
    assert len(planned) == -(-37 * 5 // 6)
    assert {j.case.strength for j in planned} == {*STRENGTHS, None}


@pytest.mark.parametrize("quick", [True, False])
def test_clean_media_have_pictures_and_are_not_damaged(quick: bool) -> None:
    found = clean_sources(sources(), 1, quick=quick)
    assert {s.folder for s in found} == {"talking", "pristine", "grid_s1"}
    assert len(found) == (9 + 20 if quick else 45 + 50)


def test_one_subject_is_in_one_half() -> None:
    for name, subject in SAME_SUBJECT.items():
        assert half_of(name) == half_of(next(n for n, s in SAME_SUBJECT.items() if s == subject))
    assert {half_of(f"pristine/{n}.mp4") for n in range(20)} == {"A", "B"}
