"""What must be there before a worker starts: Kafka, and its topics."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from glasswatch.core.errors import BrokerError

log = logging.getLogger(__name__)

PATIENCE_S = 120.0
"""How long a start waits for Kafka, which may be starting as well; then the process ends, for somebody to notice."""

PAUSE_S = 2.0
REQUEST_MS = 5000


async def await_topics(
    kafka: str, wanted: Collection[str], tell: Callable[[str], None], patience_s: float = PATIENCE_S
) -> None:
    """Wait until Kafka answers, and make sure that it has the topics.

    Faust would end at a broker that is not there yet, and wait without a word for topics that nobody has made.

    Args:
        kafka: Brokers, `host:port,host:port`.
        wanted: Names of topics.
        tell: Takes the reason of each failed attempt.
        patience_s: How long to wait for an answer, in seconds.

    Raises:
        BrokerError: It has not answered, or topics are missing.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            there = await _topics(kafka)
            break
        except (KafkaError, OSError, TimeoutError) as error:
            reason = f"cannot reach Kafka at {kafka}: {' '.join(str(error).split()) or type(error).__name__}"
        if time.monotonic() >= deadline:
            raise BrokerError(f"{reason}; gave up after {patience_s:g} s")
        tell(reason)
        log.warning("waits: %s", reason)
        await asyncio.sleep(PAUSE_S)
    if missing := sorted(set(wanted) - there):
        some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise BrokerError(f"Kafka at {kafka} has no {some}: make the topics with glasswatch topics apply")


async def _topics(kafka: str) -> set[str]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.split(","), request_timeout_ms=REQUEST_MS)
    try:
        await client.start()
        return set(await client.list_topics())
    finally:
        await client.close()
