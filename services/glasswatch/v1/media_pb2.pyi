from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PayloadEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAYLOAD_ENCODING_UNSPECIFIED: _ClassVar[PayloadEncoding]
    PAYLOAD_ENCODING_RAW: _ClassVar[PayloadEncoding]
    PAYLOAD_ENCODING_ZSTD: _ClassVar[PayloadEncoding]
    PAYLOAD_ENCODING_LINE_DELTA_ZSTD: _ClassVar[PayloadEncoding]

class SampleFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SAMPLE_FORMAT_UNSPECIFIED: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_U8: _ClassVar[SampleFormat]
    SAMPLE_FORMAT_U16LE: _ClassVar[SampleFormat]

class FactKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FACT_KIND_UNSPECIFIED: _ClassVar[FactKind]
    FACT_KIND_STREAM_STARTED: _ClassVar[FactKind]
    FACT_KIND_PROGRESS: _ClassVar[FactKind]
    FACT_KIND_STREAM_ENDED: _ClassVar[FactKind]
    FACT_KIND_BROKEN_START: _ClassVar[FactKind]
    FACT_KIND_DECODE_ERROR: _ClassVar[FactKind]
    FACT_KIND_CORRUPT_PACKET: _ClassVar[FactKind]
    FACT_KIND_DAMAGED_FRAME: _ClassVar[FactKind]
    FACT_KIND_CONTINUITY_ERROR: _ClassVar[FactKind]
    FACT_KIND_SYNC_LOST: _ClassVar[FactKind]
    FACT_KIND_SCRAMBLED: _ClassVar[FactKind]
    FACT_KIND_STREAM_MISSING: _ClassVar[FactKind]
    FACT_KIND_TRANSPORT_ERROR: _ClassVar[FactKind]
    FACT_KIND_TABLE_ERROR: _ClassVar[FactKind]
    FACT_KIND_CLOCK_ERROR: _ClassVar[FactKind]
    FACT_KIND_TIMESTAMP_MISSING: _ClassVar[FactKind]
    FACT_KIND_TIMESTAMP_REPEATED: _ClassVar[FactKind]
    FACT_KIND_TIMESTAMP_BACKWARD: _ClassVar[FactKind]
    FACT_KIND_TIMESTAMP_GAP: _ClassVar[FactKind]
    FACT_KIND_DISCONTINUITY: _ClassVar[FactKind]
    FACT_KIND_TRUNCATED: _ClassVar[FactKind]
    FACT_KIND_NOTHING_DECODED: _ClassVar[FactKind]
    FACT_KIND_FRAME_HELD: _ClassVar[FactKind]
    FACT_KIND_JOIN: _ClassVar[FactKind]
    FACT_KIND_CHECKSUM_FAILED: _ClassVar[FactKind]
    FACT_KIND_CHECKSUM_UNUSED: _ClassVar[FactKind]
PAYLOAD_ENCODING_UNSPECIFIED: PayloadEncoding
PAYLOAD_ENCODING_RAW: PayloadEncoding
PAYLOAD_ENCODING_ZSTD: PayloadEncoding
PAYLOAD_ENCODING_LINE_DELTA_ZSTD: PayloadEncoding
SAMPLE_FORMAT_UNSPECIFIED: SampleFormat
SAMPLE_FORMAT_U8: SampleFormat
SAMPLE_FORMAT_U16LE: SampleFormat
FACT_KIND_UNSPECIFIED: FactKind
FACT_KIND_STREAM_STARTED: FactKind
FACT_KIND_PROGRESS: FactKind
FACT_KIND_STREAM_ENDED: FactKind
FACT_KIND_BROKEN_START: FactKind
FACT_KIND_DECODE_ERROR: FactKind
FACT_KIND_CORRUPT_PACKET: FactKind
FACT_KIND_DAMAGED_FRAME: FactKind
FACT_KIND_CONTINUITY_ERROR: FactKind
FACT_KIND_SYNC_LOST: FactKind
FACT_KIND_SCRAMBLED: FactKind
FACT_KIND_STREAM_MISSING: FactKind
FACT_KIND_TRANSPORT_ERROR: FactKind
FACT_KIND_TABLE_ERROR: FactKind
FACT_KIND_CLOCK_ERROR: FactKind
FACT_KIND_TIMESTAMP_MISSING: FactKind
FACT_KIND_TIMESTAMP_REPEATED: FactKind
FACT_KIND_TIMESTAMP_BACKWARD: FactKind
FACT_KIND_TIMESTAMP_GAP: FactKind
FACT_KIND_DISCONTINUITY: FactKind
FACT_KIND_TRUNCATED: FactKind
FACT_KIND_NOTHING_DECODED: FactKind
FACT_KIND_FRAME_HELD: FactKind
FACT_KIND_JOIN: FactKind
FACT_KIND_CHECKSUM_FAILED: FactKind
FACT_KIND_CHECKSUM_UNUSED: FactKind

class Rational(_message.Message):
    __slots__ = ("numerator", "denominator")
    NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    numerator: int
    denominator: int
    def __init__(self, numerator: _Optional[int] = ..., denominator: _Optional[int] = ...) -> None: ...

