"""Control messages: which channels are watched."""

from __future__ import annotations

from glasswatch.core.control import (
    ChannelConfig,
    ChannelRemoved,
    ChannelStarted,
    ChannelStopped,
    ControlMessage,
)
from glasswatch.v1 import control_pb2
from glasswatch.wire.fields import (
    canonical,
    decoding,
    optional_text,
    parse,
)


def encode_control(value: ControlMessage) -> bytes:
    """The message as bytes, the same for equal values."""
    return canonical(_to_wire(value))


def decode_control(raw: bytes) -> ControlMessage:
    """The inverse of `encode_control`.

    Raises:
        WireError: It is no control message.
    """
    with decoding("a control message", raw):
        return _from_wire(parse(control_pb2.ControlMessage, raw))


def _to_wire(value: ControlMessage) -> control_pb2.ControlMessage:
    channel = value.channel
    match value:
        case ChannelConfig():
            config = control_pb2.ChannelConfig(
                channel=channel, location=value.location, detectors=value.detectors, program=value.program
            )
            return control_pb2.ControlMessage(config=config)
        case ChannelRemoved():
            return control_pb2.ControlMessage(removed=control_pb2.ChannelRemoved(channel=channel))
        case ChannelStarted():
            started = control_pb2.ChannelStarted(channel=channel, renditions=value.renditions)
            return control_pb2.ControlMessage(started=started)
        case ChannelStopped():
            stopped = control_pb2.ChannelStopped(channel=channel, reason=value.reason)
            return control_pb2.ControlMessage(stopped=stopped)


def _from_wire(wire: control_pb2.ControlMessage) -> ControlMessage:
    match wire.WhichOneof("content"):
        case "config":
            config = wire.config
            program = config.program if config.HasField("program") else None
            return ChannelConfig(config.channel, config.location, tuple(config.detectors), program)
        case "removed":
            return ChannelRemoved(wire.removed.channel)
        case "started":
            return ChannelStarted(wire.started.channel, tuple(wire.started.renditions))
        case "stopped":
            return ChannelStopped(wire.stopped.channel, optional_text(wire.stopped, "reason"))
        case _:
            raise ValueError("it carries nothing that this version knows")
