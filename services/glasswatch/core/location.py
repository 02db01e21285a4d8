"""What may be named as an input: a file, or a URL of a protocol that reaches the network and nothing else."""

from __future__ import annotations

import re

from glasswatch.core.redact import redact

REMOTE = ("http", "https", "rtmp", "rtmps", "rtsp", "rtp", "srt", "tcp", "udp")
"""What a URL may start with. FFmpeg's `concat:`, `subfile:`, `pipe:` and others that reach into files are left out."""

_URL = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)


def is_remote(location: str) -> bool:
    """Whether it is a URL of a protocol that is allowed."""
    url = _URL.match(location)
    return url is not None and url[1].lower() in REMOTE


def why_refused(location: str) -> str | None:
    """Why a location that is no file is no input either, None where it may be one. Without secrets, one line."""
    if _URL.match(location) is None or is_remote(location):
        return None
    return f"cannot read {redact(location)}: name a file, or a URL of {', '.join(REMOTE)}"
