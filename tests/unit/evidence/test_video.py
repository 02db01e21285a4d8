from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.errors import OutputError
from glasswatch.core.time import Instant
from glasswatch.evidence.record import Recorder
from glasswatch.evidence.video import draw
from tests.unit.evidence.titles import frames_of, sound_of, write_flashes, write_talk

STARTS_MS = 5000


def flashes_and_clicks(path: Path) -> tuple[list[float], list[float]]:
    """When the picture becomes white and when a tone begins, in seconds."""
    white = [(time, frame[100:300, 200:600].mean() > 200) for time, frame in frames_of(path)]
    flashes = [float(t) for (t, now), (_, before) in zip(white[1:], white, strict=False) if now and not before]
    start, samples, rate = sound_of(path)
    loud = np.flatnonzero(np.abs(samples) > 0.4)
    onsets = loud[np.insert(np.diff(loud) > rate // 20, 0, True)]
    return flashes, [float(start) + n / rate for n in onsets]


@pytest.mark.parametrize("sound_later_ms", [350, -350])
def test_picture_and_sound_are_where_they_are_in_the_title(tmp_path: Path, sound_later_ms: int) -> None:
    """Variable frame rate, a clock that does not begin at 0, sound that begins later or earlier than the picture."""
    rng = np.random.default_rng(3)
    times = (STARTS_MS + np.cumsum(rng.choice([34, 40, 67, 150], 90))).tolist()
    numbers = [20, 41, 70]
    shown = [times[n] for n in numbers]
    title = write_flashes(tmp_path / "title.mkv", times, numbers, shown, STARTS_MS + sound_later_ms)
    drawn = draw(str(title), Recorder(), tmp_path)
    assert drawn.paths == (tmp_path / "av_sync.mp4",)
    assert not drawn.interrupted
    first = min(times[0], STARTS_MS + sound_later_ms)
    expected = [(time - first) / 1000 for time in shown]
    flashes, clicks = flashes_and_clicks(drawn.paths[0])
    # MP4 keeps the clock of the pictures, AAC smears a tone over a millisecond or two.
    assert flashes == pytest.approx(expected, abs=1e-6)
    assert clicks == pytest.approx(expected, abs=0.003)
    assert [t for t, _ in frames_of(drawn.paths[0])] == [Fraction(t - first, 1000) for t in times]


def test_it_ends_where_it_is_told_to(tmp_path: Path) -> None:
    title = write_talk(tmp_path / "title.mkv", 6)
    drawn = draw(str(title), Recorder(), tmp_path, until=Instant(0, Fraction(2)))
    assert drawn.position_s == pytest.approx(2)
    assert len(frames_of(drawn.paths[0])) == 50
    _, samples, rate = sound_of(drawn.paths[0])
    assert len(samples) / rate == pytest.approx(2, abs=0.5)


def test_who_does_not_want_to_wait_has_what_was_drawn(tmp_path: Path) -> None:
    title = write_talk(tmp_path / "title.mkv", 6)

    def give_up(position_s: float, wall_s: float) -> None:
        if position_s >= 3:
            raise KeyboardInterrupt

    drawn = draw(str(title), Recorder(), tmp_path, on_progress=give_up)
    assert drawn.interrupted
    assert 3 <= drawn.position_s < 4
    assert float(frames_of(drawn.paths[0])[-1][0]) == pytest.approx(drawn.position_s - 0.04)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["av_sync.mp4", "title.mkv"]


def test_each_track_of_sound_has_its_video(tmp_path: Path) -> None:
    title = write_talk(tmp_path / "title.mkv", 2, early_s=(0.0, 0.4))
    drawn = draw(str(title), Recorder(), tmp_path)
    assert [path.name for path in drawn.paths] == ["av_sync-audio-0.mp4", "av_sync-audio-1.mp4"]
    (start, first, rate), (other_start, second, _) = (sound_of(path) for path in drawn.paths)
    assert start == other_start == 0
    early = round(0.4 * rate)
    levels = [np.convolve(s**2, np.ones(800), "same")[::200] for s in (first[early:], second[: len(first) - early])]
    assert np.corrcoef(*levels)[0, 1] > 0.8


def test_a_folder_that_has_gone_is_told(tmp_path: Path) -> None:
    title = write_talk(tmp_path / "title.mkv", 1)
    with pytest.raises(OutputError, match="cannot write"):
        draw(str(title), Recorder(), tmp_path / "gone")
