from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.core.errors import UsageError
from glasswatch.simulator import Labels, simulate
from glasswatch.simulator.bitstream import damaged, round_trip, slices
from glasswatch.simulator.blocks import damaged_blocks
from glasswatch.simulator.labels import DamagedPicture
from glasswatch.simulator.media import Picture
from glasswatch.simulator.source import read, survey
from tests.unit.simulator.clips import decode

SIZE, COUNT, FPS, GOP = (256, 144), 26, 25, 20
CODED = ("drop", "truncate", "bit_flip", "packet_loss")
DRAWN = ("displaced", "uniform", "smeared")
Luma = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A noisy texture that moves three pixels a frame below a falling square: vectors and residues to lose."""
    path = tmp_path_factory.mktemp("scene") / "scene.mkv"
    rng = np.random.default_rng(3)
    width, height = SIZE
    texture = sum(np.kron(rng.normal(0, 24, (height // s, 480 // s)), np.ones((s, s))) for s in (4, 8, 24)) + np.full(
        (height, 480), 120.0
    )
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS, options={"crf": "12", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for n in range(COUNT):
            grey = np.full((height * 3 // 2, width), 128, np.uint8)
            moved = texture[:, 3 * n : 3 * n + width] + rng.normal(0, 4, (height, width))
            moved[40 + 2 * n :][:40, 200 - 5 * n :][:, :50] = 200
            grey[:height] = np.clip(moved, 16, 235)
            frame = av.VideoFrame.from_ndarray(grey, "yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def corrupt(scene: Path, target: Path, mode: str, seed: int = 1, **settings: Any) -> Labels:
    words = {"mode": mode, "gop": str(GOP), "crf": "4", "preset": "ultrafast"}
    words |= {k: str(v) for k, v in settings.items()}
    return simulate("block_corruption", scene, target, start_s=0.4, duration_s=0.2, seed=seed, settings=words)


def undamaged(scene: Path, codec: str) -> list[Luma]:
    """What the coded pictures are without damage."""
    media = survey(scene)
    assert media.video is not None
    pictures = (p for p in read(scene, media) if isinstance(p, Picture))
    return [d.clean[0].astype(np.float64) for d in round_trip(pictures, media.video, codec, gop=GOP)]  # type: ignore[arg-type]


def differences(clean: Luma, seen: Luma) -> Luma:
    """Mean absolute difference of each 16x16 block; the scene is whole blocks."""
    rows, columns = clean.shape[0] // 16, clean.shape[1] // 16
    return np.abs(clean - seen).reshape(rows, 16, columns, 16).mean(axis=(1, 3))


def check_labels(labels: Labels, clean: list[Luma], seen: list[Luma]) -> None:
    """Every labelled block differs, no other does; the re-encode at crf 4 adds less than a code."""
    maps = {round(p.time_s * FPS): p.map() for p in labels.pictures}
    for n, (ours, theirs) in enumerate(zip(clean, seen, strict=True)):
        if n and np.abs(theirs - seen[n - 1]).mean() < 1:
            assert (n in maps) is (n - 1 in maps), "a repeat is as damaged as the picture that it repeats"
            continue
        values = differences(ours, theirs)
        labelled = maps.get(n, np.zeros(values.shape, np.bool_))
        # A grey scene: luma alone may hide damage to the colour, never the other way round.
        assert (labelled | (values < 5)).all(), n
        assert (values[labelled] > 3).mean() > 0.9 if labelled.any() else True, n


@pytest.mark.parametrize(
    ("codec", "mode"),
    [
        *(("libx264", m) for m in CODED),
        *(("mpeg2video", m) for m in CODED),
        ("libx265", "drop"),
        ("libx265", "bit_flip"),
        ("libvpx-vp9", "drop"),
        ("libvpx-vp9", "bit_flip"),
    ],
)
def test_coded_damage_is_what_differs_from_the_clean_decode(scene: Path, tmp_path: Path, codec: str, mode: str) -> None:
    labels = corrupt(scene, tmp_path / "o.mkv", mode, codec=codec)
    seen = decode(tmp_path / "o.mkv").luma
    assert len(seen) == COUNT
    check_labels(labels, undamaged(scene, codec), seen)
    # The next key frame after the window ends it.
    assert 0.4 <= labels.defects[0].start_s < labels.defects[-1].end_s <= GOP / FPS


@pytest.mark.parametrize("mode", DRAWN)
def test_drawn_damage_is_what_differs_from_the_source(scene: Path, tmp_path: Path, mode: str) -> None:
    labels = corrupt(scene, tmp_path / "o.mkv", mode)
    check_labels(labels, decode(scene).luma, decode(tmp_path / "o.mkv").luma)
    (defect,) = labels.defects
    assert defect.start_s == 0.4
    assert 0.6 < defect.end_s <= GOP / FPS
    assert defect.region is not None
    areas = [p.area for p in labels.pictures]
    assert defect.strength["area_peak"] == max(areas)
    assert defect.strength["pictures"] == len(areas)


@pytest.mark.parametrize(
    ("mode", "codec"), [("truncate", "libx264"), ("drop", "mpeg2video"), *((m, "libx264") for m in DRAWN)]
)
def test_strength_orders_the_area(scene: Path, tmp_path: Path, mode: str, codec: str) -> None:
    def area(strength: float) -> float:
        labels = corrupt(scene, tmp_path / "o.mkv", mode, codec=codec, strength=strength)
        return labels.pictures[0].area

    small, middle, large = area(0.02), area(0.3), area(1)
    assert 0 < small < middle < large
    if mode in DRAWN:
        assert large > 0.9


def test_one_drawn_block_is_one_block(scene: Path, tmp_path: Path) -> None:
    labels = corrupt(scene, tmp_path / "o.mkv", "displaced", strength=1e-6, block_px=16)
    assert labels.pictures[0].map().sum() == 1
    x, y, width, height = labels.pictures[0].region
    assert (x % 16, y % 16, width, height) == (0, 0, 16, 16)


@pytest.mark.parametrize(
    "settings", [{"mode": "bit_flip"}, {"mode": "displaced"}, {"mode": "drop", "codec": "libx265"}]
)
def test_chance_follows_the_seed(scene: Path, tmp_path: Path, settings: dict[str, str]) -> None:
    one, again, other = (corrupt(scene, tmp_path / "o.mkv", seed=s, **settings) for s in (4, 4, 5))
    assert one == again
    assert one.pictures != other.pictures


@pytest.mark.parametrize("mode", CODED)
def test_the_damaged_stream_shows_what_its_labels_say(scene: Path, tmp_path: Path, mode: str) -> None:
    words = {"gop": str(GOP), "crf": "4", "preset": "ultrafast"}
    simulate("black", scene, tmp_path / "clean.ts", start_s=0.92, duration_s=0.1, settings=words)
    labels = corrupt(scene, tmp_path / "o.ts", mode, output="stream", strength=0.5)
    clean, got = decode(tmp_path / "clean.ts"), decode(tmp_path / "o.ts")
    pictures = dict(zip(clean.times, clean.luma, strict=True))
    labelled = {round(p.time_s * FPS) for p in labels.pictures}
    differs = {
        round(t * FPS)
        for t, luma in zip(got.times, got.luma, strict=True)
        if t < 0.9 and (differences(pictures[t], luma) > 4).any()
    }
    assert labelled
    assert differs <= labelled
    assert min(labelled) >= 10


def test_a_stream_needs_a_transport_stream_and_coded_damage(scene: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.ts"):
        corrupt(scene, tmp_path / "o.mp4", "drop", output="stream")
    with pytest.raises(UsageError, match="draws"):
        corrupt(scene, tmp_path / "o.ts", "uniform", output="stream")
    assert not list(tmp_path.iterdir())


def test_edge_blocks_are_as_large_as_the_picture_leaves_them(scene: Path) -> None:
    info = survey(scene).video
    assert info is not None
    clean = [np.full(s, 100, np.uint8) for s in ((50, 37), (25, 19), (25, 19))]
    shown = [p.copy() for p in clean]
    shown[0][48:, 32:] = 105
    shown[2][:8, 8:16] = 105
    expected = np.zeros((4, 3), np.bool_)
    expected[3, 2] = expected[0, 1] = True
    assert np.array_equal(damaged_blocks(clean, shown, info), expected)
    shown[0][48:, 32:] = 104
    assert not damaged_blocks(clean, shown, info)[3, 2]


def test_what_counts_as_damage_is_a_setting(scene: Path, tmp_path: Path) -> None:
    every, plain = (corrupt(scene, tmp_path / "o.mkv", "truncate", strength=1, least_code8=c) for c in (4, 20))
    maps = {p.time_s: p.map() for p in every.pictures}
    assert all((maps[p.time_s] | ~p.map()).all() for p in plain.pictures)
    assert sum(p.area for p in plain.pictures) < sum(p.area for p in every.pictures)


def test_a_map_survives_its_label() -> None:
    blocks = np.random.default_rng(2).random((7, 11)) < 0.2
    label = DamagedPicture.of(1.0, blocks, (170, 110))
    assert np.array_equal(DamagedPicture.model_validate_json(label.model_dump_json()).map(), blocks)
    assert label.area == pytest.approx(blocks.mean(), abs=1e-6)


def test_what_is_lost_of_a_coded_picture() -> None:
    rng = np.random.default_rng(1)
    units = [b"\0\0\1" + bytes([0x65 if n else 0x67]) + bytes([n + 2]) * 300 for n in range(5)]
    data = b"".join(units)
    assert slices(data, "h264") == [(304 * n, 304 * (n + 1)) for n in range(1, 5)]
    assert damaged(data, "h264", "truncate", 0.5, rng) == data[: 304 + 16 + 600]
    dropped = damaged(data, "h264", "drop", 1.0, rng)
    assert dropped == units[0] + units[1]
    flipped = damaged(data, "h264", "bit_flip", 0.2, rng)
    assert len(flipped) == len(data)
    assert flipped[: 304 + 16] == data[: 304 + 16]
    assert flipped != data
    lost = damaged(data, "h264", "packet_loss", 0.1, rng)
    assert (len(data) - len(lost)) % 184 in (0, len(data) % 184)
    assert damaged(data, "vp9", "drop", 0.1, rng) == b""
