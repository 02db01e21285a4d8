"""A freeze of interlaced video: its frames hold two moments, so that shifting one explains much of the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import events, ffmpeg, inspect, lavfi

FIELDS = "tinterlace=interleave_top,fieldorder=tff"
MPEG2 = ("-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-b:v", "4M")


@pytest.mark.parametrize("size", ["320x180", "320x192", "720x576"])
def test_interlaced_video_freezes(tmp_path: Path, size: str) -> None:
    stands = f"{FIELDS},loop=loop=50:size=1:start=75,setpts=N/25/TB"
    ffmpeg(
        *lavfi(f"testsrc2=s={size}:r=50:d=10"), "-vf", stands, "-r", "25", "-t", "8", *MPEG2, "i.mpg", folder=tmp_path
    )
    (event,) = events(inspect(tmp_path / "i.mpg", "freeze"), "freeze")
    assert event.severity is Severity.ERROR
    assert (event.start_s, event.end_s) == pytest.approx((3, 5), abs=0.08)
