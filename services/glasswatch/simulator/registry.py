"""Every injector by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from glasswatch.simulator.effects import (
    added,
    ambience_negatives,
    audio,
    audio_negatives,
    av_sync,
    block_corruption,
    block_negatives,
    clicks,
    distortion,
    instrument_negatives,
    stream,
    video,
    video_negatives,
    voice_negatives,
)
from glasswatch.simulator.injector import Injector


@cache
def injectors() -> Mapping[str, Injector]:
    """Defects first, then what resembles them, each in alphabetical order."""
    every = [
        *video.INJECTORS,
        *audio.INJECTORS,
        *added.INJECTORS,
        *distortion.INJECTORS,
        *clicks.INJECTORS,
        *av_sync.INJECTORS,
        *stream.INJECTORS,
        *block_corruption.INJECTORS,
        *video_negatives.INJECTORS,
        *block_negatives.INJECTORS,
        *audio_negatives.INJECTORS,
        *instrument_negatives.INJECTORS,
        *ambience_negatives.INJECTORS,
        *voice_negatives.INJECTORS,
    ]
    ordered = sorted(every, key=lambda i: (i.negative, i.name))
    found = {i.name: i for i in ordered}
    if len(found) != len(ordered):
        raise RuntimeError("two injectors share a name")
    return MappingProxyType(found)
