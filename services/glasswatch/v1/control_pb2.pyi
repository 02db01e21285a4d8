from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChannelConfig(_message.Message):
    __slots__ = ("channel", "location", "detectors", "program")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    DETECTORS_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    channel: str
    location: str
    detectors: _containers.RepeatedScalarFieldContainer[str]
    program: int
    def __init__(self, channel: _Optional[str] = ..., location: _Optional[str] = ..., detectors: _Optional[_Iterable[str]] = ..., program: _Optional[int] = ...) -> None: ...

class ChannelRemoved(_message.Message):
    __slots__ = ("channel",)
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    channel: str
    def __init__(self, channel: _Optional[str] = ...) -> None: ...

class ChannelStarted(_message.Message):
    __slots__ = ("channel", "renditions")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    RENDITIONS_FIELD_NUMBER: _ClassVar[int]
    channel: str
    renditions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, channel: _Optional[str] = ..., renditions: _Optional[_Iterable[str]] = ...) -> None: ...

class ChannelStopped(_message.Message):
    __slots__ = ("channel", "reason")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    channel: str
    reason: str
    def __init__(self, channel: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ControlMessage(_message.Message):
    __slots__ = ("config", "removed", "started", "stopped")
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    config: ChannelConfig
    removed: ChannelRemoved
    started: ChannelStarted
    stopped: ChannelStopped
    def __init__(self, config: _Optional[_Union[ChannelConfig, _Mapping]] = ..., removed: _Optional[_Union[ChannelRemoved, _Mapping]] = ..., started: _Optional[_Union[ChannelStarted, _Mapping]] = ..., stopped: _Optional[_Union[ChannelStopped, _Mapping]] = ...) -> None: ...
