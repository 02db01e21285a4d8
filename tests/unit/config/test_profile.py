from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from glasswatch.config.profile import enabled_by_default, load_profile
from glasswatch.core.detection import Severity
from glasswatch.core.errors import ConfigError, UsageError
from glasswatch.detectors.registry import registered

DEFAULTS = Path(__file__).parents[3] / "services/glasswatch/config/defaults"


def profile_file(folder: Path, content: object) -> Path:
    path = folder / "profile.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_code_and_defaults_name_the_same_detectors() -> None:
    assert {path.stem for path in DEFAULTS.glob("*.yaml")} == set(registered())


def test_the_readme_names_every_defect() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))
    assert listed == {defect for cls in registered().values() for defect in cls.spec.defects}


@pytest.mark.parametrize("name", list(registered()))
def test_defaults_give_a_rule_for_every_defect_of_a_detector(name: str) -> None:
    profile = load_profile(only=[name])
    assert set(profile.rules) == set(registered()[name].spec.defects)


def test_a_profile_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = profile_file(
        tmp_path, {"detectors": {"black": {"events": {"black": {"severity": {"error": 7}, "clear_after_s": 3}}}}}
    )
    changed, default = load_profile(path), load_profile()
    assert changed.rules["black"].severity_after(6) is None
    assert changed.rules["black"].severity_after(7) is Severity.ERROR
    assert changed.rules["black"].clear_after_s == 3
    assert changed.params == default.params
    assert {k: v for k, v in changed.rules.items() if k != "black"} == {
        k: v for k, v in default.rules.items() if k != "black"
    }


def test_a_profile_changes_one_of_the_parameters_that_belong_together(tmp_path: Path) -> None:
    path = profile_file(tmp_path, {"detectors": {"audio_artifacts": {"params": {"hum": {"level_dbfs": -45}}}}})
    changed, default = (load_profile(p).params["audio_artifacts"].model_dump() for p in (path, None))
    assert changed.pop("hum") == {**default.pop("hum"), "level_dbfs": -45}
    assert changed == default


def test_a_detector_that_is_off_by_default_can_be_asked_for(tmp_path: Path) -> None:
    assert "av_sync" not in load_profile().params
    assert set(enabled_by_default()) == set(registered()) - {"av_sync"}
    assert "av_sync" in load_profile(only=["av_sync"]).params
    on = profile_file(tmp_path, {"detectors": {"av_sync": {"enabled": True}}})
    assert "av_sync" in load_profile(on).params
    changed = profile_file(tmp_path, {"detectors": {"av_sync": {"params": {"confidence": 0.9}}}})
    assert "av_sync" not in load_profile(changed).params


def test_a_profile_can_switch_a_detector_off(tmp_path: Path) -> None:
    path = profile_file(tmp_path, {"detectors": {"black": {"enabled": False}}})
    assert "black" not in load_profile(path).params
    assert "black" in load_profile(path, only=["black"]).params


