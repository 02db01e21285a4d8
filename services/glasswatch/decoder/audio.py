"""Decoded sound to chunks of float PCM, gapless inside."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av import AudioFrame, AudioLayout
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from glasswatch.core.media import AudioChunk, FactKind
from glasswatch.core.needs import AudioNeed, Need
from glasswatch.core.time import Instant
from glasswatch.decoder.channel_order import UNSTATED
from glasswatch.decoder.clock import StreamClock
from glasswatch.decoder.tally import Tally

CHUNK_S = Fraction(1, 2)
LEAST_SAMPLES = 1024
MOST_CHUNK_BYTES = 16 << 20
"""A chunk holds 0.5 s within these bounds: absurd sample rates and channel counts cost no more than usual ones."""

JITTER_S = 0.015
"""Containers round timestamps (Matroska to 1 ms); less than one frame of the common codecs is no gap."""

DRIFT_S = 0.04
"""How far counted samples and timestamps may drift apart before time is taken from the timestamps again."""

LOUDEST = np.float32(1000.0)
"""Samples are limited to +60 dBFS: beyond lies no sound, only damage, and squares of it would overflow."""

_FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}
_DTYPE = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def write_pcm(frame: AudioFrame, first: int, target: npt.NDArray[np.float32]) -> None:
    """Write samples of a decoded frame, from number `first`, to `target` (channels, samples); full scale is 1.0."""
    kind = frame.format.name.removesuffix("p")
    channels, count = target.shape
    dtype = np.dtype(_DTYPE[kind])
    if frame.format.is_planar:
        # PyAV lists more planes than there are where a frame has exactly eight.
        planes = frame.planes[:channels]
        parts = [np.frombuffer(memoryview(plane), dtype, count, first * dtype.itemsize) for plane in planes]
    else:
        begin = first * channels * dtype.itemsize
        packed = np.frombuffer(memoryview(frame.planes[0]), dtype, count * channels, begin)
        parts = list(packed.reshape(count, channels).T)
    for row, part in zip(target, parts, strict=True):
        if kind == "flt":
            row[:] = part
        else:
            with np.errstate(over="ignore"):
                np.multiply(part, 1.0 / _FULL_SCALE[kind], out=row, casting="unsafe")
    if kind == "u8":
        target -= 1.0


def limit_damage(samples: npt.NDArray[np.float32]) -> None:
    """Limit samples to `LOUDEST`, and make those that are not a number 0."""
    if not max(samples.max(), -samples.min()) <= LOUDEST:
        np.clip(np.nan_to_num(samples, copy=False), -LOUDEST, LOUDEST, out=samples)


_USUAL = {
    count: tuple(channel.name for channel in AudioLayout(name).channels)
    for count, name in ((1, "mono"), (2, "stereo"), (3, "2.1"), (4, "4.0"), (5, "5.0"), (6, "5.1"), (8, "7.1"))
}
"""What as many channels are where nothing is stated: FFmpeg's default layouts."""


