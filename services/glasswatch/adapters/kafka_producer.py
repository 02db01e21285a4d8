"""Publishing to Kafka, through kafka-python's producer; needs the extra `cluster`."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from glasswatch.adapters.kafka_errors import refusals
from glasswatch.core.errors import BrokerError
from glasswatch.telemetry import metrics

REACH_MS = 10_000
DELIVERY_TIMEOUT_S = 600.0
"""How long a message is sent again before it is given up: as long as media is kept by default. An outage of the brokers
that is shorter costs nothing but time."""

MOST_BYTES = 64 << 20
MOST_MESSAGES = 10_000
"""What may be unconfirmed: half a minute of a channel, little memory for many."""

MAX_REQUEST_BYTES = 8 << 20
STALLED_S = 30.0
"""Kafka confirms within milliseconds; after so long something is wrong with it."""

RECONNECT_MAX_MS = 2_000


class KafkaPublisher:
    """Implements `glasswatch.ports.publisher.Publisher`.

    Messages are idempotent and confirmed by all in-sync replicas, in order for each key. kafka-python itself keeps
    whatever it is given; here `publish` waits while too much is unconfirmed, so that a broker that is slow or away
    holds up its callers. After a failed delivery every call raises: what follows would leave a gap.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        most_bytes: int = MOST_BYTES,
        most_messages: int = MOST_MESSAGES,
        delivery_timeout_s: float = DELIVERY_TIMEOUT_S,
    ) -> None:
        """Connect.

        Args:
            bootstrap: Brokers, `host:port,host:port`.
            max_request_bytes: Largest message, and largest request to a broker.
            most_bytes: Bytes that may be unconfirmed; one larger message alone may be, too.
            most_messages: Messages that may be unconfirmed.
            delivery_timeout_s: How long a message is sent again before it counts as failed.

        Raises:
            BrokerError: No broker can be reached.
        """
        with refusals(f"reach Kafka at {bootstrap}"):
            self._producer = KafkaProducer(
                bootstrap_servers=bootstrap.split(","),
                client_id="glasswatch",
                bootstrap_timeout_ms=REACH_MS,
                acks="all",
                enable_idempotence=True,
                max_in_flight_requests_per_connection=5,
                compression_type=None,  # Payloads are compressed already.
                max_request_size=max_request_bytes,
                delivery_timeout_ms=int(delivery_timeout_s * 1000),
                reconnect_backoff_max_ms=RECONNECT_MAX_MS,
                allow_auto_create_topics=False,
            )
        self._most_bytes = most_bytes
        self._most_messages = most_messages
        self._changed = threading.Condition()
        self._bytes = 0
        self._published = 0
        self._unconfirmed: dict[int, None] = {}
        self._since = time.monotonic()
        self._failure: str | None = None

    @property
    def unconfirmed_bytes(self) -> int:
        """Bytes that were published and are not confirmed yet."""
        return self._bytes

    @property
    def stalled_s(self) -> float:
        """For how many seconds messages have waited without one being confirmed; 0 where none waits."""
        with self._changed:
            return time.monotonic() - self._since if self._unconfirmed else 0.0

    def trouble(self) -> str | None:
        """Why a service that publishes cannot work now, None while it can; for health checks."""
        waited_s = self.stalled_s
        return f"Kafka has confirmed nothing for {waited_s:.0f} s" if waited_s > STALLED_S else None

    def publish(self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Send a message; waits while too much is unconfirmed.

        Raises:
            BrokerError: It cannot be sent, or a message could not be delivered.
        """
        size = len(key) + len(value) + sum(len(name) + len(text) for name, text in headers)
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or self._has_room(size))
            self._check()
            if not self._unconfirmed:
                self._since = time.monotonic()
            self._published += 1
            number = self._published
            self._unconfirmed[number] = None
            self._count(size)
        try:
            future = self._producer.send(topic, value, key=key, headers=list(headers))
        # ValueError and TypeError: a name of a topic that Kafka does not allow.
        except (KafkaError, ValueError, TypeError) as error:
            self._done(number, size, topic, error)
            self._check()
        else:
            future.add_callback(lambda _: self._done(number, size, topic))
            future.add_errback(lambda error: self._done(number, size, topic, error))

    def flush(self, timeout_s: float) -> None:
        """Wait until all is confirmed that was published before.

        Raises:
            BrokerError: It is not in time, or a message could not be delivered.
        """
        with self._changed:
            last = self._published
            self._changed.wait_for(lambda: self._failure is not None or self._is_confirmed(last), timeout_s)
            self._check()
            if not self._is_confirmed(last):
                count = len(self._unconfirmed)
                raise BrokerError(f"Kafka has not confirmed {count} messages within {timeout_s:g} s")

    def close(self, timeout_s: float = 1.0) -> None:
        """Let go of the brokers; what is unconfirmed by then may be lost, and who waits to publish gets BrokerError."""
        with self._changed:
            self._failure = self._failure or "the publisher is closed"
            self._changed.notify_all()
        self._producer.close(timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_confirmed(self, last: int) -> bool:
        """Whether every message up to number `last` is."""
        return next(iter(self._unconfirmed), last + 1) > last

    def _has_room(self, size: int) -> bool:
        if not self._unconfirmed:
            return True
        return self._bytes + size <= self._most_bytes and len(self._unconfirmed) < self._most_messages

    def _check(self) -> None:
        if self._failure is not None:
            raise BrokerError(self._failure)

    def _count(self, size: int) -> None:
        self._bytes += size
        metrics.DECODER_UNCONFIRMED_BYTES.inc(size)

    def _done(self, number: int, size: int, topic: str, error: Exception | None = None) -> None:
        """A message is confirmed or has failed; called by kafka-python's thread."""
        with self._changed:
            self._since = time.monotonic()
            self._unconfirmed.pop(number, None)
            self._count(-size)
            if error is not None and self._failure is None:
                self._failure = f"a message to {topic} was not delivered: {error or type(error).__name__}"
            self._changed.notify_all()
