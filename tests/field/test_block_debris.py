"""Blocks that somebody wanted and blocks of lost data: what is reported of both as block corruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.core.detection import Severity
from glasswatch.simulator import simulate
from glasswatch.simulator.drawing import placed, text_mask
from tests.field.making import BASE, X264, events, ffmpeg, inspect

DEFECT = "block_corruption"
BUNNY, CITY = ("-t", "5"), ("-ss", "6", "-t", "5")
SIZE = (640, 360)

HARMLESS = {
    "blurred panels": "split[a][b];[a]crop=202:360[c];[b]gblur=12,scale=640:360[d];[d][c]overlay=219:0",
    "panels of the same": "split[a][b];[b]crop=202:360,scale=640:-2,crop=640:360,boxblur=20:3[d];"
    "[a]crop=202:360[c];[d][c]overlay=219:0",
    "pixel art": "scale=80:45:flags=area,scale=640:360:flags=neighbor",
    "a face that is pixelated": "split[a][b];[b]crop=160:160:240:80,pixelize=w=16:h=16[c];[a][c]overlay=240:80",
    "a number plate that is pixelated": "split[a][b];[b]crop=96:32:304:240,pixelize=w=8:h=8[c];[a][c]overlay=304:240",
    "smoothed skin": "bilateral=sigmaS=8:sigmaR=0.15",
    "enlarged and sharpened": "scale=320:180,scale=640:360,unsharp=7:7:2",
}
"""Filters of FFmpeg on 640x360."""


def outlined_credits(path: Path) -> Path:
    """White letters with a black edge of two pixels, one raw picture of R, G, B, A."""
    letters = placed(text_mask(["DIRECTED BY", "ANNA BERG", " ", "EDITED BY", "CARL DAHL"], 4), SIZE, 180, 60) > 0
    edge = np.zeros_like(letters)
    for dy in (-2, 0, 2):
        for dx in (-2, 0, 2):
            edge |= np.roll(letters, (dy, dx), (0, 1))
    rgba = np.zeros((*letters.shape, 4), np.uint8)
    rgba[letters, :3] = 255
    rgba[letters | edge, 3] = 255
    path.write_bytes(rgba.tobytes())
    return path


@pytest.mark.parametrize("number", range(len(HARMLESS)), ids=HARMLESS.keys())
def test_blocks_that_somebody_wanted(tmp_path: Path, number: int) -> None:
    """Of the two scenes each has one."""
    title, change, scene = tmp_path / "title.mp4", list(HARMLESS.values())[number], (BUNNY, CITY)[number % 2]
    ffmpeg(*scene, "-i", BASE, "-an", "-filter_complex", change, *X264, title)
    assert events(inspect(title, DEFECT), DEFECT, Severity.WARNING) == []


@pytest.mark.parametrize("transition", ["pixelize", "hlslice"])
def test_a_transition_in_blocks_or_slices(tmp_path: Path, transition: str) -> None:
    title = tmp_path / "title.mp4"
    mix = f"[0:v]settb=1/25[a];[1:v]settb=1/25[b];[a][b]xfade=transition={transition}:duration=1.5:offset=2"
    ffmpeg("-t", "4", "-i", BASE, "-ss", "6", "-t", "4", "-i", BASE, "-an", "-filter_complex", mix, *X264, title)
    assert events(inspect(title, DEFECT), DEFECT, Severity.WARNING) == []


@pytest.mark.parametrize("speed", [0, 40], ids=["card", "roll"])
def test_credits_with_an_outline(tmp_path: Path, speed: int) -> None:
    title, letters = tmp_path / "title.mp4", outlined_credits(tmp_path / "letters.rgba")
    raw = ("-f", "rawvideo", "-pix_fmt", "rgba", "-s", "640x360", "-i", letters)
    ffmpeg(*CITY, "-i", BASE, *raw, "-an", "-filter_complex", f"overlay=0:'60-{speed}*t'", *X264, title)
    assert events(inspect(title, DEFECT), DEFECT, Severity.WARNING) == []


@pytest.mark.parametrize(
    ("codec", "mode", "strength", "seed"),
    [
        pytest.param("libx264", "truncate", 0.6, 23, id="H.264"),
        pytest.param("mpeg2video", "packet_loss", 0.6, 24, id="MPEG-2, packets"),
        pytest.param("mpeg2video", "bit_flip", 0.3, 25, id="MPEG-2, bits"),
        pytest.param("libx265", "packet_loss", 0.6, 27, id="HEVC, packets"),
        pytest.param("libx265", "bit_flip", 0.3, 28, id="HEVC, bits"),
    ],
)
def test_data_that_was_lost(tmp_path: Path, codec: str, mode: str, strength: float, seed: int) -> None:
    """Damage to coded pictures, as decoders conceal it, in an intact file."""
    clean, title = tmp_path / "clean.mp4", tmp_path / "title.mp4"
    ffmpeg("-t", "6", "-i", BASE, "-an", "-c", "copy", clean)
    settings = {"codec": codec, "mode": mode, "strength": str(strength), "every": "4", "gop": "50"}
    labels = simulate(DEFECT, clean, title, start_s=2, duration_s=2, seed=seed, settings=settings)
    found = events(inspect(title, DEFECT), DEFECT, Severity.WARNING)
    assert found
    for event in found:
        assert any(event.start_s < d.end_s and event.end_s > d.start_s for d in labels.defects)
