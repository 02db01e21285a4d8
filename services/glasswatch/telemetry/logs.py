"""Log lines of services: one line for one record, to read or as JSON, without passwords."""

from __future__ import annotations

import json as json_format
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TextIO

from glasswatch.core.redact import redact

FIELDS = ("channel", "worker")
"""What a record may tell beside its message: `log.info("...", extra={"channel": channel})`."""

LIBRARIES = ("aiokafka", "faust", "kafka", "mode")
"""What they tell at INFO, such as every connection that is opened, is only of use for debugging."""

# Up to the next blank: a password may hold any other character. Punctuation at the end belongs to the sentence.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S*[^\s:;,.'\")\]}>]", re.IGNORECASE)


def configure(level: str = "INFO", json: bool = False, stream: TextIO | None = None) -> None:
    """Send every log record of the process, and Python's warnings, to `stream` as single lines.

    Replaces what was configured before.

    Args:
        level: Least level that is written, for example "INFO"; of LIBRARIES, "INFO" writes warnings only.
        json: One JSON object a line (time, level, logger, message, exception, and those of FIELDS that are given),
            instead of a line to read.
        stream: Where to; None takes standard error.

    Raises:
        ValueError: There is no such level.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if json else LineFormatter())
    root = logging.getLogger()
    root.setLevel(level.upper())
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING if root.level == logging.INFO else logging.NOTSET)
    logging.captureWarnings(True)


class JsonFormatter(logging.Formatter):
    """One JSON object for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        return json_format.dumps(_parts(self, record), ensure_ascii=False)


class LineFormatter(logging.Formatter):
    r"""One line to read for each record; line ends within it, as in tracebacks, are written `\n`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        parts = _parts(self, record)
        fields = [f"{name}={parts[name]}" for name in FIELDS if name in parts]
        text = " ".join([parts["time"], f"{parts['level']:<7}", parts["logger"], parts["message"], *fields])
        if "exception" in parts:
            text = f"{text} {parts['exception']}"
        return "\\n".join(text.splitlines())


def hide_secrets(text: str) -> str:
    """The text with the users, passwords and query values of its URLs hidden, see `core.redact`."""
    return _URL.sub(lambda url: redact(url[0]), text) if "://" in text else text


def _parts(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, str]:
    when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    parts = {
        "time": when.replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    parts |= {name: str(getattr(record, name)) for name in FIELDS if getattr(record, name, None) is not None}
    if record.exc_info:
        parts["exception"] = formatter.formatException(record.exc_info)
    return {name: hide_secrets(value) for name, value in parts.items()}
