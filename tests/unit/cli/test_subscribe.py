from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import ModuleType, SimpleNamespace

import click
import jsonschema
import pytest
from click.testing import CliRunner

from glasswatch.cli import subscribe as module
from glasswatch.cli.subscribe import News, Since, json_line, line, subscribe
from glasswatch.core.detection import Event, EventState, Severity
from glasswatch.core.errors import UsageError
from glasswatch.core.time import Span
from glasswatch.wire.event import encode_event
from glasswatch.wire.headers import Headers, MessageType, event_headers

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"
TOPIC = "glasswatch.defects.silence.v1"

OPENED = Event(
    id="0123456789abcdef",
    channel="news",
    defect="silence",
    detector="silence",
    version="1",
    severity=Severity.WARNING,
    span=Span(2, Fraction(500), Fraction(502)),
    score=0.75,
    state=EventState.OPEN,
    measurements={"level_dbfs": -72.5},
    track="audio-1",
    position=Fraction(3723, 1) + Fraction(1, 4),
)
RAISED = replace(OPENED, severity=Severity.ERROR, span=Span(2, Fraction(500), Fraction(510)))
CLOSED = replace(RAISED, state=EventState.CLOSED)
GROUPED = replace(CLOSED, incident="source_lost-1")


def changes(*versions: Event) -> list[str | None]:
    news = News()
    return [news.change(version, encode_event(version)) for version in versions]


def test_changes_are_called_by_their_names() -> None:
    assert changes(OPENED, RAISED, CLOSED, GROUPED) == ["opened", "raised", "closed", "updated"]


def test_what_was_open_before_is_updated_unless_it_is_more_severe() -> None:
    longer = replace(OPENED, span=Span(2, Fraction(500), Fraction(503)))
    assert changes(OPENED, longer) == ["opened", "updated"]


def test_an_event_that_is_first_heard_of_at_its_end_is_closed() -> None:
    assert changes(CLOSED) == ["closed"]


def test_nothing_is_told_twice_or_late() -> None:
    assert changes(OPENED, OPENED, CLOSED, RAISED, OPENED, CLOSED) == ["opened", None, "closed", None, None, None]


def test_memory_of_what_was_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 2)
    first, second, third = (replace(OPENED, id=str(number)) for number in range(3))
    assert changes(first, second, first, third, second, first) == ["opened", "opened", None, "opened", None, "opened"]


def test_a_line_tells_where_when_how_bad_and_what() -> None:
    assert click.unstyle(line(GROUPED, "closed")) == (
        "news  1:02:03.250  error    closed   silence audio-1  10.00 s  Level −72.5 dBFS  incident source_lost-1"
    )


def test_measurements_of_an_unknown_detector_have_no_unit() -> None:
    assert "Level dbfs −72.5" in line(replace(OPENED, detector="of_tomorrow"), "opened")


def test_text_from_elsewhere_cannot_steer_the_terminal() -> None:
    text = click.unstyle(line(replace(OPENED, channel="ne\x1b[2Jws\n", kind="\x07"), "opened"))
    assert text.isprintable()


def test_a_json_line_has_the_fields_of_the_reports_events() -> None:
    text = json_line(replace(GROUPED, measurements={"level_dbfs": float("-inf")}, reason="ü\n"))
    assert "\n" not in text
    found = json.loads(text)
    assert (found.pop("channel"), found.pop("state")) == ("news", "closed")
    assert (found["start_s"], found["end_s"]) == (3723.25, 3733.25)
    assert found["measurements"] == {"level_dbfs": None}
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(found, {**schema["properties"]["events"]["items"], "$defs": schema.get("$defs", {})})


def test_since_is_a_time() -> None:
    since = Since()
    assert since.convert("now", None, None) is None
    assert since.convert("beginning", None, None) == 0
    back = since.convert("60", None, None)
    assert back == pytest.approx((time.time() - 60) * 1000, abs=5000)
    assert since.convert("1e12", None, None) == 0, "longer ago than any message"


@pytest.mark.parametrize("text", ["", "yesterday", "-1", "nan", "inf"])
def test_since_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(click.BadParameter, match="seconds back"):
        Since().convert(text, None, None)


def test_an_unknown_defect_names_those_that_there_are() -> None:
    result = CliRunner().invoke(subscribe, ["blakc", "--bootstrap", "broker:9092"], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "'blakc'" in str(result.exception)
    assert "black, " in str(result.exception)


def test_it_must_be_told_where_kafka_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSWATCH_KAFKA", raising=False)
    result = CliRunner().invoke(subscribe, ["black"], standalone_mode=False)
    assert isinstance(result.exception, UsageError)
    assert "GLASSWATCH_KAFKA" in str(result.exception)


def followed(offset: int, value: bytes, headers: Headers) -> SimpleNamespace:
    return SimpleNamespace(topic=TOPIC, partition=3, offset=offset, value=value, headers=tuple(headers))


def test_what_cannot_be_decoded_is_told_and_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = encode_event(OPENED)
    headers = event_headers(MessageType.EVENT, TOPIC, sound, "/test", datetime.now(UTC))
    others = event_headers(MessageType.DETECTION, TOPIC, sound, "/test", datetime.now(UTC))
    messages = [
        followed(6, sound, []),
        followed(7, sound, others),
        followed(8, b"no event", headers),
        followed(9, b"", headers),
        followed(10, sound, headers),
    ]

    def until_interrupted(_: object) -> Iterator[SimpleNamespace]:
        yield from messages
        raise KeyboardInterrupt

    @contextmanager
    def kafka_follower(bootstrap: str, topics: Collection[str], since_ms: int | None) -> Iterator[SimpleNamespace]:
        assert (bootstrap, list(topics), since_ms) == ("broker:9092", [TOPIC], None)
        yield SimpleNamespace(messages=until_interrupted)

    follower = ModuleType("kafka_follower")
    follower.kafka_follower = kafka_follower  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "glasswatch.adapters.kafka_follower", follower)
    result = CliRunner().invoke(subscribe, ["silence", "--bootstrap", "broker:9092"], standalone_mode=False)
    assert result.return_value == 0
    assert result.stdout == f"{click.unstyle(line(OPENED, 'opened'))}\n"
    told = result.stderr.splitlines()
    assert [text.split(": ")[1] for text in told] == [
        f"skipped {TOPIC}, partition 3, offset {offset}" for offset in (6, 7, 8, 9)
    ]
    assert "no header ce_specversion" in told[0]
    assert "'glasswatch.v1.DetectionBatch', not 'glasswatch.v1.Event'" in told[1]
    assert "cannot decode an event" in told[2]
