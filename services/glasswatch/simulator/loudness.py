"""Programme loudness of a track, by FFmpeg's implementation of ITU-R BS.1770."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.filter import Graph

from glasswatch.core.errors import InputError
from glasswatch.simulator.media import MediaInfo, Sound
from glasswatch.simulator.source import read

INTEGRATED = "lavfi.r128.I"
# What the meter shows until a gating block passes the absolute gate of -70 LUFS.
NOTHING_GATED_LUFS = -70.0


def integrated_lufs(path: Path, media: MediaInfo, track: int) -> float:
    """Integrated loudness of a whole track in LUFS.

    Raises:
        InputError: The track is too short or too quiet to be measured.
    """
    info = media.audio[track]
    graph = Graph()
    source = graph.add_abuffer(sample_rate=info.rate, format="fltp", layout=info.layout)
    meter = graph.add("ebur128", "metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    value = NOTHING_GATED_LUFS
    for item in read(path, media, pictures=False):
        if isinstance(item, Sound) and item.track == track:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(item.samples), format="fltp", layout=info.layout)
            frame.sample_rate = info.rate
            frame.pts = item.first
            graph.push(frame)
            value = _latest(graph, value)
    graph.push(None)
    value = _latest(graph, value)
    if value <= NOTHING_GATED_LUFS:
        raise InputError(f"{path}: audio track {track} is too short or too quiet for a loudness measurement")
    return value


def _latest(graph: Graph, value: float) -> float:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return value
        value = float(frame.metadata.get(INTEGRATED, value))
