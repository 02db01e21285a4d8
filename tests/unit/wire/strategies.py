"""Random core values, as decoders and detectors may make them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glasswatch.core.control import (
    ChannelConfig,
    ChannelRemoved,
    ChannelStarted,
    ChannelStopped,
)
from glasswatch.core.detection import Detection, Event, EventState, Severity, Verdict
from glasswatch.core.errors import WireError
from glasswatch.core.media import AudioChunk, FactKind, FrameChunk, StreamFact
from glasswatch.core.message import DetectionBatch, EndOfStream, MediaMessage
from glasswatch.core.time import Instant, Span

LIMIT = 1 << 63

text = st.text(st.characters(codec="utf-8"), max_size=12)
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
numbers_64 = st.integers(0, (1 << 64) - 1)
epochs = st.integers(0, (1 << 32) - 1)
seconds = st.builds(Fraction, st.integers(1 - LIMIT, LIMIT - 1), st.integers(1, LIMIT - 1))
instants = st.builds(Instant, epochs, seconds)
spans = st.builds(lambda e, t: Span(e, *sorted(t)), epochs, st.tuples(seconds, seconds))
numbers = st.dictionaries(text, st.floats(allow_nan=False), max_size=4)
regions = st.tuples(*[st.integers(-(1 << 31), (1 << 31) - 1)] * 4)
maybe_text = st.none() | text


@st.composite
def frame_chunks(draw: st.DrawFn) -> FrameChunk:
    """Any number of frames, also none; luma, 4:2:0 with odd sizes, or RGB; 8 to 16 bits."""
    frames = draw(st.integers(0, 5))
    lines, columns = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    shapes = draw(
        st.sampled_from(
            [
                [],
                [(frames, lines, columns)],
                [(frames, lines, columns)] + [(frames, -(-lines // 2), -(-columns // 2))] * 2,
                [(frames, lines, columns, 3)],
            ]
        )
    )
    deep = draw(st.booleans()) and shapes != []
    dtype = np.uint16 if deep else np.uint8
    flags = st.tuples(*[st.booleans()] * frames)
    times = [sorted(draw(st.tuples(seconds, seconds))) for _ in range(frames)]
    return FrameChunk(
        rendition=draw(text),
        epoch=draw(epochs),
        pts=tuple(start for start, _ in times),
        ends=tuple(end for _, end in times),
        planes=tuple(draw(hnp.arrays(dtype, shape)) for shape in shapes),
        bit_depth=draw(st.integers(9, 16) if deep else st.integers(1, 8)),
        full_range=draw(st.booleans()),
        size=draw(st.tuples(*[st.integers(0, (1 << 32) - 1)] * 2)),
        step=draw(st.tuples(*[st.floats(allow_nan=False)] * 2)),
        key=draw(flags),
        interlaced=draw(flags),
        damaged=draw(flags),
    )


@st.composite
def audio_chunks(draw: st.DrawFn) -> AudioChunk:
    """Any number of channels and samples, also none, and any float32."""
    channels = draw(st.lists(text, max_size=6))
    return AudioChunk(
        rendition=draw(text),
        track=draw(epochs),
        epoch=draw(epochs),
        start=draw(seconds),
        samples=draw(hnp.arrays(np.float32, (len(channels), draw(st.integers(0, 20))))),
        rate=draw(st.integers(1, (1 << 32) - 1)),
        channels=tuple(channels),
        contiguous=draw(st.booleans()),
        tracks=draw(epochs),
        members=draw(st.lists(epochs, max_size=3).map(tuple)),
        may_be_unused=draw(st.booleans()),
    )


facts = st.builds(StreamFact, st.sampled_from(FactKind), instants, text, text, st.integers(0, (1 << 64) - 1), numbers)
ends = st.builds(EndOfStream, st.none() | instants, maybe_text)


@st.composite
def media_messages(draw: st.DrawFn) -> MediaMessage:
    """Any message of a media topic."""
    unit = draw(frame_chunks() | audio_chunks() | facts | ends)
    rendition = unit.rendition if isinstance(unit, (FrameChunk, AudioChunk)) else draw(text)
    session, sequence = draw(numbers_64), draw(numbers_64)
    chosen = draw(st.lists(text, max_size=2).map(tuple))
    return MediaMessage(draw(ids), session, rendition, sequence, unit, draw(seconds), draw(st.booleans()), chosen)


detections = st.builds(
    Detection,
    channel=text,
    detector=text,
    version=text,
    defect=text,
    span=spans,
    verdict=st.sampled_from(Verdict),
    score=st.floats(0, 1),
    measurements=numbers,
    model=maybe_text,
    kind=maybe_text,
    track=maybe_text,
    region=st.none() | regions,
    ceiling=st.none() | st.sampled_from(Severity),
    worst=st.none() | seconds,
    reason=st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
)
batches = st.builds(
    DetectionBatch,
    channel=ids,
    detector=ids,
    session=numbers_64,
    position=numbers_64,
    detections=st.lists(detections, max_size=3).map(tuple),
    offsets=st.dictionaries(epochs, seconds, max_size=3),
    reached=st.none() | instants,
    final=st.booleans(),
)
events = st.builds(
    Event,
    id=text,
    channel=text,
    defect=text,
    detector=text,
    version=text,
    severity=st.sampled_from(Severity),
    span=spans,
    score=st.floats(0, 1),
    state=st.sampled_from(EventState),
    measurements=numbers,
    model=maybe_text,
    kind=maybe_text,
    track=maybe_text,
    region=st.none() | regions,
    incident=maybe_text,
    worst=st.none() | seconds,
    reason=maybe_text,
    position=seconds,
    consequence_of=maybe_text,
)
names = st.lists(text, max_size=3).map(tuple)
controls = (
    st.builds(ChannelConfig, text, text, names)
    | st.builds(ChannelRemoved, text)
    | st.builds(ChannelStarted, text, names)
    | st.builds(ChannelStopped, text, maybe_text)
)


def kept(decode: Callable[[bytes], object], raw: bytes) -> bytes:
    """What a decoder that refuses `raw` keeps of it; `raw` where it accepts it; other errors go through."""
    try:
        decode(raw)
    except WireError as error:
        return error.raw
    return raw
