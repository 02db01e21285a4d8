"""Damage that only the codec's checksums show (MediaConch#234, xiph/flac#209, Tdarr#206)."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from glasswatch.report.model import ReportEvent
from tests.field.making import BASE, damaged, events, ffmpeg, inspect, lavfi

SOUND = {
    "x.flac": ("-c:a", "flac"),
    "x.mka": ("-c:a", "flac"),
    "x.ac3": ("-c:a", "ac3", "-b:a", "192k"),
    "x.eac3": ("-c:a", "eac3"),
    "x.tta": ("-c:a", "tta"),
    "x.wv": ("-c:a", "wavpack"),
    "x.mp2": ("-c:a", "mp2"),
    "x.mp3": ("-c:a", "libmp3lame"),
}
PICTURES = {
    "ffv1.mkv": ("-c:v", "ffv1", "-level", "3", "-slices", "4", "-slicecrc", "1"),
    "ffv1.avi": ("-c:v", "ffv1", "-level", "3", "-slices", "4", "-slicecrc", "1", "-g", "10"),
    "x.mov": ("-c:v", "png"),
    "x.apng": ("-c:v", "apng"),
}


def make(folder: Path, name: str) -> Path:
    """Six seconds of sound, or two of small pictures."""
    path = folder / name
    if name in SOUND:
        ffmpeg("-i", BASE, "-t", "6", "-vn", *SOUND[name], path)
    else:
        ffmpeg("-i", BASE, "-t", "2", "-an", "-vf", "scale=320:180", *PICTURES[name], path)
    return path


def checksum_events(path: Path, least: Severity = Severity.WARNING) -> list[ReportEvent]:
    found = events(inspect(path, "stream_error"), "stream_error", least)
    return [event for event in found if event.kind == "checksum"]


def assert_places(found: list[ReportEvent], places: list[float], within_s: float) -> None:
    """One event for each place, which begins at most `within_s` before it."""
    assert len(found) == len(places), found
    for event, place in zip(found, places, strict=True):
        assert event.start_s - 0.05 <= place <= event.start_s + within_s
        assert event.severity is Severity.WARNING


@pytest.mark.parametrize("name", [*SOUND, *PICTURES])
def test_what_is_undamaged_has_no_event(tmp_path: Path, name: str) -> None:
    report = inspect(make(tmp_path, name), "stream_error")
    assert events(report, "stream_error", Severity.WARNING) == []


@pytest.mark.parametrize("name", ["ffv1.mkv", "ffv1.avi", "x.mov", "x.apng"])
def test_damaged_pictures_are_placed(tmp_path: Path, name: str) -> None:
    path = damaged(tmp_path / f"damaged_{name}", make(tmp_path, name), (0.4, 0.6), length=16)
    # At constant quality the file's shares are those of its time, but for the first and the last few pictures.
    assert_places(checksum_events(path), [0.78, 1.18], within_s=0.1)


def test_both_places_of_an_ffv1_file_are_reported(tmp_path: Path) -> None:
    path = damaged(tmp_path / "damaged.mkv", make(tmp_path, "ffv1.mkv"), (0.4, 0.6), length=16)
    first, second = checksum_events(path)
    assert (first.start_s, second.start_s) == pytest.approx((0.76, 1.16), abs=0.041)
    assert first.reason == "video:0: 1 of 4 slices do not fit their CRC-32"


@pytest.mark.parametrize(("name", "frame_s"), [("x.flac", 0.1), ("x.mka", 0.1), ("x.wv", 0.5)])
def test_each_damaged_frame_of_lossless_sound_is_reported(tmp_path: Path, name: str, frame_s: float) -> None:
    path = damaged(tmp_path / f"damaged_{name}", make(tmp_path, name), (0.3, 0.5, 0.7), mask=0x04)
    assert_places(checksum_events(path), [1.8, 3.02, 4.2], within_s=frame_s + 0.1)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("form", ["u8p", "s16p", "s32p", "fltp"])
def test_blocks_of_any_channels_and_depth_are_checked(tmp_path: Path, channels: int, form: str) -> None:
    noise = lavfi("anoisesrc=r=48000:d=6:a=0.5:seed=3")
    ffmpeg(*noise, "-ac", str(channels), "-c:a", "wavpack", "-sample_fmt", form, tmp_path / "x.wv")
    assert checksum_events(tmp_path / "x.wv") == []
    path = damaged(tmp_path / "damaged.wv", tmp_path / "x.wv", (0.31, 0.66), mask=0x04)
    assert_places(checksum_events(path), [1.86, 3.96], within_s=0.6)


def test_neighbouring_damaged_frames_are_one_stretch(tmp_path: Path) -> None:
    path = damaged(tmp_path / "damaged.tta", make(tmp_path, "x.tta"), (0.3, 0.4, 0.9), mask=0x04)
    first, second = checksum_events(path)
    # TTA has frames of 1.04 s: the second and the third, and the sixth.
    assert (first.start_s, first.end_s) == pytest.approx((1.045, 3.134), abs=0.01)
    assert second.start_s == pytest.approx(5.224, abs=0.01)


@pytest.mark.parametrize("name", ["x.ac3", "x.eac3"])
def test_both_places_of_dolby_digital_are_reported(tmp_path: Path, name: str) -> None:
    path = damaged(tmp_path / f"damaged_{name}", make(tmp_path, name), (0.5, 0.7), length=4)
    assert_places(checksum_events(path), [3.0, 4.2], within_s=0.05)


@pytest.mark.parametrize("name", ["x.flac", "x.mka", "x.wv", "x.ac3"])
def test_damage_in_the_first_and_the_last_frame_is_reported(tmp_path: Path, name: str) -> None:
    path = damaged(tmp_path / f"damaged_{name}", make(tmp_path, name), (0.013, 0.995), mask=0x10)
    first, last = checksum_events(path)
    assert first.start_s < 0.1
    assert last.end_s > 5.9


def test_protected_mpeg_audio_is_checked(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "data" / "mpeg_audio" / "layer2_stereo_crc.mp2"
    data = bytearray(source.read_bytes())
    frame = 192  # bytes at 64 kbit/s and 48 kHz
    for number in (10, 30):
        data[number * frame + 8] ^= 0x10
    (tmp_path / "damaged.mp2").write_bytes(data)
    assert_places(checksum_events(tmp_path / "damaged.mp2"), [10 * 0.024, 30 * 0.024], within_s=0.03)
    assert checksum_events(source, Severity.INFO) == []


def test_checksums_that_the_encoder_left_empty_are_information(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "data" / "mpeg_audio" / "layer2_stereo_crc.mp2"
    data = bytearray(source.read_bytes())
    for start in range(0, len(data), 192):
        data[start + 4 : start + 6] = b"\0\0"
    (tmp_path / "empty.mp2").write_bytes(data)
    [event] = checksum_events(tmp_path / "empty.mp2", Severity.INFO)
    assert event.severity is Severity.INFO
    assert event.reason is not None
    assert "did not compute them" in event.reason


def test_a_burst_of_damage_is_an_error(tmp_path: Path) -> None:
    shares = [0.5 + n / 200 for n in range(10)]
    path = damaged(tmp_path / "damaged.ac3", make(tmp_path, "x.ac3"), shares)
    found = checksum_events(path)
    assert max(event.severity for event in found) is Severity.ERROR


def test_damaged_sound_is_judged_all_the_same(tmp_path: Path) -> None:
    path = damaged(tmp_path / "damaged.wv", make(tmp_path, "x.wv"), (0.5,), length=4)
    report = inspect(path, "stream_error", "silence")
    # Nothing is missing: the block whose checksum fails has been decoded.
    assert [event.kind for event in events(report, "stream_error")] == ["checksum"]


@pytest.mark.parametrize("name", ["x.ogg", "x.opus", "x.oga"])
def test_pages_of_ogg_are_checked(tmp_path: Path, name: str) -> None:
    codec = {"x.ogg": "libvorbis", "x.opus": "libopus", "x.oga": "flac"}[name]
    ffmpeg("-i", BASE, "-t", "8", "-vn", "-c:a", codec, "-page_duration", "500000", tmp_path / name)
    assert events(inspect(tmp_path / name, "stream_error"), "stream_error", Severity.WARNING) == []
    path = damaged(tmp_path / f"damaged_{name}", tmp_path / name, (0.3, 0.7), mask=0x04)
    # A frame that goes on in a lost page may be reported too, as damage to its track.
    pages = [event for event in checksum_events(path) if event.reason == "container: a page does not fit its CRC-32"]
    # Within a page of half a second, before which FFmpeg may have read one more.
    assert_places(pages, [2.4, 5.6], within_s=1.2)


def test_a_lost_capture_pattern_is_reported(tmp_path: Path) -> None:
    ffmpeg("-i", BASE, "-t", "8", "-vn", "-c:a", "libvorbis", tmp_path / "x.ogg")
    data = bytearray((tmp_path / "x.ogg").read_bytes())
    pages = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    data[pages[4]] ^= 0x20
    (tmp_path / "y.ogg").write_bytes(b"a tag of another kind" + data + b"TAG" + bytes(125))
    [event] = checksum_events(tmp_path / "y.ogg")
    assert event.reason is not None
    assert "between two pages are no page" in event.reason
