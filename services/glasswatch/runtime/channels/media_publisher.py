"""Sessions' messages on Kafka: encoded, large payloads stored first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from glasswatch.core.control import ChannelStopped, ControlMessage
from glasswatch.core.errors import StoreError
from glasswatch.core.message import MediaMessage
from glasswatch.ports.media_store import MediaStore
from glasswatch.ports.publisher import Publisher
from glasswatch.runtime.channels.session import SessionRefusedError
from glasswatch.telemetry import metrics
from glasswatch.wire import topics
from glasswatch.wire.control import encode_control
from glasswatch.wire.headers import MessageType, event_headers, next_traceparent
from glasswatch.wire.media import encode_media
from glasswatch.wire.payload import Detached

log = logging.getLogger(__name__)

SOURCE = "/glasswatch/decoder"
STORE_DELAYS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""How long to wait between attempts to store a payload: a restart of the store is survived."""


class MediaPublisher:
    """Publishes media messages, a `follower.Sink` for any number of threads."""

    def __init__(
        self,
        publisher: Publisher,
        most_inline: Mapping[str, int],
        store: MediaStore | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare.

        Args:
            publisher: Takes the messages.
            most_inline: For each rendition, bytes of a payload that fit into a message.
            store: Takes larger payloads; without one they end their session.
            sleep: Waits so many seconds.
        """
        self._publisher = publisher
        self._most_inline = most_inline
        self._store = store
        self._sleep = sleep

    def __call__(self, message: MediaMessage) -> None:
        """Publish a message; waits while too much is unconfirmed.

        Raises:
            SessionRefusedError: It has no form on the wire, or no place for its payload.
            StoreError: The store does not take the payload, after a minute of attempts.
            BrokerError: Kafka has failed.
        """
        rendition = message.rendition
        try:
            encoded = encode_media(message, self._most_inline[rendition])
        except ValueError as error:
            raise SessionRefusedError(f"a message of {rendition} has no form on the wire: {error}") from error
        if encoded.detached is not None:
            self._keep(encoded.detached, rendition)
        topic = topics.media(rendition)
        headers = event_headers(
            MessageType.MEDIA, topic, encoded.identity, SOURCE, datetime.now(UTC), next_traceparent()
        )
        self._publisher.publish(topic, topics.message_key(message.channel), encoded.value, headers)
        metrics.DECODER_MESSAGES.labels(rendition).inc()
        metrics.DECODER_BYTES.labels(rendition).inc(len(encoded.value))

    def _keep(self, payload: Detached, rendition: str) -> None:
        if self._store is None:
            raise SessionRefusedError(
                f"a payload of {len(payload.data)} bytes on {rendition} does not fit into a message of "
                f"{self._most_inline[rendition]}, and there is no media store: name one with GLASSWATCH_REDIS, "
                "or raise max.message.bytes with glasswatch topics apply"
            )
        for delay_s in STORE_DELAYS_S:
            try:
                self._store.put(payload.key, payload.data)
                break
            except StoreError as error:
                log.warning("%s; tried again in %g s", error, delay_s)
                self._sleep(delay_s)
        else:
            self._store.put(payload.key, payload.data)
        metrics.DECODER_CLAIM_CHECKS.inc()


CONFIRM_S = 600.0
"""How long the end of a channel waits for its media to be confirmed: as long as a publisher tries."""


def publish_control(publisher: Publisher, message: ControlMessage, source: str = SOURCE) -> None:
    """Publish a control message; each is an event of its own, even if it says again what was said before.

    That a channel has ended is said when its media is confirmed: whoever reads it does not decode it again.
    """
    if isinstance(message, ChannelStopped):
        publisher.flush(CONFIRM_S)
    value, now = encode_control(message), datetime.now(UTC)
    identity = f"{now.isoformat()} ".encode() + value
    headers = event_headers(MessageType.CONTROL, topics.CONTROL, identity, source, now)
    publisher.publish(topics.CONTROL, topics.message_key(message.channel), value, headers)