@dataclass(frozen=True, slots=True)
class SoundForm:
    """What must stay the same within a chunk."""

    rate: int
    channels: tuple[str, ...]

    layout: str = ""

    @classmethod
    def of(cls, frame: AudioFrame, stated: tuple[str, ...] = ()) -> SoundForm:
        """The form of a frame; `stated` is what the channels are where its layout only counts them."""
        layout = frame.layout
        names = tuple(channel.name for channel in layout.channels)
        if all(name == UNSTATED for name in names):
            names = stated if len(stated) == len(names) else _USUAL.get(len(names), names)
        return cls(frame.sample_rate, names, layout.name)

    def fits(self, frame: AudioFrame) -> bool:
        """Whether a frame has this form. By the layout's name: channels are costly to list."""
        return frame.sample_rate == self.rate and frame.layout.name == self.layout

    @property
    def chunk_samples(self) -> int:
        """Samples of each channel in a full chunk."""
        return max(LEAST_SAMPLES, min(int(self.rate * CHUNK_S), MOST_CHUNK_BYTES // (4 * len(self.channels))))


class AudioPath:
    """Collects the frames of one audio track into chunks of about half a second.

    Time is counted in samples from the last point where it was taken from a timestamp, so that the rounding of
    containers never shows. Where a timestamp disagrees, a chunk begins that is not contiguous: sound is missing, a
    little of it comes twice and is left out, or the timeline was cut.
    """

    def __init__(
        self,
        tally: Tally,
        needs: Collection[Need],
        clock: StreamClock,
        tracks: int = 1,
        channels: tuple[str, ...] = (),
    ) -> None:
        self.tally = tally
        self._stated = channels
        self._track = int(tally.name.removeprefix("audio:"))
        self._tracks = tracks
        self._wanted = any(isinstance(need, AudioNeed) for need in needs)
        self.clock = clock
        self._form = SoundForm(1, ())
        self.go_on_in(tally.stream)
        self._take_time(clock.end)
        self._buffer: npt.NDArray[np.float32] | None = None
        self._held = 0
        self._repeated = 0
        self._frame_end_s: float | None = None
        self._contiguous = False

    def add(self, frame: AudioFrame) -> None:
        """Take the next decoded frame."""
        rate = frame.sample_rate
        if not frame.samples or not rate or not frame.layout.nb_channels:
            return
        self.tally.frames += 1
        pts = frame.pts
        if self.tally.first is None:
            self._take_time(self.clock.end if pts is None else pts * self._tick)
        elif pts is not None and not self._repeated and not self._follows(pts * self._tick_s):
            self._resume(pts * self._tick, rate)
        self.clock.takes_over = self.clock.was_away = False
        if not self._form.fits(frame):
            self._flush()
            self._take_time(self._end.seconds)
            self._form = SoundForm.of(frame, self._stated)
        if self.tally.first is None:
            self.tally.start(self._anchor)
        self._frame_end_s = None if pts is None else pts * self._tick_s + frame.samples / rate
        if frame.is_corrupt and not self.tally.is_flagged(pts):
            self.tally.say(FactKind.DAMAGED_FRAME, self._end, "sound is damaged")
        self._collect(frame)

    def go_on_in(self, stream: VideoStream | AudioStream) -> None:
        """Take the track's frames from a stream, and time in its ticks."""
        self.tally.stream = stream
        self._tick = stream.time_base or Fraction(1)
        self._tick_s = float(self._tick)

    def end(self) -> None:
        """Give what is left when the track has ended."""
        self._flush()

    @property
    def reached(self) -> Instant | None:
        """Where the samples taken so far end, None before the first."""
        return self._end if self.tally.first is not None else None

    @property
    def _end(self) -> Instant:
        """Where the samples taken so far end."""
        return self._time_of(self._counted)

    def _time_of(self, counted: int) -> Instant:
        return Instant(self._anchor.epoch, self._anchor.seconds + Fraction(counted, self._form.rate))

    def _take_time(self, seconds: Fraction) -> None:
        self._anchor, self._anchor_s, self._counted = Instant(self.clock.epoch, seconds), float(seconds), 0

    def _follows(self, pts_s: float) -> bool:
        """Whether a frame with that timestamp comes directly after the samples taken so far."""
        drift_s = pts_s - self._anchor_s - self._counted / self._form.rate
        step_s = pts_s - self._frame_end_s if self._frame_end_s is not None else drift_s
        return abs(drift_s) <= DRIFT_S and min(drift_s, step_s) <= JITTER_S

    def _resume(self, pts: Fraction, rate: int) -> None:
        """Take time from a timestamp again; samples from before the time reached have been heard, and are left out."""
        self._flush()
        before = self._end
        self.clock.end = before.seconds
        step = pts - before.seconds
        if self.clock.jumps(step) or self.clock.is_joining(before.seconds):
            self.clock.cut(pts)
        elif step > 0:
            if not self.clock.was_away:
                text = f"{float(step):.3f} s of sound are missing"
                self.tally.say(FactKind.TIMESTAMP_GAP, before, text, gap_s=float(step))
        else:
            if not self.clock.takes_over:
                text = f"{float(-step):.3f} s of sound come twice"
                self.tally.say(FactKind.TIMESTAMP_BACKWARD, before, text, duration_s=float(-step))
            self._repeated = math.ceil(-step * rate)
        self._take_time(pts + Fraction(self._repeated, rate))

    def _collect(self, frame: AudioFrame) -> None:
        """Append a frame's samples, but for those that are repeated, and give each chunk that is full."""
        first = min(self._repeated, frame.samples)
        self._repeated -= first
        if not self._wanted:
            self._counted += frame.samples - first
            return
        while first < frame.samples:
            if self._buffer is None:
                self._buffer = np.empty((len(self._form.channels), self._form.chunk_samples), np.float32)
            room = self._buffer.shape[1] - self._held
            taken = min(frame.samples - first, room)
            write_pcm(frame, first, self._buffer[:, self._held : self._held + taken])
            first += taken
            self._held += taken
            self._counted += taken
            if taken == room:
                self._emit()
                self._contiguous = True

    def _flush(self) -> None:
        """Give what has been collected; the next chunk is not contiguous."""
        if self._held:
            self._emit()
        self._contiguous = False

    def _emit(self) -> None:
        """Give what has been collected as a chunk."""
        assert self._buffer is not None
        start = self._time_of(self._counted - self._held)
        samples = np.ascontiguousarray(self._buffer[:, : self._held])
        limit_damage(samples)
        self.tally.emit(
            AudioChunk(
                rendition=AudioNeed().rendition,
                track=self._track,
                epoch=start.epoch,
                start=start.seconds,
                samples=samples,
                rate=self._form.rate,
                channels=self._form.channels,
                contiguous=self._contiguous,
                tracks=self._tracks,
            )
        )
        self._buffer, self._held = None, 0
