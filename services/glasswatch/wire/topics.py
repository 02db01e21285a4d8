"""Names of topics and consumer groups."""

from __future__ import annotations

import re

PREFIX = "glasswatch."
CONTROL = "glasswatch.control.v1"
AGGREGATOR_GROUP = "glasswatch-aggregator"

_DEAD_LETTER = ".dlq"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def media(rendition: str) -> str:
    """Topic of one rendition (`Need.rendition`)."""
    return f"glasswatch.media.{_checked(rendition)}.v1"


def detections(detector: str) -> str:
    """Topic of one detector's detections."""
    return f"glasswatch.detections.{_checked(detector)}.v1"


def defects(defect: str) -> str:
    """Topic of the events of one defect: what users subscribe to."""
    return f"glasswatch.defects.{_checked(defect)}.v1"


def dead_letter(topic: str) -> str:
    """Topic of the messages of `topic` that could not be handled."""
    return topic + _DEAD_LETTER


def detector_group(detector: str) -> str:
    """Consumer group of one detector."""
    return f"glasswatch-detector-{_checked(detector)}"


def message_key(channel: str) -> bytes:
    """Key of every message about a channel, so that all of them lie in one partition."""
    return channel.encode()


def _checked(name: str) -> str:
    """ValueError for a name that would not be one part of a topic name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be part of a topic name")
    return name
