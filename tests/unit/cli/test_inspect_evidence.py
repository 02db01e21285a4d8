"""`glasswatch inspect --evidence`, with models that are painted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from glasswatch.cli import evidence
from glasswatch.cli.inspect import inspect
from glasswatch.cli.output import ProgressBar
from glasswatch.core.detection import Verdict
from glasswatch.core.errors import OutputError, UsageError
from glasswatch.decoder.source import open_source
from glasswatch.evidence.painter import LINES
from glasswatch.evidence.style import VERDICTS, colour_of
from glasswatch.runtime.inspect import Progress
from tests.talking_models import TalkingModels
from tests.unit.evidence.titles import frames_of, sound_of, write_talk

PROFILE = "detectors: {av_sync: {params: {trust: 1.0, doubt: 33.0, bias_ms: 0.0, confidence: 0.95}}}"


@pytest.fixture(autouse=True)
def painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasswatch.runtime.inspect.local_inference", lambda _: TalkingModels())


@pytest.fixture
def title(tmp_path: Path) -> Path:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    return write_talk(tmp_path / "title.mkv", 10, early_s=(0.4,))


def run(title: Path, folder: Path, *more: str, detectors: str = "av_sync") -> Result:
    options = ["--detectors", detectors, "--profile", str(title.parent / "profile.yaml"), "--threads", "1", *more]
    command = [str(title), "--evidence", str(folder), *options]
    return CliRunner().invoke(inspect, command, standalone_mode=False)


def assert_error(result: Result, kind: type[Exception], *parts: str) -> None:
    assert isinstance(result.exception, kind), result.output
    for part in parts:
        assert part in str(result.exception)


def has(frame: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Whether so much of a part of a picture has a colour, nearly: it has been encoded."""
    return bool((np.abs(frame.astype(int) - colour).max(axis=-1) < 40).mean() > 0.3)


def test_the_video_shows_the_verdict_of_each_fragment(title: Path) -> None:
    folder = title.parent / "evidence"
    result = run(title, folder)
    assert result.exception is None
    assert result.return_value == 1
    assert f"Evidence: {(folder / 'av_sync.mp4').resolve()}" in result.stdout
    frames = frames_of(folder / "av_sync.mp4")
    assert [float(time) for time, _ in frames] == pytest.approx(np.arange(250) / 25)
    for seconds in (1, 6):
        badge = frames[25 * seconds][1][LINES + 7 : LINES + 22, 13:16]
        assert has(badge, VERDICTS[Verdict.DEFECT])
        # The border of the enlarged mouth, in the colour of the first face.
        assert has(frames[25 * seconds][1][40:100, -2:], colour_of(0))
    _, samples, rate = sound_of(folder / "av_sync.mp4")
    assert len(samples) / rate == pytest.approx(10, abs=0.1)
    assert [path.name for path in folder.iterdir()] == ["av_sync.mp4"]


def test_a_detector_that_draws_must_be_chosen(title: Path) -> None:
    assert_error(run(title, title.parent / "e", detectors="black"), UsageError, "add --detectors av_sync")
    assert not (title.parent / "e").exists()


def test_a_folder_that_cannot_be_written_is_told_before_the_work(title: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasswatch.cli.inspect.Inspection.run", lambda _: pytest.fail("it was inspected"))
    assert_error(run(title, title), UsageError, "is a file")
    assert_error(run(title, title / "e"), OutputError, "cannot write")
    assert_error(run(title, title.parent / "no" / "e"), OutputError, "cannot write", "No such file")
    (title.parent / "av_sync.mp4").symlink_to(title)
    assert_error(run(title, title.parent), UsageError, "would overwrite the input")


def test_what_can_be_read_once_only_is_refused(title: Path) -> None:
    source = open_source(str(title))
    source.path = None
    with pytest.raises(UsageError, match="name a file"):
        evidence.prepared(title.parent / "e", source, ["av_sync"])
    source.close()


def test_an_interrupted_inspection_shows_what_was_judged(title: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(bar: ProgressBar, progress: Progress) -> None:
        if progress.position_s > 7 and not asked:
            asked.append(progress.position_s)
            raise KeyboardInterrupt

    asked: list[float] = []
    monkeypatch.setattr(ProgressBar, "update", give_up)
    result = run(title, title.parent / "e")
    assert "interrupted after 7" in result.stderr
    assert "the evidence ends with what was judged, at 6." in result.stderr
    assert 6.5 < float(frames_of(title.parent / "e" / "av_sync.mp4")[-1][0]) < 7


def test_where_there_is_no_sound_nothing_is_drawn(title: Path) -> None:
    write_talk(title, 2, early_s=())
    result = run(title, title.parent / "e")
    assert result.return_value == 0
    assert "nothing is drawn" in result.stderr
    assert list((title.parent / "e").iterdir()) == []


def test_drawing_can_be_interrupted(title: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(bar: ProgressBar, progress: Progress) -> None:
        reached.append(progress.position_s)
        if max(reached) > 9 and progress.position_s < 5 and progress.position_s >= 3:
            raise KeyboardInterrupt

    reached: list[float] = []
    monkeypatch.setattr(ProgressBar, "update", give_up)
    result = run(title, title.parent / "e", "--fail-on", "error")
    assert result.return_value == 1
    assert "interrupted; the evidence ends at 3" in result.stderr
    assert len(frames_of(title.parent / "e" / "av_sync.mp4")) < 100