class Instant(_message.Message):
    __slots__ = ("epoch", "seconds")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    seconds: Rational
    def __init__(self, epoch: _Optional[int] = ..., seconds: _Optional[_Union[Rational, _Mapping]] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("epoch", "start", "end")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    start: Rational
    end: Rational
    def __init__(self, epoch: _Optional[int] = ..., start: _Optional[_Union[Rational, _Mapping]] = ..., end: _Optional[_Union[Rational, _Mapping]] = ...) -> None: ...

class PayloadReference(_message.Message):
    __slots__ = ("key", "stored_bytes", "sha256")
    KEY_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    key: str
    stored_bytes: int
    sha256: bytes
    def __init__(self, key: _Optional[str] = ..., stored_bytes: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("encoding", "data", "reference")
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    encoding: PayloadEncoding
    data: bytes
    reference: PayloadReference
    def __init__(self, encoding: _Optional[_Union[PayloadEncoding, str]] = ..., data: _Optional[bytes] = ..., reference: _Optional[_Union[PayloadReference, _Mapping]] = ...) -> None: ...

class PlaneShape(_message.Message):
    __slots__ = ("lines", "columns", "components")
    LINES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    lines: int
    columns: int
    components: int
    def __init__(self, lines: _Optional[int] = ..., columns: _Optional[int] = ..., components: _Optional[int] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("pts", "end", "key", "interlaced", "damaged")
    PTS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    INTERLACED_FIELD_NUMBER: _ClassVar[int]
    DAMAGED_FIELD_NUMBER: _ClassVar[int]
    pts: Rational
    end: Rational
    key: bool
    interlaced: bool
    damaged: bool
    def __init__(self, pts: _Optional[_Union[Rational, _Mapping]] = ..., end: _Optional[_Union[Rational, _Mapping]] = ..., key: _Optional[bool] = ..., interlaced: _Optional[bool] = ..., damaged: _Optional[bool] = ...) -> None: ...

class FrameChunk(_message.Message):
    __slots__ = ("epoch", "frames", "sample_format", "planes", "bit_depth", "full_range", "width", "height", "step_x", "step_y", "payload")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FORMAT_FIELD_NUMBER: _ClassVar[int]
    PLANES_FIELD_NUMBER: _ClassVar[int]
    BIT_DEPTH_FIELD_NUMBER: _ClassVar[int]
    FULL_RANGE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    STEP_X_FIELD_NUMBER: _ClassVar[int]
    STEP_Y_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    frames: _containers.RepeatedCompositeFieldContainer[Frame]
    sample_format: SampleFormat
    planes: _containers.RepeatedCompositeFieldContainer[PlaneShape]
    bit_depth: int
    full_range: bool
    width: int
    height: int
    step_x: float
    step_y: float
    payload: Payload
    def __init__(self, epoch: _Optional[int] = ..., frames: _Optional[_Iterable[_Union[Frame, _Mapping]]] = ..., sample_format: _Optional[_Union[SampleFormat, str]] = ..., planes: _Optional[_Iterable[_Union[PlaneShape, _Mapping]]] = ..., bit_depth: _Optional[int] = ..., full_range: _Optional[bool] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., step_x: _Optional[float] = ..., step_y: _Optional[float] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ...) -> None: ...

class AudioChunk(_message.Message):
    __slots__ = ("track", "epoch", "start", "rate", "channels", "samples", "contiguous", "payload", "tracks", "members", "may_be_unused")
    TRACK_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    CONTIGUOUS_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TRACKS_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    MAY_BE_UNUSED_FIELD_NUMBER: _ClassVar[int]
    track: int
    epoch: int
    start: Rational
    rate: int
    channels: _containers.RepeatedScalarFieldContainer[str]
    samples: int
    contiguous: bool
    payload: Payload
    tracks: int
    members: _containers.RepeatedScalarFieldContainer[int]
    may_be_unused: bool
    def __init__(self, track: _Optional[int] = ..., epoch: _Optional[int] = ..., start: _Optional[_Union[Rational, _Mapping]] = ..., rate: _Optional[int] = ..., channels: _Optional[_Iterable[str]] = ..., samples: _Optional[int] = ..., contiguous: _Optional[bool] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., tracks: _Optional[int] = ..., members: _Optional[_Iterable[int]] = ..., may_be_unused: _Optional[bool] = ...) -> None: ...

class StreamFact(_message.Message):
    __slots__ = ("kind", "at", "stream", "message", "count", "values")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    kind: FactKind
    at: Instant
    stream: str
    message: str
    count: int
    values: _containers.ScalarMap[str, float]
    def __init__(self, kind: _Optional[_Union[FactKind, str]] = ..., at: _Optional[_Union[Instant, _Mapping]] = ..., stream: _Optional[str] = ..., message: _Optional[str] = ..., count: _Optional[int] = ..., values: _Optional[_Mapping[str, float]] = ...) -> None: ...

class EndOfStream(_message.Message):
    __slots__ = ("at", "reason")
    AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    at: Instant
    reason: str
    def __init__(self, at: _Optional[_Union[Instant, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class MediaMessage(_message.Message):
    __slots__ = ("channel", "rendition", "sequence", "frames", "audio", "fact", "end", "session", "offset", "live", "detectors")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    RENDITION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    AUDIO_FIELD_NUMBER: _ClassVar[int]
    FACT_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    DETECTORS_FIELD_NUMBER: _ClassVar[int]
    channel: str
    rendition: str
    sequence: int
    frames: FrameChunk
    audio: AudioChunk
    fact: StreamFact
    end: EndOfStream
    session: int
    offset: Rational
    live: bool
    detectors: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, channel: _Optional[str] = ..., rendition: _Optional[str] = ..., sequence: _Optional[int] = ..., frames: _Optional[_Union[FrameChunk, _Mapping]] = ..., audio: _Optional[_Union[AudioChunk, _Mapping]] = ..., fact: _Optional[_Union[StreamFact, _Mapping]] = ..., end: _Optional[_Union[EndOfStream, _Mapping]] = ..., session: _Optional[int] = ..., offset: _Optional[_Union[Rational, _Mapping]] = ..., live: _Optional[bool] = ..., detectors: _Optional[_Iterable[str]] = ...) -> None: ...
