"""What becomes of Kafka's refusals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import KafkaError

from glasswatch.core.errors import BrokerError


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Raise BrokerError, which says that one cannot do `what`, for whatever the client or the broker refuses inside."""
    # kafka-python refuses addresses that it cannot read with ValueError.
    try:
        yield
    except (KafkaError, ValueError) as error:
        raise BrokerError(f"cannot {what}: {error or type(error).__name__}") from error
