"""Message headers: CloudEvents 1.0 in binary mode for Kafka, and W3C trace context.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum

from glasswatch.core.errors import WireError

Headers = list[tuple[str, bytes]]

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/protobuf"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class MessageType(StrEnum):
    """Full name of the protobuf message in a message's value; the package carries the schema version."""

    MEDIA = "glasswatch.v1.MediaMessage"
    DETECTION = "glasswatch.v1.DetectionBatch"
    EVENT = "glasswatch.v1.Event"
    CONTROL = "glasswatch.v1.ControlMessage"


def event_headers(
    kind: MessageType, topic: str, identity: bytes, source: str, at: datetime, traceparent: str | None = None
) -> Headers:
    """Headers of one message.

    Args:
        kind: What the value is.
        topic: Where it goes; part of the id.
        identity: What makes the message itself: a replay gives the same id, so that redelivery is harmless.
        source: Who publishes: a URI reference, for example "/glasswatch/decoder".
        at: When it is published; for latency figures only.
        traceparent: Trace that it belongs to.
    """
    digest = hashlib.sha256(f"{kind}\x1f{topic}\x1f".encode() + identity).hexdigest()
    headers = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": digest[:32],
        "ce_source": source,
        "ce_type": kind.value,
        "ce_time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "content-type": CONTENT_TYPE,
    }
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return [(name, text.encode()) for name, text in headers.items()]


def check_headers(headers: Iterable[tuple[str, bytes]], expected: MessageType, raw: bytes) -> None:
    """Make sure that `raw` claims to be what its topic promises.

    Raises:
        WireError: It is of another type or schema version, or does not say.
    """
    found = dict(headers)
    wanted = {"ce_specversion": SPEC_VERSION, "ce_type": expected.value, "content-type": CONTENT_TYPE}
    for name, value in wanted.items():
        actual = found.get(name)
        if actual is None:
            raise WireError(f"a message has no header {name}", raw)
        if actual != value.encode():
            raise WireError(f"header {name} is {actual[:100].decode('utf-8', 'replace')!r}, not {value!r}", raw)


def header(headers: Iterable[tuple[str, bytes]], name: str) -> str | None:
    """The text of a header, None where there is none; bytes that are not UTF-8 are replaced."""
    value = dict(headers).get(name)
    return value.decode("utf-8", "replace") if value is not None else None


def next_traceparent(parent: str | None = None) -> str:
    """Trace context of the next step: the trace of `parent`, or a new one where there is none that can be read."""
    step = secrets.token_hex(8)
    if parent is None or not _TRACEPARENT.fullmatch(parent):
        return f"00-{secrets.token_hex(16)}-{step}-01"
    _, trace, _, flags = parent.split("-")
    return f"00-{trace}-{step}-{flags}"
