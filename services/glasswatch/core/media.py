"""What detectors see: chunks of consecutive frames, chunks of PCM, facts about the stream.

A rendition is one definite form of a stream (see `core.needs`). Samples are what the decoder produced, in its own
bit depth; nothing here has been denoised, filtered or rounded unless the rendition's definition says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from glasswatch.core.time import Instant, Span

Samples = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class FrameChunk:
    """Consecutive frames of one rendition, in presentation order, in one epoch.

    Attributes:
        rendition: Name of the rendition.
        epoch: Timeline epoch of every frame in the chunk.
        pts: Presentation time of each frame in seconds, exact.
        ends: When each frame stops being shown: the next frame's PTS, or PTS plus nominal duration at a cut in
            the timeline.
        planes: Arrays of shape (frames, lines, columns), uint8 or uint16. Luma first, then Cb and Cr where the
            rendition has them (their own, usually smaller, size); for RGB one array (frames, lines, columns, 3).
        bit_depth: Significant bits of a sample, 8 to 16.
        full_range: True where luma spans 0..2^n-1 (JPEG), False for studio range (16..235 at 8 bit).
        size: Native picture (width, height) in pixels, before the rendition.
        step: Distance in native pixels between neighbouring samples of the first plane, (x, y).
        key: Which frames are key frames.
        interlaced: Which frames are flagged interlaced.
        damaged: Which frames the decoder marked corrupt.
    """

    rendition: str
    epoch: int
    pts: tuple[Fraction, ...]
    ends: tuple[Fraction, ...]
    planes: tuple[Samples, ...]
    bit_depth: int
    full_range: bool
    size: tuple[int, int]
    step: tuple[float, float]
    key: tuple[bool, ...]
    interlaced: tuple[bool, ...]
    damaged: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def luma(self) -> Samples:
        """The first plane, (frames, lines, columns)."""
        return self.planes[0]

    @property
    def luma_range(self) -> tuple[int, int]:
        """Code values of nominal black and white at this bit depth (ITU-R BT.709 / BT.2100 table 9)."""
        if self.full_range:
            return 0, (1 << self.bit_depth) - 1
        shift = self.bit_depth - 8
        return 16 << shift, 235 << shift

    @property
    def form(self) -> str:
        """What must stay the same for frames to be compared: size, samples and their range."""
        samples = [list(plane.shape[1:]) for plane in self.planes]
        return f"{self.size} {samples} {self.bit_depth} {self.full_range}"

    @property
    def end(self) -> Instant:
        """When its last frame stops being shown."""
        return Instant(self.epoch, self.ends[-1])

    def frame_span(self, index: int) -> Span:
        """When frame `index` is shown."""
        return Span(self.epoch, self.pts[index], self.ends[index])


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """Consecutive PCM of one audio track, without gaps inside.

    Attributes:
        rendition: Name of the rendition.
        track: Which audio track, from 0.
        epoch: Timeline epoch.
        start: Time of the first sample in seconds, exact.
        samples: float32 of shape (channels, samples); 1.0 is full scale, lossy decoders may exceed it.
        rate: Samples per second.
        channels: Channel names in FFmpeg's terms, for example ("FL", "FR").
        contiguous: False where samples are missing between the chunk before and this one.
        tracks: How many audio tracks the input has; discrete mono tracks that make one programme count as one.
        members: Which discrete mono tracks it joins, one for each channel; empty for a track as the input has it.
        may_be_unused: Whether the track is a further one that nothing tells apart from the first, such as the empty
            ones among the eight or sixteen of a master. One that never carries anything is no fault then.
    """

    rendition: str
    track: int
    epoch: int
    start: Fraction
    samples: npt.NDArray[np.float32]
    rate: int
    channels: tuple[str, ...]
    contiguous: bool
    tracks: int = 1
    members: tuple[int, ...] = ()
    may_be_unused: bool = False

    @property
    def label(self) -> str | None:
        """Name of the track in detections ("audio:0", "audio:0+1"), None where there is one only."""
        return f"audio:{'+'.join(map(str, self.members or (self.track,)))}" if self.tracks > 1 else None

    def __len__(self) -> int:
        return int(self.samples.shape[1])

    @property
    def span(self) -> Span:
        """The time it covers."""
        return Span(self.epoch, self.start, self.start + Fraction(len(self), self.rate))

    @property
    def end(self) -> Instant:
        """When its last sample has been heard."""
        return Instant(self.epoch, self.span.end)

    def time_of(self, sample: int) -> Fraction:
        """Media time of sample number `sample` of the chunk (may be negative or beyond its end)."""
        return self.start + Fraction(sample, self.rate)


class FactKind(StrEnum):
    """What the decoder can say of a stream besides its samples."""

    STREAM_STARTED = "stream_started"
    PROGRESS = "progress"
    """Media time has come this far, told about once a second, so that who reads facts alone knows that time passes.

    Among pictures or sound it is a lull: they have nothing before this, because of what its message says.
    """
    STREAM_ENDED = "stream_ended"
    BROKEN_START = "broken_start"
    DECODE_ERROR = "decode_error"
    CORRUPT_PACKET = "corrupt_packet"
    DAMAGED_FRAME = "damaged_frame"
    CHECKSUM_FAILED = "checksum_failed"
    CHECKSUM_UNUSED = "checksum_unused"
    CONTINUITY_ERROR = "continuity_error"
    SYNC_LOST = "sync_lost"
    SCRAMBLED = "scrambled"
    STREAM_MISSING = "stream_missing"
    TRANSPORT_ERROR = "transport_error"
    TABLE_ERROR = "table_error"
    CLOCK_ERROR = "clock_error"
    TIMESTAMP_MISSING = "timestamp_missing"
    TIMESTAMP_REPEATED = "timestamp_repeated"
    TIMESTAMP_BACKWARD = "timestamp_backward"
    TIMESTAMP_GAP = "timestamp_gap"
    FRAME_HELD = "frame_held"
    DISCONTINUITY = "discontinuity"
    JOIN = "join"
    """Timestamps go on elsewhere, as the input announces: no fault."""
    TRUNCATED = "truncated"
    NOTHING_DECODED = "nothing_decoded"


@dataclass(frozen=True, slots=True)
class StreamFact:
    """One observation about a stream at a moment of media time.

    Attributes:
        kind: What was seen.
        at: When, in media time of the stream it concerns.
        stream: Which stream, for example "video:0", "audio:1" or "container".
        message: In words, for a person.
        count: How many alike observations this one stands for.
        values: Numbers that belong to it, unit in the name (for example "gap_s").
    """

    kind: FactKind
    at: Instant
    stream: str
    message: str
    count: int = 1
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def end(self) -> Instant:
        """The moment it speaks of."""
        return self.at


MediaUnit = FrameChunk | AudioChunk | StreamFact
