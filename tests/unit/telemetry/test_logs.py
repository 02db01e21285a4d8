import io
import json
import logging
import warnings
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.telemetry.logs import LIBRARIES, configure, hide_secrets

log = logging.getLogger("glasswatch.test")


@pytest.fixture
def lines():
    """Configures logging as asked and gives the lines so far; puts everything back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()

    def start(*args, **options):
        configure(*args, stream=stream, **options)
        return lambda: stream.getvalue().splitlines()

    yield start
    logging.captureWarnings(False)
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_line_to_read(lines):
    written = lines("info")
    log.warning("behind by %d s", 4, extra={"channel": "news-1", "worker": "black"})
    (line,) = written()
    time, rest = line.split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo is not None
    assert rest == "WARNING glasswatch.test behind by 4 s channel=news-1 worker=black"


def test_json_has_what_was_given_and_nothing_else(lines):
    written = lines(json=True)
    log.info("ünïcode\nand two lines", extra={"channel": "news-1"})
    (line,) = written()
    record = json.loads(line)
    assert record.pop("time").endswith("Z")
    assert record == {
        "level": "INFO",
        "logger": "glasswatch.test",
        "message": "ünïcode\nand two lines",
        "channel": "news-1",
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_a_traceback_stays_on_its_line_and_keeps_no_password(lines, as_json):
    written = lines(json=as_json)
    try:
        raise OSError("cannot open rtmp://me:hunter2@host/live")
    except OSError:
        log.exception("stopped")
    (line,) = written()
    assert "Traceback" in line
    assert "rtmp://***@host/live" in line
    assert "hunter2" not in line


def test_the_level_holds_for_all(lines):
    written = lines("warning")
    log.info("quiet")
    logging.getLogger("aiokafka").warning("heard")
    assert len(written()) == 1


@pytest.mark.parametrize(("level", "heard"), [("debug", 2), ("info", 1), ("error", 0)])
def test_libraries_say_at_info_what_is_for_debugging(lines, level, heard):
    written = lines(level)
    client = logging.getLogger("aiokafka.conn")
    client.info("connected")
    client.warning("disconnected")
    assert len(written()) == heard


def test_configuring_again_replaces(lines):
    lines()
    written = lines()
    log.info("once")
    assert len(written()) == 1


def test_warnings_become_records(lines):
    written = lines()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
    assert "py.warnings" in written()[0]


def test_an_unknown_level_is_an_error():
    with pytest.raises(ValueError, match="NOISY"):
        configure("noisy", stream=io.StringIO())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no address here: a/b?c=d", "no address here: a/b?c=d"),
        ("redis://:pw@host:6379/0: refused", "redis://***@host:6379/0: refused"),
        ("kafka at http://host:9092.", "kafka at http://host:9092."),
        ("open 'https://host/a.ts?token=abc', again", "open 'https://host/a.ts?token=***', again"),
        (
            "srt://host:9000?passphrase=x and srt://h2:1?passphrase=y",
            "srt://host:9000?passphrase=*** and srt://h2:1?passphrase=***",
        ),
        ("https://u:p'w\"d@host/x", "https://***@host/x"),
    ],
)
def test_secrets_of_addresses_are_hidden(text, shown):
    assert hide_secrets(text) == shown


# "|" separates addresses, see core.redact.
@given(st.text(st.characters(categories=("L", "N", "P", "S"), exclude_characters="|")))
def test_no_password_is_shown_whatever_it_holds(middle):
    assert "secret" not in hide_secrets(f"cannot open rtmp://user:secret{middle}secret@host/live: gone")
