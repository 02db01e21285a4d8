"""The topics of a broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be, or as it is, with its settings by Kafka's names."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


class TopicAdmin(Protocol):
    """What is asked of a broker."""

    def topics(self) -> Sequence[Topic]:
        """Every topic that there is."""
        ...

    def create(self, wanted: Sequence[Topic]) -> None:
        """Make topics that do not exist."""
        ...

    def raise_partitions(self, counts: Mapping[str, int]) -> None:
        """Give topics so many partitions, more than they have."""
        ...

    def configure(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        """Change settings of topics, and leave their other settings as they are."""
        ...
