from glasswatch.v1 import detection_pb2 as _detection_pb2
from glasswatch.v1 import media_pb2 as _media_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_STATE_UNSPECIFIED: _ClassVar[EventState]
    EVENT_STATE_OPEN: _ClassVar[EventState]
    EVENT_STATE_CLOSED: _ClassVar[EventState]
EVENT_STATE_UNSPECIFIED: EventState
EVENT_STATE_OPEN: EventState
EVENT_STATE_CLOSED: EventState

class Event(_message.Message):
    __slots__ = ("id", "channel", "defect", "detector", "version", "model", "severity", "span", "score", "state", "measurements", "kind", "track", "region", "incident", "worst", "reason", "position", "consequence_of")
    class MeasurementsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    DEFECT_FIELD_NUMBER: _ClassVar[int]
    DETECTOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENTS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TRACK_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    INCIDENT_FIELD_NUMBER: _ClassVar[int]
    WORST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    CONSEQUENCE_OF_FIELD_NUMBER: _ClassVar[int]
    id: str
    channel: str
    defect: str
    detector: str
    version: str
    model: str
    severity: _detection_pb2.Severity
    span: _media_pb2.Span
    score: float
    state: EventState
    measurements: _containers.ScalarMap[str, float]
    kind: str
    track: str
    region: _detection_pb2.Region
    incident: str
    worst: _media_pb2.Rational
    reason: str
    position: _media_pb2.Rational
    consequence_of: str
    def __init__(self, id: _Optional[str] = ..., channel: _Optional[str] = ..., defect: _Optional[str] = ..., detector: _Optional[str] = ..., version: _Optional[str] = ..., model: _Optional[str] = ..., severity: _Optional[_Union[_detection_pb2.Severity, str]] = ..., span: _Optional[_Union[_media_pb2.Span, _Mapping]] = ..., score: _Optional[float] = ..., state: _Optional[_Union[EventState, str]] = ..., measurements: _Optional[_Mapping[str, float]] = ..., kind: _Optional[str] = ..., track: _Optional[str] = ..., region: _Optional[_Union[_detection_pb2.Region, _Mapping]] = ..., incident: _Optional[str] = ..., worst: _Optional[_Union[_media_pb2.Rational, _Mapping]] = ..., reason: _Optional[str] = ..., position: _Optional[_Union[_media_pb2.Rational, _Mapping]] = ..., consequence_of: _Optional[str] = ...) -> None: ...
