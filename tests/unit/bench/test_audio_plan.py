from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from bench.audio.plan import (
    DEFECTS,
    ENCODINGS,
    FILES,
    MODES,
    NEGATIVES,
    STRENGTHS,
    clean_sources,
    is_held_out,
    jobs,
)
from bench.sources import Source
from training.audio_artifacts.defects import STRENGTHS as MEASURES

from glasswatch.simulator import injectors
from glasswatch.simulator.encode import CONTAINERS
from glasswatch.simulator.settings import parse

HELD = 34


def source(name: str, use: str = "train", duration_s: float = 10.0, channels: int = 2) -> Source:
    return Source(name, Path("x"), use, duration_s, None, channels, 16_000 if name.endswith("1.mp4") else 48_000)


def sources() -> list[Source]:
    return [
        *(source(f"talking/{n}.mp4", "validate") for n in range(HELD)),
        source("audio/singularity_Nebula.ogg"),
        source("audio/visqol_guitar48.flac"),
        source("talking/short.mpg", "validate", duration_s=3.0),
        source("pristine/silent.mp4", "validate"),
        source("pristine/mute.mp4", "validate", channels=0),
        source("audio/singularity_Awakening.ogg"),
        source("defects/a.wav", "validate"),
        *(source(f"grid_s1/{n}") for n in range(50)),
    ]


def test_held_out_is_what_the_manifest_keeps_for_validation() -> None:
    held = {s.name for s in sources() if is_held_out(s)}
    assert {"talking/short.mpg", "talking/0.mp4"} <= held
    # The training does not learn from this one, but watches itself by it.
    assert "audio/singularity_Nebula.ogg" not in held
    assert not held & {"audio/singularity_Awakening.ogg", "defects/a.wav", "grid_s1/0", "pristine/mute.mp4"}


def test_only_held_out_sound_is_changed_and_each_as_often() -> None:
    planned = jobs(sources(), 1, {"pristine/silent.mp4"}, quick=False)
    assert all(is_held_out(job.source) for job in planned)
    counts = {name: sum(j.source.name == name for j in planned) for name in {j.source.name for j in planned}}
    assert len(counts) == HELD
    assert set(counts.values()) == {sum(FILES.values())}


def test_every_mode_comes_at_every_strength_with_settings_that_exist() -> None:
    planned = jobs(sources(), 1, (), quick=False)
    for job in planned:
        parse(injectors()[job.case.injector].settings, job.label, job.case.settings)
    made = {(j.case.injector, j.case.mode, j.case.strength) for j in planned if j.case.mode}
    assert made == {(d, *pair) for d in DEFECTS for pair in product(MODES[d], STRENGTHS)}
    for defect in DEFECTS:
        assert {j.encoding for j in planned if j.case.injector == defect} == set(ENCODINGS)


def test_strengths_are_those_that_are_learned_from() -> None:
    for job in jobs(sources(), 1, (), quick=False):
        if job.case.mode:
            measure = MEASURES.get(job.case.settings.get("mode", ""), MEASURES[job.case.injector])
            low, high = measure.bounds
            value = float(job.case.settings[measure.setting])
            if measure.setting == "rate_hz":
                value /= job.source.rate
            assert low < value < high


def test_a_wrong_rate_is_a_part_of_the_sources_own() -> None:
    planned = [j for j in jobs(sources(), 1, (), quick=False) if j.case.mode == "alias" and j.case.strength == "medium"]
    found = {(j.source.rate, int(j.case.settings["rate_hz"])) for j in planned}
    assert found <= {(48_000, 8_640), (16_000, 2_880)}
    assert {j.case.level for j in planned} == {"0.18 of the rate"}


def test_encodings_exist() -> None:
    assert all(codec in CONTAINERS[suffix][2] for suffix, codec in ENCODINGS.values())


def test_every_hard_negative_of_sound_occurs() -> None:
    known = {name for name, each in injectors().items() if each.negative and each.needs == {"audio"}}
    planned = jobs(sources(), 1, (), quick=False)
    of_lip_sync = {"dubbed", "voice_over"}
    assert set(NEGATIVES) == known - of_lip_sync == {j.case.injector for j in planned if not j.case.mode}


def test_labels_and_seeds_are_unique_and_follow_from_the_seed() -> None:
    planned = jobs(sources(), 1, (), quick=False)
    assert len({j.label for j in planned}) == len({j.seed for j in planned}) == len(planned)
    assert planned == jobs(sources(), 1, (), quick=False)
    assert planned != jobs(sources(), 2, (), quick=False)


def test_quick_keeps_all_defects_and_negatives() -> None:
    whole, quick = (jobs(sources(), 1, (), quick=q) for q in (False, True))
    assert {j.label for j in quick} < {j.label for j in whole}
    assert len(quick) < len(whole) / 8
    assert {j.case.injector for j in quick if j.case.mode} == set(DEFECTS)
    assert {j.case.strength for j in quick} == {*STRENGTHS, ""}


@pytest.mark.parametrize("quick", [True, False])
def test_clean_media_have_sound_and_are_not_damaged(quick: bool) -> None:
    found = clean_sources(sources(), 1, quick=quick)
    assert {s.folder for s in found} >= {"talking", "grid_s1"}
    assert all(s.channels and s.folder != "defects" for s in found)
    assert len(found) == (8 + 20 if quick else HELD + 5 + 50)
