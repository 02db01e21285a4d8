"""Collecting pictures and curves for the report while the media is decoded, in bounded memory."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from glasswatch.core.detection import Event, Severity
from glasswatch.core.input import VideoInfo
from glasswatch.core.media import AudioChunk, FrameChunk
from glasswatch.core.time import Instant, Timeline
from glasswatch.report.envelope import EnvelopeBuilder
from glasswatch.report.model import Evidence, Thumbnail
from glasswatch.report.thumbnail import thumbnail

RING_S = 6
"""How long frames are remembered, in seconds. An event is announced after its worst moment: a detector's queue, a run
of like readings and the event's least duration may lie between."""
RING_BYTES = 64 << 20
"""Most memory for these frames: enough for 8-bit 4:2:0 at 50 fps, while 10 bit at 60 fps is remembered for less."""
MOST_THUMBNAILS = 200
NEAR_S = Fraction(1, 2)
"""A frame this far outside an event still shows what it looked like."""
WAVEFORM_BUCKET_S = 0.01
LOUDNESS_BUCKET_S = 0.1


@dataclass(frozen=True, slots=True)
class _Wish:
    """The picture that an event would like to have."""

    event: Event
    at: Fraction

    @property
    def epoch(self) -> int:
        return self.event.span.epoch

    @property
    def severity(self) -> Severity:
        return self.event.severity


class EvidenceCollector:
    """Sees the media and the events of one inspection and keeps what a person will want to look at.

    Safe to call from several threads: frames, audio and events may come from different ones.

    Args:
        timeline: Where the epochs lie in the input; read when media comes, so it must know an epoch by then.
        video: Describes the picture, so that it is turned and stretched as a player does; asked for each thumbnail,
            since rotation is known only once the first picture has been decoded.
    """

    def __init__(self, timeline: Timeline, video: Callable[[], VideoInfo | None] = lambda: None) -> None:
        self._timeline = timeline
        self._video = video
        self._lock = threading.Lock()
        self._ring: deque[FrameChunk] = deque()
        self._ring_bytes = 0
        self._waiting: dict[str, _Wish] = {}
        self._kept: dict[str, tuple[_Wish, Thumbnail]] = {}
        self._waveforms: dict[int, EnvelopeBuilder] = {}
        self._loudness: EnvelopeBuilder | None = None

    def see_frames(self, chunk: FrameChunk) -> None:
        """Remember frames for a while.

        The chunk is kept by reference: its planes must own their memory, not be views into larger pictures.
        """
        with self._lock:
            self._ring.append(chunk)
            self._ring_bytes += _size(chunk)
            for wish in list(self._waiting.values()):
                if not self._is_ahead(wish):
                    self._fulfil(wish)
            while len(self._ring) > 1 and (self._ring_bytes > RING_BYTES or self._ring_s() > RING_S):
                self._ring_bytes -= _size(self._ring.popleft())

    def see_audio(self, chunk: AudioChunk) -> None:
        """Add to the waveform of the chunk's track; channels share one envelope."""
        if not len(chunk):
            return
        start_s = float(self._timeline.position(chunk.span.onset))
        low, high = chunk.samples.min(axis=0), chunk.samples.max(axis=0)
        with self._lock:
            builder = self._waveforms.setdefault(chunk.track, EnvelopeBuilder(WAVEFORM_BUCKET_S))
            builder.add(start_s, 1 / chunk.rate, low, high)

    def see_loudness(self, start_s: float, end_s: float, short_term_lufs: float) -> None:
        """Add a stretch to the loudness curve: what was measured since the last time, and how loud its end is."""
        value = np.full(max(1, round((end_s - start_s) / LOUDNESS_BUCKET_S)), short_term_lufs, np.float32)
        with self._lock:
            if self._loudness is None:
                self._loudness = EnvelopeBuilder(LOUDNESS_BUCKET_S)
            self._loudness.add(start_s, LOUDNESS_BUCKET_S, value, value)

    def keep(self, event: Event) -> None:
        """Keep a picture of the event's worst moment, its onset where it names none.

        To be called with every version of an event: a new worst moment brings a new picture. Where the frame has not
        come yet it is waited for; where it is gone, the nearest one remembered serves if it belongs to the event.
        """
        wish = _Wish(event, event.span.start if event.worst is None else event.worst)
        with self._lock:
            kept = self._kept.get(event.id)
            if kept is not None and kept[0].at == wish.at:
                self._kept[event.id] = (wish, kept[1])
            elif self._is_ahead(wish):
                if len(self._waiting) < MOST_THUMBNAILS or event.id in self._waiting:
                    self._waiting[event.id] = wish
            else:
                self._fulfil(wish)

    def finish(self) -> Evidence:
        """Everything that was kept."""
        with self._lock:
            for wish in list(self._waiting.values()):
                self._fulfil(wish)
            return Evidence(
                thumbnails={event_id: picture for event_id, (_, picture) in self._kept.items()},
                waveforms={track: builder.finish() for track, builder in sorted(self._waveforms.items())},
                loudness=None if self._loudness is None else self._loudness.finish(),
            )

    def _ring_s(self) -> Fraction:
        """Seconds of input that the ring spans."""
        oldest, newest = self._ring[0], self._ring[-1]
        return self._position(newest.epoch, newest.ends[-1]) - self._position(oldest.epoch, oldest.ends[-1])

    def _position(self, epoch: int, seconds: Fraction) -> Fraction:
        return self._timeline.position(Instant(epoch, seconds))

    def _is_ahead(self, wish: _Wish) -> bool:
        """Whether the frame that is wished for may still come."""
        if not self._ring:
            return True
        newest = self._ring[-1]
        return (newest.epoch, newest.ends[-1]) <= (wish.epoch, wish.at)

    def _fulfil(self, wish: _Wish) -> None:
        """Make the picture if there is a fitting frame, and room or something less important to give way."""
        self._waiting.pop(wish.event.id, None)
        found = self._nearest(wish)
        if found is None or not self._has_room(wish):
            return
        chunk, index = found
        position_s = float(self._position(chunk.epoch, chunk.pts[index]))
        video = self._video()
        aspect, rotation = (video.sample_aspect, video.rotation) if video is not None else (Fraction(1), 0)
        picture = thumbnail(chunk, index, position_s, sample_aspect=aspect, rotation=rotation)
        if picture is not None:
            self._kept[wish.event.id] = (wish, picture)

    def _nearest(self, wish: _Wish) -> tuple[FrameChunk, int] | None:
        """The frame shown at that moment or else the nearest to it, if it belongs to the event."""
        # Newest first: a moment on the border of two chunks belongs to the later one.
        chunks = [chunk for chunk in reversed(self._ring) if chunk.epoch == wish.epoch]
        if not chunks:
            return None
        chunk = min(chunks, key=lambda c: max(c.pts[0] - wish.at, wish.at - c.ends[-1], Fraction(0)))
        index = max(0, bisect_right(chunk.pts, wish.at) - 1)
        gap = chunk.frame_span(index).gap_to(wish.event.span)
        return (chunk, index) if gap is not None and gap <= NEAR_S else None

    def _has_room(self, wish: _Wish) -> bool:
        if wish.event.id in self._kept or len(self._kept) < MOST_THUMBNAILS:
            return True
        least = min(self._kept, key=lambda event_id: self._kept[event_id][0].severity)
        if self._kept[least][0].severity >= wish.severity:
            return False
        del self._kept[least]
        return True


def _size(chunk: FrameChunk) -> int:
    return sum(plane.nbytes for plane in chunk.planes)
