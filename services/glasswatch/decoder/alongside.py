"""What reads a local file's container too, where that has checks of its own which FFmpeg keeps to itself."""

from __future__ import annotations

from glasswatch.decoder.ogg_reader import OggReader
from glasswatch.decoder.source import Source
from glasswatch.decoder.transport_reader import TransportReader


def reader_alongside(source: Source) -> TransportReader | OggReader | None:
    """The reader for an input, None where there is none for its container."""
    path = source.path
    if path is None:
        return None
    if source.is_transport_stream:
        return TransportReader(path)
    return OggReader(path) if source.container.format.name == "ogg" else None
