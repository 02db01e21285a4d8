from glasswatch.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_OK: _ClassVar[Verdict]
    VERDICT_DEFECT: _ClassVar[Verdict]
    VERDICT_INCONCLUSIVE: _ClassVar[Verdict]

class Severity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEVERITY_UNSPECIFIED: _ClassVar[Severity]
    SEVERITY_INFO: _ClassVar[Severity]
    SEVERITY_WARNING: _ClassVar[Severity]
    SEVERITY_ERROR: _ClassVar[Severity]
VERDICT_UNSPECIFIED: Verdict
VERDICT_OK: Verdict
VERDICT_DEFECT: Verdict
VERDICT_INCONCLUSIVE: Verdict
SEVERITY_UNSPECIFIED: Severity
SEVERITY_INFO: Severity
SEVERITY_WARNING: Severity
SEVERITY_ERROR: Severity

class Region(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    width: int
    height: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class Detection(_message.Message):
    __slots__ = ("channel", "detector", "version", "model", "defect", "span", "verdict", "score", "measurements", "kind", "track", "region", "ceiling", "worst", "reason")
    class MeasurementsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DEFECT_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENTS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    CEILING_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    channel: str
    detector: str
    version: str
    model: str
    defect: str
    span: _media_pb2.Span
    verdict: Verdict
    score: float
    measurements: _containers.ScalarMap[str, float]
    kind: str
    track: str
    region: Region
    ceiling: Severity
    worst: _media_pb2.Rational
    reason: str
    def __init__(self, channel: _Optional[str] = ..., detector: _Optional[str] = ..., version: _Optional[str] = ..., model: _Optional[str] = ..., defect: _Optional[str] = ..., span: _Optional[_Union[_media_pb2.Span, _Mapping]] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., score: _Optional[float] = ..., measurements: _Optional[_Mapping[str, float]] = ..., kind: _Optional[str] = ..., track: _Optional[str] = ..., region: _Optional[_Union[Region, _Mapping]] = ..., ceiling: _Optional[_Union[Severity, str]] = ..., worst: _Optional[_Union[_media_pb2.Rational, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class EpochOffset(_message.Message):
    __slots__ = ("epoch", "offset")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    offset: _media_pb2.Rational
    def __init__(self, epoch: _Optional[int] = ..., offset: _Optional[_Union[_media_pb2.Rational, _Mapping]] = ...) -> None: ...

class DetectionBatch(_message.Message):
    __slots__ = ("channel", "detector", "session", "position", "detections", "epochs", "reached", "final")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    DETECTIONS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    REACHED_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    channel: str
    detector: str
    session: int
    position: int
    detections: _containers.RepeatedCompositeFieldContainer[Detection]
    epochs: _containers.RepeatedCompositeFieldContainer[EpochOffset]
    reached: _media_pb2.Instant
    final: bool
    def __init__(self, channel: _Optional[str] = ..., detector: _Optional[str] = ..., session: _Optional[int] = ..., position: _Optional[int] = ..., detections: _Optional[_Iterable[_Union[Detection, _Mapping]]] = ..., epochs: _Optional[_Iterable[_Union[EpochOffset, _Mapping]]] = ..., reached: _Optional[_Union[_media_pb2.Instant, _Mapping]] = ..., final: _Optional[bool] = ...) -> None: ...
