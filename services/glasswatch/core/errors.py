"""The one error tree: what an operator can cause and mend is a GlasswatchError."""

from __future__ import annotations


class GlasswatchError(Exception):
    """Something that the user can mend; its text is one line that says what is wrong and what to do."""


class UsageError(GlasswatchError):
    """The command line asks for something that does not exist or contradicts itself."""


class ConfigError(GlasswatchError):
    """A profile or a block of defaults is not valid."""


class InputError(GlasswatchError):
    """The input cannot be opened, or holds nothing that can be decoded."""


class OutputError(GlasswatchError):
    """A report or a media file cannot be written."""


class InferenceError(GlasswatchError):
    """A model could not be run; detectors turn this into INCONCLUSIVE, never into OK."""


class BrokerError(GlasswatchError):
    """Kafka cannot be reached, or refuses what is asked of it."""


class StoreError(GlasswatchError):
    """A store cannot be reached, or has no room; the same call may succeed later."""


class WireError(GlasswatchError):
    """A message is not what its topic promises; it keeps the raw bytes, for the dead-letter topic.

    Attributes:
        raw: The message's value as it came.
    """

    def __init__(self, text: str, raw: bytes) -> None:
        super().__init__(text)
        self.raw = raw
