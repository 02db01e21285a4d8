"""Decoded sound to chunks of float PCM, gapless inside."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av import AudioFrame

from glasswatch.core.media import AudioChunk, FactKind
from glasswatch.core.needs import AudioNeed, Need
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.clock import StreamClock
from glasswatch.decoder.tally import Tally

CHUNK_S = Fraction(1, 2)

JITTER_S = Fraction(15, 1000)
"""Containers round timestamps (Matroska to 1 ms); less than one frame of any common codec is no gap."""

DRIFT_S = Fraction(40, 1000)
"""How far counted samples and timestamps may drift apart before time is taken from the timestamps again."""

PCM_SCALE = {"u8": 128.0, "s16": 32768.0, "s32": 2147483648.0, "s64": 9223372036854775808.0, "flt": 1.0, "dbl": 1.0}


def float_pcm(frame: AudioFrame) -> npt.NDArray[np.float32]:
    """Samples of a decoded frame as float32 of shape (channels, samples), full scale 1.0."""
    kind = frame.format.name.removesuffix("p")
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if kind in ("flt", "dbl"):
        return np.nan_to_num(samples.astype(np.float32, copy=False), posinf=0.0, neginf=0.0)
    if kind == "u8":
        samples = samples.astype(np.int16) - 128
    return (samples / PCM_SCALE[kind]).astype(np.float32)


class AudioPath:
    """Collects the frames of one audio track into chunks of about half a second.

    Time is counted in samples from the last point where it was taken from a timestamp, so that the rounding of
    containers never shows; a gap, an overlap or another sample format begins a chunk that is not contiguous.
    """

    def __init__(self, tally: Tally, needs: Collection[Need], timeline: Timeline, may_jump: bool) -> None:
        self.tally = tally
        self._track = int(tally.name.removeprefix("audio:"))
        self._wanted = any(isinstance(need, AudioNeed) for need in needs)
        self._clock = StreamClock(tally.name, timeline, may_jump, tally.report)
        self._parts: list[npt.NDArray[np.float32]] = []
        self._held = 0
        self._rate = 0
        self._channels: tuple[str, ...] = ()
        self._anchor: Instant | None = None
        self._counted = 0
        self._last: tuple[Fraction, Fraction] | None = None
        self._contiguous = False

    def add(self, frame: AudioFrame) -> Iterator[AudioChunk]:
        """Take the next decoded frame; give the chunks that it completes."""
        rate, channels = frame.sample_rate, tuple(c.name for c in frame.layout.channels)
        if not frame.samples or not rate or not channels:
            return
        duration = Fraction(frame.samples, rate)
        pts = self.tally.seconds(frame.pts)
        same_form = (rate, channels) == (self._rate, self._channels)
        if self._anchor is not None and not same_form:
            yield from self.end()
            self._clock.end = self._end.seconds
            self._anchor = None
        self._rate, self._channels = rate, channels
        if self._anchor is None:
            self._anchor, self._counted = Instant(self._clock.epoch, self._clock.end if pts is None else pts), 0
        elif pts is not None and not self._follows(pts):
            yield from self._resume(pts)
        self._last = (pts, duration) if pts is not None else None
        self._counted += frame.samples
        self._note(frame)
        if self._wanted:
            self._parts.append(float_pcm(frame))
            self._held += frame.samples
        size = int(rate * CHUNK_S)
        while self._held >= size:
            yield self._take(size)

    def end(self) -> Iterator[AudioChunk]:
        """Give what has been collected: the track ends, or time is taken anew."""
        if self._held:
            yield self._take(self._held)
        self._contiguous = False

    def _note(self, frame: AudioFrame) -> None:
        tally = self.tally
        tally.frames += 1
        tally.end = self._end
        if tally.first is None:
            tally.start(self._time_of(0))
        if frame.is_corrupt:
            tally.say(FactKind.DAMAGED_FRAME, self._time_of(self._counted - frame.samples), "sound is damaged")

    @property
    def _end(self) -> Instant:
        """Where the samples taken so far end."""
        return self._time_of(self._counted)

    def _follows(self, pts: Fraction) -> bool:
        """Whether a frame with that timestamp comes directly after the samples taken so far."""
        drift = pts - self._end.seconds
        step = pts - sum(self._last) if self._last is not None else drift
        return abs(drift) <= DRIFT_S and step <= JITTER_S

    def _resume(self, pts: Fraction) -> Iterator[AudioChunk]:
        """Take time from a timestamp again: sound is missing, overlaps, or the timeline was cut."""
        yield from self.end()
        before = self._end
        step = pts - before.seconds
        if step > 0 and not self._clock.jumps(step):
            message = f"{float(step):.3f} s of sound are missing"
            self.tally.say(FactKind.TIMESTAMP_GAP, before, message, gap_s=float(step))
        else:
            self._clock.cut(pts, before.seconds)
        self._anchor, self._counted = Instant(self._clock.epoch, pts), 0

    def _time_of(self, counted: int) -> Instant:
        assert self._anchor is not None
        return Instant(self._anchor.epoch, self._anchor.seconds + Fraction(counted, self._rate))

    def _take(self, size: int) -> AudioChunk:
        pcm = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts, axis=1)
        start = self._time_of(self._counted - self._held)
        chunk = AudioChunk(
            rendition=AudioNeed().rendition,
            track=self._track,
            epoch=start.epoch,
            start=start.seconds,
            samples=np.ascontiguousarray(pcm[:, :size]),
            rate=self._rate,
            channels=self._channels,
            contiguous=self._contiguous,
        )
        rest = pcm[:, size:]
        self._parts = [rest] if rest.shape[1] else []
        self._held -= size
        self._contiguous = True
        return chunk
