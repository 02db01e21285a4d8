"""What the codecs share: times, enumerations, optional fields, one error for whatever cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from fractions import Fraction
from typing import Generic, TypeVar

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import DecodeError, Message

from glasswatch.core.detection import Region, Severity
from glasswatch.core.errors import WireError
from glasswatch.core.time import Instant, Span
from glasswatch.v1 import detection_pb2, media_pb2

E = TypeVar("E", bound=Enum)
M = TypeVar("M", bound=Message)


@contextmanager
def decoding(what: str, raw: bytes) -> Iterator[None]:
    """Turn whatever goes wrong inside into a WireError that keeps `raw`."""
    try:
        yield
    except WireError:
        raise
    # Core types refuse impossible values with ValueError; a denominator of 0 is an ArithmeticError.
    except (DecodeError, ValueError, ArithmeticError) as error:
        raise WireError(f"cannot decode {what} of {len(raw)} bytes: {' '.join(str(error).split())}", raw) from error


def parse(kind: type[M], raw: bytes) -> M:
    """A message of that type; DecodeError where the bytes are none."""
    message = kind()
    message.ParseFromString(raw)
    return message


def canonical(message: Message) -> bytes:
    """The message as bytes, the same for equal messages."""
    return message.SerializeToString(deterministic=True)


class EnumCodec(Generic[E]):
    """A core enumeration as its protobuf twin, whose values are called `<prefix>_<member>`."""

    def __init__(self, core: type[E], wire: EnumTypeWrapper, prefix: str) -> None:
        self._names = {member: f"{prefix}_{member.name}" for member in core}
        self._members = {wire.Value(name): member for member, name in self._names.items()}
        self._core = core.__name__

    def to_wire(self, member: E) -> str:
        """The protobuf name of a member, which messages take for its number."""
        return self._names[member]

    def from_wire(self, number: int) -> E:
        """The member of a number; ValueError for 0 and for numbers of a later schema."""
        member = self._members.get(number)
        if member is None:
            raise ValueError(f"{self._core} has no member {number}")
        return member


SEVERITY = EnumCodec(Severity, detection_pb2.Severity, "SEVERITY")


def rational_to_wire(value: Fraction) -> media_pb2.Rational:
    """An exact number of seconds; ValueError where it takes more than 64 bits."""
    return media_pb2.Rational(numerator=value.numerator, denominator=value.denominator)


def rational_from_wire(message: media_pb2.Rational) -> Fraction:
    """The inverse of `rational_to_wire`."""
    if message.denominator < 1:
        raise ValueError(f"a time has the denominator {message.denominator}")
    return Fraction(message.numerator, message.denominator)


def instant_to_wire(value: Instant) -> media_pb2.Instant:
    """A point of media time."""
    return media_pb2.Instant(epoch=value.epoch, seconds=rational_to_wire(value.seconds))


def instant_from_wire(message: media_pb2.Instant) -> Instant:
    """The inverse of `instant_to_wire`."""
    return Instant(message.epoch, rational_from_wire(message.seconds))


def span_to_wire(value: Span) -> media_pb2.Span:
    """A stretch of media time."""
    return media_pb2.Span(epoch=value.epoch, start=rational_to_wire(value.start), end=rational_to_wire(value.end))


def span_from_wire(message: media_pb2.Span) -> Span:
    """The inverse of `span_to_wire`; ValueError where it ends before it starts."""
    return Span(message.epoch, rational_from_wire(message.start), rational_from_wire(message.end))


def region_to_wire(value: Region | None) -> detection_pb2.Region | None:
    """A rectangle in native pixels."""
    if value is None:
        return None
    x, y, width, height = value
    return detection_pb2.Region(x=x, y=y, width=width, height=height)


def optional_region(message: Message) -> Region | None:
    """The `region` of a detection or event, None where it has none."""
    if not message.HasField("region"):
        return None
    region: detection_pb2.Region = getattr(message, "region")  # noqa: B009
    return region.x, region.y, region.width, region.height


def optional_rational(message: Message, name: str) -> Fraction | None:
    """A time that may be absent."""
    return rational_from_wire(getattr(message, name)) if message.HasField(name) else None


def optional_text(message: Message, name: str) -> str | None:
    """A string that may be absent, which differs from empty."""
    text: str = getattr(message, name)
    return text if message.HasField(name) else None
