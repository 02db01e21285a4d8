"""`python -m bench.speed.decode FILE`: decode picture and sound by PyAV in one thread, and do nothing with them."""

from __future__ import annotations

import sys

import av


def decode(path: str) -> int:
    """Decode every frame of every stream of picture and sound; gives their number."""
    count = 0
    with av.open(path) as container:
        streams = [*container.streams.video, *container.streams.audio]
        for stream in streams:
            stream.codec_context.thread_count = 1
        for packet in container.demux(streams):
            count += len(packet.decode())
    return count


if __name__ == "__main__":
    decode(sys.argv[1])
