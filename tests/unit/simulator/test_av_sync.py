from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from glasswatch.core.errors import InputError, UsageError
from glasswatch.simulator import Labels, simulate
from glasswatch.simulator.effect import Scene
from glasswatch.simulator.effects.av_sync import AvSync, SyncSettings
from glasswatch.simulator.media import Sound
from glasswatch.simulator.source import survey
from tests.unit.simulator.clips import RATE, SECONDS, Decoded, decode, make_clip
from tests.unit.simulator.windows import Wave, clean

LOSSLESS = {"audio_codec": "pcm_s16le", "preset": "ultrafast"}
FADE = RATE // 100


def made(
    source: Path, folder: Path, *, seed: int = 0, start_s: float | None = None, **given: str
) -> tuple[Labels, Decoded]:
    labels = simulate("av_sync", source, folder / "o.mkv", start_s=start_s, seed=seed, settings=LOSSLESS | given)
    return labels, decode(folder / "o.mkv")


def tone(t: Wave) -> Wave:
    """The first channel of the clips, at times in seconds."""
    return 0.3 * (0.7 * np.sin(2 * np.pi * 440 * t) + 0.3 * np.sin(2 * np.pi * 1234 * t))


def test_early_sound_is_heard_before_its_picture(clip: Path, tmp_path: Path) -> None:
    labels, got = made(clip, tmp_path, offset_ms="120")
    before, out = clean(clip), got.sound[0]
    assert out.shape == before.shape
    assert np.array_equal(out[:, :-5760], before[:, 5760:])
    assert not out[:, -5760:].any()
    (defect,) = labels.defects
    assert (defect.defect, defect.kind, defect.track) == ("av_sync", "offset", 0)
    assert (defect.start_s, defect.end_s) == (0, SECONDS)
    assert defect.strength == {"audio_early_ms": 120}
    assert got.times == decode(clip).times


def test_late_sound_is_heard_after_its_picture(clip: Path, tmp_path: Path) -> None:
    labels, got = made(clip, tmp_path, offset_ms="-80.01")
    before, out = clean(clip), got.sound[0]
    assert np.array_equal(out[:, 3840:], before[:, :-3840])
    assert not out[:, :3840].any()
    # What was done, not what was asked for: the nearest sample.
    assert labels.defects[0].strength == {"audio_early_ms": -80}


@pytest.mark.parametrize("offset_ms", [40, -40])
def test_only_the_window_is_moved_and_nothing_clicks(clip: Path, tmp_path: Path, offset_ms: int) -> None:
    labels = simulate(
        "av_sync", clip, tmp_path / "o.mkv", start_s=1, duration_s=2, settings={**LOSSLESS, "offset_ms": str(offset_ms)}
    )
    before, out = clean(clip), decode(tmp_path / "o.mkv").sound[0]
    early = offset_ms * RATE // 1000
    first, last = RATE, 3 * RATE
    assert (labels.defects[0].start_s, labels.defects[0].end_s) == (1, 3)
    assert np.array_equal(out[:, :first], before[:, :first])
    assert np.array_equal(out[:, last:], before[:, last:])
    inside = slice(first + FADE, last - FADE)
    assert np.array_equal(out[:, inside], before[:, first + FADE + early : last - FADE + early])
    assert np.abs(np.diff(out, 2)).max() < 1.2 * np.abs(np.diff(before, 2)).max()


