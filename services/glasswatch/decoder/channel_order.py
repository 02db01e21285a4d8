"""Channels in an order of the container's own, as 5.1 in MOV that begins with the centre."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from av import AudioLayout
from av.container import InputContainer

_NATIVE = (
    *(
        "FL",
        "FR",
        "FC",
        "LFE",
        "BL",
        "BR",
        "FLC",
        "FRC",
        "BC",
        "SL",
        "SR",
        "TC",
        "TFL",
        "TFC",
        "TFR",
        "TBL",
        "TBC",
        "TBR",
    ),
    *(
        "DL",
        "DR",
        "WL",
        "WR",
        "SDL",
        "SDR",
        "LFE2",
        "TSL",
        "TSR",
        "BFC",
        "BFL",
        "BFR",
        "SSL",
        "SSR",
        "TTL",
        "TTR",
        "BIL",
        "BIR",
    ),
)
"""FFmpeg's own order (channel_layout.h): layouts in it are masks of bits."""

UNSTATED = "NONE"
"""FFmpeg's name of a channel of which the container says nothing, as plain WAV files do."""


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """The order that a container states for a track: its name, and what each channel is."""

    name: str
    channels: tuple[str, ...]


def take_orders(container: InputContainer) -> dict[int, ChannelOrder]:
    """Orders that are not FFmpeg's own, by the index of the track; their decoders then only know how many channels.

    FFmpeg holds such an order in a list in memory, which PyAV's layouts share with the decoder or the frame that they
    are read from; both release it, and the process dies. So it is read once, and no frame must ever have it: once the
    decoder has another layout, the list belongs to the one that was read.
    """
    found: dict[int, ChannelOrder] = {}
    for track in container.streams.audio:
        if track.codec_context is None:
            continue
        layout = track.codec_context.layout
        channels = tuple(channel.name for channel in layout.channels)
        if not _is_own_order(channels):
            found[track.index] = ChannelOrder(layout.name, channels)
            track.codec_context.layout = AudioLayout(f"{len(channels)}C")
    return found


def _is_own_order(channels: tuple[str, ...]) -> bool:
    """Whether it is one that FFmpeg holds as a mask, or a count: what is ambisonic has no list either."""
    if all(name == UNSTATED or name.startswith("AMBI") for name in channels):
        return True
    places = [_NATIVE.index(name) if name in _NATIVE else -1 for name in channels if not name.startswith("AMBI")]
    return places[0] >= 0 and all(a < b for a, b in pairwise(places))