TOO_MANY = [{"threshold": 0.5, "votes": 4, "window": 3}]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param({"detektors": {}}, "detektors", id="misspelt key"),
        pytest.param({"detectors": {"blak": {}}}, "blak", id="misspelt detector"),
        pytest.param({"detectors": {"black": {"params": {"no_such": 1}}}}, "no_such", id="misspelt parameter"),
        pytest.param(
            {"detectors": {"audio_artifacts": {"params": {"hum": {"agreements": TOO_MANY}}}}},
            "4 votes of 3",
            id="more votes than seconds",
        ),
        pytest.param(
            {"detectors": {"audio_artifacts": {"params": {"hum": {"leval": 4}}}}}, "hum.leval", id="misspelt in a group"
        ),
        pytest.param({"detectors": {"black": {"events": {"freeze": {}}}}}, "freeze", id="another's defect"),
        pytest.param({"detectors": {"black": {"events": {"black": {"severity": {}}}}}}, "severity", id="empty ladder"),
        pytest.param(
            {"detectors": {"black": {"events": {"black": {"severity": {"fatal": 1}}}}}}, "fatal", id="unknown severity"
        ),
        pytest.param(
            {"detectors": {"black": {"events": {"black": {"severity": {"info": 2, "error": 1}}}}}},
            "higher severity",
            id="ladder upside down",
        ),
        pytest.param({"masks": [{"start_s": 5, "end_s": 1}]}, "mask", id="mask upside down"),
        pytest.param(
            {"masks": [{"start_s": 1, "end_s": 2, "defects": ["blck"]}]}, "blck.*black", id="mask of no defect"
        ),
        pytest.param(
            {"incidents": [{"name": "lost", "needs": [["black"], ["silense"]], "within_s": 1}]},
            "incidents.0.*silense.*silence",
            id="incident of no defect",
        ),
        pytest.param(
            {
                "incidents": [
                    {"name": "x", "causes": ["dropout"], "consequences": ["klicks"], "before_s": 0, "after_s": 0}
                ]
            },
            "klicks.*clicks",
            id="consequence that is no defect",
        ),
        pytest.param("masks: []\nmasks: []", "line 2: the key 'masks' stands twice", id="key twice"),
        pytest.param(
            "detectors:\n  black: {}\n  silence: {}\n  black: {}",
            "line 4: the key 'black' stands twice",
            id="block twice",
        ),
        pytest.param("loudness: {}", "loudness: a detector stands under the key detectors", id="not under detectors"),
        pytest.param("? [a]\n: 1", "YAML|unhashable", id="a list as key"),
        pytest.param("a: &a [*a]", "no such key", id="a list in itself"),
        pytest.param({"masks": 7}, "masks", id="masks that are no list"),
        pytest.param({"detectors": ["black"]}, "detectors", id="detectors that are no mapping"),
        pytest.param({"detectors": {"silence": {"params": {"no_such": 1}}}}, "no_such", id="of a detector that is off"),
        pytest.param("{", "YAML", id="no YAML"),
        pytest.param("- a\n- b", "profile", id="a list"),
    ],
)
def test_a_wrong_profile_is_one_clear_line(tmp_path: Path, content: object, complaint: str) -> None:
    path = profile_file(tmp_path, content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_profile(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_errors_of_a_profile_are_reported_at_once_with_where_they_stand(tmp_path: Path) -> None:
    wrong = {
        "detektors": {},
        "detectors": {
            "blak": {},
            "black": {"params": {"dark_share": 7}, "events": {"freeze": {}, "black": {"severity": {"fatal": 1}}}},
            "silence": {"enabled": "perhaps"},
        },
        "masks": [{"start_s": 5, "end_s": 1}, {"start_s": 5, "end_s": 9, "defects": ["blck", "silence"]}],
        "incidents": [{"name": "x", "needs": [["black"], ["silens"]], "within_s": 1}],
    }
    with pytest.raises(ConfigError) as caught:
        load_profile(profile_file(tmp_path, wrong), only=["loudness"])
    said = str(caught.value)
    assert "9 errors" in said
    for where in (
        "detektors:", "detectors: no detector", "detectors.black.params.dark_share:", "detectors.black.events:",
        "detectors.black.events.black.severity:", "detectors.silence.enabled:", "masks.0:", "masks.1.defects:",
        "incidents.0:",
    ):  # fmt: skip
        assert where in said


def test_incidents_of_a_profile_replace_the_defaults(tmp_path: Path) -> None:
    rule = {"name": "x", "causes": ["clipping/full_scale"], "consequences": ["clicks"], "before_s": 0, "after_s": 1}
    (read,) = load_profile(profile_file(tmp_path, {"incidents": [rule]})).incidents
    assert read.defects == {"clipping/full_scale", "clicks"}
    assert load_profile(profile_file(tmp_path, {"incidents": []})).incidents == ()


def test_default_incidents_name_defects_that_there_are() -> None:
    known = {defect for cls in registered().values() for defect in cls.spec.defects}
    assert {name.partition("/")[0] for rule in load_profile().incidents for name in rule.defects} <= known


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_profile(tmp_path / "none.yaml")


def test_a_huge_profile_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most"):
        load_profile(profile_file(tmp_path, "#" * (1 << 20) + "\n"))


@pytest.mark.parametrize("only", [["nothing"], [], ["black", "blak"]])
def test_naming_a_detector_that_does_not_exist(only: list[str]) -> None:
    with pytest.raises(UsageError):
        load_profile(only=only)
