from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glasswatch.core.errors import GlasswatchError, InputError, OutputError, UsageError
from glasswatch.simulator import injectors, simulate, write_labels
from glasswatch.simulator.settings import Settings
from tests.unit.simulator.clips import decode, make_clip

WINDOW: dict[str, Any] = {"start_s": 1.5, "duration_s": 0.8}


@pytest.mark.parametrize(
    ("suffix", "settings"),
    [
        (".mp4", {}),
        (".mp4", {"video_codec": "libx265", "audio_codec": "libmp3lame"}),
        (".mp4", {"video_codec": "mpeg2video", "audio_codec": "ac3", "bit_rate": "600000"}),
        (".mov", {"audio_codec": "pcm_s16le"}),
        (".mkv", {"audio_codec": "flac"}),
        (".mkv", {"audio_codec": "libopus", "preset": "ultrafast"}),
        (".ts", {}),
        (".ts", {"video_codec": "mpeg2video", "audio_codec": "ac3"}),
        (".ts", {"audio_codec": "libmp3lame"}),
        (".webm", {}),
    ],
    ids=lambda v: v if isinstance(v, str) else "-".join(v.values()) or "defaults",
)
def test_labels_are_exact_in_every_container_and_codec(
    clip: Path, tmp_path: Path, suffix: str, settings: dict[str, str]
) -> None:
    picture, sound = tmp_path / f"p{suffix}", tmp_path / f"s{suffix}"
    (black,) = simulate("black", clip, picture, settings=settings, **WINDOW).defects
    (silence,) = simulate("silence", clip, sound, settings=settings, **WINDOW).defects
    got = decode(picture)
    assert len(got.times) == 100
    assert [n for n, luma in enumerate(got.luma) if luma.mean() < 40] == got.shown(
        black.start_s - 0.001, black.end_s - 0.001
    )
    got = decode(sound)
    level = np.abs(got.sound[0]).max(axis=0)
    # A lossy codec smears a hard edge by part of its window; its middle is the edge.
    rate, first = got.rates[0], float(got.starts[0])
    cell = rate // 200
    loud = level[: len(level) // cell * cell].reshape(-1, cell).max(axis=1) > 0.1
    (fall,) = np.flatnonzero(np.diff(loud[20:-20].astype(int)) == -1)
    (rise,) = np.flatnonzero(np.diff(loud[20:-20].astype(int)) == 1)
    assert first + (fall + 21) * cell / rate == pytest.approx(silence.start_s, abs=0.008)
    assert first + (rise + 21) * cell / rate == pytest.approx(silence.end_s, abs=0.008)


def test_variable_frame_rate_is_kept(tmp_path: Path) -> None:
    times = np.cumsum([0, *np.random.default_rng(3).integers(15, 90, 70)]).tolist()
    source = make_clip(tmp_path / "in.mkv", times_ms=times, layouts=())
    (defect,) = simulate("black", source, tmp_path / "o.mp4", start_s=1, duration_s=1).defects
    got = decode(tmp_path / "o.mp4")
    assert [round(float(t) * 1000) for t in got.times] == times
    changed = [t for t in times if 1000 <= t < 2000]
    assert defect.start_s == changed[0] / 1000
    assert defect.end_s == times[times.index(changed[-1]) + 1] / 1000


@pytest.fixture(scope="module")
def larger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures are smaller than this, x264's lookahead reads memory that nobody has written."""
    return make_clip(tmp_path_factory.mktemp("clips") / "larger.mkv", size=(128, 96))


@pytest.mark.parametrize("name", injectors())
def test_the_same_seed_gives_the_same_file(larger: Path, tone: Path, tmp_path: Path, name: str) -> None:
    source = tone if injectors()[name].needs == {"audio"} else larger
    settings = {"clipping": {"gain_db": "20"}, "stream_error": {"mode": "bit_flips", "every": "2"}}.get(name, {})
    if "voice" in injectors()[name].settings.model_fields:
        settings = {"voice": str(tone)}
    settings = settings | {"preset": "ultrafast", "audio_codec": "aac" if name == "silence" else "flac"}
    one = simulate(name, source, tmp_path / "o.mkv", seed=9, settings=settings)
    first = (tmp_path / "o.mkv").read_bytes()
    two = simulate(name, source, tmp_path / "o.mkv", seed=9, settings=settings)
    assert one == two
    assert first == (tmp_path / "o.mkv").read_bytes()
    assert one.start_s is not None
    assert one.end_s is not None
    assert 0 <= one.start_s < one.end_s <= 4.05
    assert bool(one.defects) is not one.negative
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_chance_follows_the_seed(tone: Path, tmp_path: Path) -> None:
    starts = {simulate("silence", tone, tmp_path / "o.wav", seed=s).defects[0].start_s for s in range(5)}
    assert len(starts) == 5
    given = simulate("silence", tone, tmp_path / "o.wav", seed=1, duration_s=0.6).defects[0]
    assert given.end_s - given.start_s == pytest.approx(0.6, abs=1e-4)


def test_labels_are_written_as_json(tone: Path, tmp_path: Path) -> None:
    labels = simulate("silence", tone, tmp_path / "o.wav", start_s=1, duration_s=1)
    write_labels(labels, tmp_path / "o.json")
    read = json.loads((tmp_path / "o.json").read_text())
    assert read["schema"] == "glasswatch.labels/1"
    assert (read["source"], read["output"], read["injector"]) == ("tone.wav", "o.wav", "silence")
    assert read["defects"] == [
        {
            "defect": "silence",
            "kind": None,
            "start_s": 1.0,
            "end_s": 2.0,
            "track": 0,
            "region": None,
            "strength": {},
        }
    ]
    with pytest.raises(OutputError, match="cannot write labels"):
        write_labels(labels, tmp_path / "absent" / "o.json")


@pytest.mark.parametrize(
    ("name", "target", "options", "error", "text"),
    [
        ("blakc", "o.mp4", {}, UsageError, "nothing is called 'blakc'"),
        ("black", "o.mp4", {"settings": {"levl": "0"}}, UsageError, "no setting is called 'levl'; there are"),
        ("black", "o.mp4", {"settings": {"level": "0.5"}}, UsageError, "level: "),
        ("black", "o.mp4", {"settings": {"level": "dark"}}, UsageError, "level: "),
        ("black", "o.mp4", {"settings": {"crf": "20", "bit_rate": "1000000"}}, UsageError, "exclude each other"),
        ("black", "o.mp4", {"start_s": 4.5}, UsageError, "outside the input"),
        ("black", "o.mp4", {"start_s": float("nan")}, UsageError, "number of seconds"),
        ("black", "o.mp4", {"duration_s": -1.0}, UsageError, "more than 0"),
        ("black", "o.mp4", {"start_s": 1.001, "duration_s": 0.01}, UsageError, "nothing was changed"),
        ("black", "o.xyz", {}, UsageError, "suffix must be one of"),
        ("black", "o.wav", {}, UsageError, "holds sound only"),
        ("silence", "o.webm", {"settings": {"audio_codec": "aac"}}, UsageError, "does not carry aac"),
        ("silence", "absent/o.mp4", {}, OutputError, "is not a folder"),
        ("dropout", "o.mp4", {"settings": {"channels": "LFE"}}, UsageError, "no channel is called LFE"),
        ("loudness", "o.mp4", {"settings": {"mode": "jump", "target_lufs": "-20"}}, UsageError, "target_lufs"),
        ("av_length", "o.mp4", {"settings": {"by_s": "9"}}, UsageError, "by_s"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    clip: Path, tmp_path: Path, name: str, target: str, options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        simulate(name, clip, tmp_path / target, **options)
    assert isinstance(caught.value, GlasswatchError)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_inputs_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        simulate("black", tmp_path / "absent.mp4", tmp_path / "o.mp4")
    (tmp_path / "text.mp4").write_text("not a film " * 100)
    with pytest.raises(InputError, match="cannot read"):
        simulate("black", tmp_path / "text.mp4", tmp_path / "o.mp4")


def test_inputs_must_be_clean(clip: Path, tmp_path: Path) -> None:
    settings = {"mode": "pts_backward", "gop": "25"}
    simulate("stream_error", clip, tmp_path / "in.ts", start_s=1, duration_s=1, settings=settings)
    with pytest.raises(InputError, match="timestamps go backward"):
        simulate("black", tmp_path / "in.ts", tmp_path / "o.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["in.ts"]


def test_the_input_is_never_overwritten(clip: Path) -> None:
    with pytest.raises(UsageError, match="overwrite"):
        simulate("black", clip, clip)


def test_every_setting_is_described() -> None:
    for injector in injectors().values():
        assert injector.description
        for name, field in injector.settings.model_fields.items():
            assert field.description, f"{injector.name}.{name}"


def test_the_manual_names_every_injector_and_setting() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text("utf-8")
    rows = [line for line in manual.splitlines() if line.startswith("| `")]
    for injector in injectors().values():
        row = next(r for r in rows if f"`{injector.name}`" in r.split("|")[1])
        for name in set(injector.settings.model_fields) - set(Settings.model_fields):
            assert f"`{name}`" in row, f"{injector.name}.{name}"
    for name in Settings.model_fields:
        assert f"`{name}`" in manual
