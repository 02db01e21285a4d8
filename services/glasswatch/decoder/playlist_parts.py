"""Parts of a finished HLS playlist that FFmpeg's demuxer cannot read as one.

Fragments behind EXT-X-DISCONTINUITY begin anew, often with another EXT-X-MAP (an advertisement between two pieces of a
programme). FFmpeg goes on with the first header, and throws away what its timestamps say has been before. So each part
is opened by itself, as a playlist of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence

import m3u8

MOST_PARTS = 1000
"""A day with a break every two minutes; each part costs an opening."""


def needs_parts(playlist: m3u8.M3U8) -> bool:
    """Whether fragments with headers of their own are joined at discontinuities."""
    has_headers = any(segment.init_section is not None for segment in playlist.segments)
    return bool(playlist.is_endlist and has_headers and len(_groups(playlist)) > 1)


def parts_of(playlist: m3u8.M3U8, resolve: Callable[[str], str]) -> list[str]:
    """Each part as a playlist in a `data:` address; `resolve` makes an address of a reference in the playlist."""
    first = int(playlist.media_sequence or 0)
    parts = []
    # Segments share a header or a key until the next one is named: each is resolved once.
    owners = [o for s in playlist.segments for o in (s, s.init_section, s.key) if o is not None and o.uri]
    for owner in {id(owner): owner for owner in owners}.values():
        owner.uri = resolve(owner.uri)
    for group in _groups(playlist)[:MOST_PARTS]:
        text = "".join(_lines(group, first, float(playlist.target_duration or 1)))
        encoded = base64.b64encode(text.encode()).decode()
        parts.append(f"data:application/vnd.apple.mpegurl;base64,{encoded}")
        first += len(group)
    return parts


def _groups(playlist: m3u8.M3U8) -> list[list[m3u8.Segment]]:
    groups: list[list[m3u8.Segment]] = []
    for segment in playlist.segments:
        if segment.discontinuity or not groups:
            groups.append([])
        groups[-1].append(segment)
    return groups


def _lines(group: Sequence[m3u8.Segment], first: int, target_s: float) -> Iterator[str]:
    """The text of a part; `first` is the number of its first segment, by which it is decrypted if no IV is stated."""
    yield f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target_s:.0f}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    before = None
    for segment in group:
        segment.discontinuity = False
        yield segment.dumps(before, infspec="microseconds") + "\n"
        before = segment
    yield "#EXT-X-ENDLIST\n"
