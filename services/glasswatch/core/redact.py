"""Keeping passwords and tokens out of reports: a report is passed on to people who may not have them."""

from __future__ import annotations

import re

HIDDEN = "***"

# "|" separates the inputs of FFmpeg's concat protocol.
_URL = re.compile(r"([a-z][a-z0-9+.-]*://)([^|]*)", re.IGNORECASE)
_HOST = re.compile(r"(\[[0-9a-f:.]+(%\w+)?\]|[^:\[\]]*)(:\d*)?", re.IGNORECASE)
_VALUE = re.compile(r"=[^&;#]*")


def redact(location: str) -> str:
    """A path or URL fit to be shown: no user or password, no values of query parameters, no fragment.

    Every query value is hidden, since no list of secret names is complete (`token`, `passphrase`, `hdnts`, ...). What
    does not read as host and port is hidden whole: an unquoted "/" in a password looks like the start of the path.
    A plain path is returned as it is, except that bytes which are not UTF-8 are written as escapes.
    """
    text = location.encode("utf-8", "backslashreplace").decode()
    return _URL.sub(lambda match: match[1] + _redact_rest(match[2]), text)


def _redact_rest(rest: str) -> str:
    """The part of a URL behind its scheme."""
    before_fragment = rest.partition("#")[0]
    address, mark, query = before_fragment.partition("?")
    authority = address.partition("/")[0]
    user = ""
    if "@" in authority:
        user, _, address = address.rpartition("@")
        authority = address.partition("/")[0]
    if not _HOST.fullmatch(authority):
        return HIDDEN
    shown_user = f"{HIDDEN}@" if user else ""
    shown_query = _VALUE.sub(f"={HIDDEN}", query) if "=" in query else HIDDEN * bool(query)
    return f"{shown_user}{address}{mark}{shown_query}"