@pytest.mark.parametrize("offset_ms", [150, -150])
def test_drift_grows_evenly(clip: Path, tmp_path: Path, offset_ms: int) -> None:
    labels, got = made(clip, tmp_path, mode="drift", offset_ms=str(offset_ms))
    t = np.arange(SECONDS * RATE) / RATE
    heard = tone(t + offset_ms / 1000 * t / SECONDS)
    # Where the source has sound, and the interpolation does not see its ends.
    inside = slice(FADE, SECONDS * RATE - max(offset_ms, 0) * RATE // 1000 - FADE)
    assert np.abs(got.sound[0][0] - heard)[inside].max() < 1e-3
    (defect,) = labels.defects
    assert defect.kind == "drift"
    assert defect.strength == {"audio_early_ms": offset_ms, "drift_ms_per_s": offset_ms / SECONDS}


def test_fast_sound_does_not_fold_over(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    source = make_clip(tmp_path / "in.mkv")
    media = survey(source)
    scene = Scene(source, media, Fraction(0), Fraction(SECONDS), rng)
    effect = AvSync(SyncSettings(mode="drift", offset_ms=190), scene)
    t = np.arange(SECONDS * RATE)
    high = np.sin(2 * np.pi * 23_500 / RATE * t, dtype=np.float64).astype(np.float32)[None].repeat(2, 0)
    effect.ahead[0]._blocks = iter([Sound(0, 0, high, media.audio[0])])
    out = effect.sound(Sound(0, 0, np.zeros_like(high), media.audio[0]))
    assert out is not None
    # 23.5 kHz played 4.75 % faster would lie above half the sample rate, and come back at 23.4 kHz.
    assert np.square(out.samples[0, RATE : 2 * RATE]).mean() < 0.25 * np.square(high[0]).mean()


def test_a_step_comes_in_the_middle_and_stays(clip: Path, tmp_path: Path) -> None:
    starts = set()
    for seed in range(3):
        labels, got = made(clip, tmp_path, mode="step", offset_ms="-100", seed=seed)
        (defect,) = labels.defects
        assert SECONDS / 4 <= defect.start_s <= SECONDS * 3 / 4
        assert (defect.kind, defect.end_s) == ("step", SECONDS)
        at = round(defect.start_s * RATE)
        before, out = clean(clip), got.sound[0]
        assert np.array_equal(out[:, :at], before[:, :at])
        assert np.array_equal(out[:, at + FADE :], before[:, at + FADE - 4800 : -4800])
        starts.add(at)
    assert len(starts) == 3
    labels, _ = made(clip, tmp_path, mode="step", start_s=0.5)
    assert labels.defects[0].start_s == 0.5


@pytest.mark.parametrize(("mode", "offset_ms"), [("offset", 130), ("offset", -130), ("drift", 45), ("drift", -45)])
def test_the_sound_does_not_depend_on_how_it_is_portioned(clip: Path, mode: str, offset_ms: int) -> None:
    media, samples = survey(clip), clean(clip)
    made = []
    for length in (RATE, 1000, 77):
        scene = Scene(clip, media, Fraction(1), Fraction(2), np.random.default_rng(0))
        effect = AvSync(SyncSettings.model_validate({"mode": mode, "offset_ms": offset_ms}), scene)
        blocks = [
            effect.sound(Sound(0, at, samples[:, at : at + length], media.audio[0]))
            for at in range(0, 3 * RATE, length)
        ]
        made.append(np.concatenate([block.samples for block in blocks if block is not None], axis=1)[:, : 3 * RATE])
    assert np.allclose(made[0], made[1], atol=1e-6)
    assert np.allclose(made[0], made[2], atol=1e-6)
    assert not np.array_equal(made[0][:, RATE : 2 * RATE], samples[:, RATE : 2 * RATE])


def test_one_track_alone(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", layouts=("stereo", "mono"))
    labels, got = made(source, tmp_path, track="1", offset_ms="500")
    assert [defect.track for defect in labels.defects] == [1]
    assert np.array_equal(got.sound[0], clean(source))
    assert not np.array_equal(got.sound[1], decode(source).sound[1])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"offset_ms": "0"}, "less than a sample"),
        ({"mode": "drift", "offset_ms": "201"}, "another pitch"),
        ({"offset_ms": "6000"}, "offset_ms"),
    ],
)
def test_what_cannot_be_done_is_refused(clip: Path, tmp_path: Path, settings: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        made(clip, tmp_path, **settings)


def test_there_is_no_sync_without_a_picture(chord: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs video"):
        made(chord, tmp_path)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of another chord at another rate: the clip's, played slower."""
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    t = np.arange(16_000) / 16_000
    samples = (0.2 * np.sin(2 * np.pi * 300 * t) * np.hanning(16_000)).astype(np.float32)[None]
    with av.open(str(path), "w") as out:
        track = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate = 16_000
        for packet in [*track.encode(frame), *track.encode(None)]:
            out.mux(packet)
    return path


def at_hz(wave: Wave, hz: float) -> float:
    """Amplitude of a sine in it."""
    t = np.arange(len(wave)) / RATE
    return float(2 * np.abs((wave * np.exp(-2j * np.pi * hz * t)).mean()))


def test_a_dub_replaces_the_programme(clip: Path, voice: Path, tmp_path: Path) -> None:
    labels = simulate("dubbed", clip, tmp_path / "o.mkv", settings=LOSSLESS | {"voice": str(voice)})
    assert (labels.negative, labels.defects, labels.resembles) == (True, (), ("av_sync",))
    left, right = decode(tmp_path / "o.mkv").sound[0]
    # Without the fades.
    assert np.array_equal(left[FADE * 5 : -FADE * 5], right[FADE * 5 : -FADE * 5])
    assert at_hz(left[RATE : 3 * RATE], 440) < 1e-3
    assert at_hz(left[RATE : 3 * RATE], 300) > 0.02
    # It speaks for a second, and says the same again.
    assert np.allclose(left[RATE : 2 * RATE], left[2 * RATE : 3 * RATE], atol=2e-3)


def test_a_voice_over_leaves_the_programme_below(clip: Path, voice: Path, tmp_path: Path) -> None:
    simulate("voice_over", clip, tmp_path / "o.mkv", settings=LOSSLESS | {"voice": str(voice), "programme_db": "-12"})
    left = decode(tmp_path / "o.mkv").sound[0][0, RATE : 3 * RATE]
    assert at_hz(left, 440) == pytest.approx(0.21 * 10 ** (-12 / 20), rel=0.02)
    assert at_hz(left, 300) > 0.02


def test_a_voice_is_needed(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="dubbed: voice: Field required"):
        simulate("dubbed", clip, tmp_path / "o.mkv")
    mute = make_clip(tmp_path / "mute.mkv", layouts=())
    with pytest.raises(UsageError, match="no sound"):
        simulate("dubbed", clip, tmp_path / "o.mkv", settings={"voice": str(mute)})
