"""`glasswatch subscribe`: events as they happen, as lines for a person or for a program."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Collection

import click

from glasswatch.cli import services
from glasswatch.cli.messages import say
from glasswatch.cli.services import cluster_extra, needed
from glasswatch.core.detection import Event, EventState, Severity
from glasswatch.core.errors import UsageError, WireError
from glasswatch.core.text import plain, timecode
from glasswatch.core.time import Timeline
from glasswatch.detectors.registry import registered
from glasswatch.ports.event_store import revision
from glasswatch.report import wording
from glasswatch.report.json_report import event_to_json
from glasswatch.report.model import event_row
from glasswatch.wire import topics
from glasswatch.wire.event import decode_event
from glasswatch.wire.headers import MessageType, check_headers

ALL = "all"

MOST_KNOWN = 10_000
"""Events of which it is remembered what was last told of them."""

MOST_MEASUREMENTS = 3

_COLOUR = {Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.ERROR: "red"}


class Since(click.ParamType):
    """Where to begin, as milliseconds since 1970; None for now."""

    name = "since"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Read the option; click calls this with what the user wrote."""
        if value == "now":
            return None
        if value == "beginning":
            return 0
        try:
            seconds = float(str(value))
        except ValueError:
            seconds = math.nan
        if not (seconds >= 0 and math.isfinite(seconds)):
            self.fail(f"{value!r} is not now, beginning or a number of seconds back", param, ctx)
        return max(0, int((time.time() - seconds) * 1000))


class News:
    """What was told of each event so far, to call changes by their names and to tell nothing twice."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[Event, bytes]] = OrderedDict()

    def change(self, event: Event, encoded: bytes) -> str | None:
        """What this version brings, in one word; None where it was delivered again, or late."""
        before, bytes_before = self._told.get(event.id, (None, b""))
        if before is not None and (encoded == bytes_before or revision(event) < revision(before)):
            return None
        self._told[event.id] = event, encoded
        self._told.move_to_end(event.id)
        if len(self._told) > MOST_KNOWN:
            self._told.popitem(last=False)
        if event.state is EventState.CLOSED:
            return "closed" if before is None or before.state is EventState.OPEN else "updated"
        if before is None:
            return "opened"
        return "raised" if event.severity > before.severity else "updated"


@click.command()
@click.argument("defect")
@services.options(
    services.KAFKA,
    click.option(
        "--since",
        "since_ms",
        type=Since(),
        metavar="now|beginning|SECONDS",
        default="now",
        show_default=True,
        help="Begin with what comes from now on, with the oldest that is kept, or so many seconds back.",
    ),
    click.option("--channel", "channels", multiple=True, help="Only this channel; may be given several times."),
    click.option(
        "--severity",
        type=click.Choice([severity.label for severity in Severity]),
        default=Severity.INFO.label,
        show_default=True,
        help="Only events that are at least so severe.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON object a line."),
)
def subscribe(
    defect: str,
    kafka: str | None,
    since_ms: int | None,
    channels: tuple[str, ...],
    severity: str,
    as_json: bool,
) -> int:
    """Follow the events of DEFECT, or of `all` defects, until Ctrl-C or SIGTERM.

    A line tells that an event was opened, raised in severity, updated or closed. No consumer group is used: any number
    of subscribers each get everything.
    """
    wanted = [topics.defects(name) for name in _defects(defect)]
    kafka = needed(kafka, "Kafka", "--bootstrap host:port", "GLASSWATCH_KAFKA")
    with cluster_extra():
        from glasswatch.adapters.kafka_follower import kafka_follower  # noqa: PLC0415
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # What matters of it is told in one line.
    least = Severity.parse(severity)
    news = News()
    try:
        with kafka_follower(kafka, wanted, since_ms) as follower:
            for message in follower.messages(say):
                try:
                    event = _read(message.headers, message.value)
                except WireError as error:
                    say(f"skipped {message.topic}, partition {message.partition}, offset {message.offset}: {error}")
                    continue
                if event.severity < least or (channels and event.channel not in channels):
                    continue
                change = news.change(event, message.value)
                if change is not None:
                    click.echo(json_line(event) if as_json else line(event, change))
    except KeyboardInterrupt:
        pass  # It is how a user ends what has no end.
    return 0


def line(event: Event, change: str) -> str:
    """An event for a person: where, when, how bad, what."""
    units = _units(event.detector)
    measured = [wording.quantity(name, value, units.get(name)) for name, value in event.measurements.items()]
    what = " ".join(part for part in (event.defect, event.kind, event.track) if part)
    parts = [
        plain(event.channel),
        timecode(float(event.position)),
        click.style(f"{event.severity.label:<7}", fg=_COLOUR[event.severity]),
        f"{change:<7}",
        plain(what),
        wording.duration(float(event.span.duration)),
        *(plain(f"{label} {value}") for label, value in measured[:MOST_MEASUREMENTS]),
    ]
    if event.incident:
        parts.append(plain(f"incident {event.incident}"))
    return "  ".join(parts)


def json_line(event: Event) -> str:
    """An event for a program: the fields of the report's events, with channel and state."""
    timeline = Timeline()
    timeline.place(event.span.epoch, event.position - event.span.start)
    fields = event_to_json(event_row(event, timeline))
    return json.dumps({"channel": event.channel, "state": event.state.value, **fields}, allow_nan=False)


def _defects(defect: str) -> Collection[str]:
    known = sorted({name for cls in registered().values() for name in cls.spec.defects})
    if defect == ALL:
        return known
    if defect not in known:
        raise UsageError(f"there is no defect {defect!r}: the defects are {', '.join(known)}, or {ALL}")
    return [defect]


def _read(headers: tuple[tuple[str, bytes], ...], value: bytes) -> Event:
    check_headers(headers, MessageType.EVENT, value)
    return decode_event(value)


def _units(detector: str) -> dict[str, str]:
    """Units of its measurements by name; none for a detector of another release."""
    cls = registered().get(detector)
    return dict(cls.spec.measurements) if cls is not None else {}
