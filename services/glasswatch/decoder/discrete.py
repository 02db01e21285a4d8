"""Discrete mono tracks: which of them make one programme, and their sound as that of one track.

Masters (MXF, QuickTime) often hold a stereo or 5.1 mix as mono tracks, one for each channel, and leave others empty.
What is wrong with a pair, and how loud it is, can only be told of the pair.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from glasswatch.core.errors import UsageError
from glasswatch.core.media import AudioChunk
from glasswatch.decoder.streams import format_names

LAYOUTS = {
    2: ("FL", "FR"),
    6: ("FL", "FR", "FC", "LFE", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "SL", "SR", "BL", "BR"),
}
"""Channels of joined tracks in their order (SMPTE ST 2035; Lss, Rss, Lrs, Rrs of 7.1 are FFmpeg's SL, SR, BL, BR)."""

_UNSTATED = "NONE"
"""FFmpeg's name of a channel that the container says nothing of; one that is stated to be mono is "FC"."""

_NAMES = {
    **dict.fromkeys(("l", "left", "lt", "fl"), "FL"),
    **dict.fromkeys(("r", "right", "rt", "fr"), "FR"),
    **dict.fromkeys(("c", "center", "centre", "fc"), "FC"),
    **dict.fromkeys(("lfe", "sub"), "LFE"),
    **dict.fromkeys(("ls", "left surround", "lss", "sl"), "SL"),
    **dict.fromkeys(("rs", "right surround", "rss", "sr"), "SR"),
    **dict.fromkeys(("lrs", "lsr", "bl"), "BL"),
    **dict.fromkeys(("rrs", "rsr", "br"), "BR"),
}
_TITLES = ("title", "name", "handler_name")

_MASTERS = frozenset({"mxf", "mov", "gxf"})

MOST_WAIT_S = Fraction(5)
"""Members of a group are waited for as long as renditions are (`lulls`); one that has nothing then is silent."""

SAME_TIME_S = Fraction(1, 1000)
"""Members that start so close to one another start together: containers round timestamps."""

TrackGroups = tuple[tuple[int, ...], ...]
"""Groups of audio tracks by number, each in the order of its channels."""


@dataclass(frozen=True, slots=True)
class Group:
    """Tracks that are judged as one: their numbers, and the channel that each is."""

    members: tuple[int, ...]
    channels: tuple[str, ...]


def find_groups(tracks: Sequence[AudioStream], groups: TrackGroups | None) -> list[Group]:
    """Which tracks belong together.

    Args:
        tracks: The audio tracks of an input.
        groups: Groups that a profile states; None to infer them.

    Raises:
        UsageError: A stated group names a track that is not there, or not mono.
    """
    if groups is not None:
        return [_stated(tracks, members) for members in groups]
    numbered = [n for n, track in enumerate(tracks) if _is_mono(track)]
    found: list[Group] = []
    for _, run in groupby(numbered, key=lambda n: (n - numbered.index(n), _alike(tracks[n]))):
        found += _inferred(tracks, list(run))
    return found


def _stated(tracks: Sequence[AudioStream], members: tuple[int, ...]) -> Group:
    for number in members:
        if number >= len(tracks):
            raise UsageError(f"the profile joins audio track {number}; the input has {len(tracks)}, counted from 0")
        if not _is_mono(tracks[number]):
            raise UsageError(f"the profile joins audio track {number}, which is not mono")
    if len({_alike(tracks[number])[1] for number in members}) > 1:
        raise UsageError(f"the profile joins audio tracks {members} of different sample rates")
    return Group(members, LAYOUTS[len(members)])


def _inferred(tracks: Sequence[AudioStream], run: list[int]) -> Iterator[Group]:
    """Groups among neighbouring mono tracks of one form and one language: by their labels, else in pairs.

    An odd number of tracks without labels are no pairs, nor are those that the container states to be mono, nor those
    of containers that nobody keeps masters in: there they are languages.
    """
    labels = [_label(tracks[number]) for number in run]
    if all(label in (None, _UNSTATED) for label in labels):
        container = tracks[run[0]].container
        is_master = isinstance(container, InputContainer) and bool(format_names(container) & _MASTERS)
        if is_master and len(run) % 2 == 0 and all(label == _UNSTATED for label in labels):
            yield from (Group((a, b), LAYOUTS[2]) for a, b in zip(run[::2], run[1::2], strict=True))
        return
    members: dict[str, int] = {}
    for number, label in [*zip(run, labels, strict=True), (-1, "FL")]:
        if label in members or label == "FL" or label in (None, _UNSTATED):
            if {"FL", "FR"} <= set(members):
                yield Group(tuple(members.values()), tuple(members))
            members = {}
        if label not in (None, _UNSTATED):
            members[str(label)] = number


def _is_mono(track: AudioStream) -> bool:
    return track.codec_context is not None and track.codec_context.channels == 1


def _alike(track: AudioStream) -> tuple[str, int | None, str]:
    """What tracks of one programme have in common: codec, rate and language."""
    return track.codec_context.name, track.rate, language_of(track)


def language_of(track: AudioStream) -> str:
    """The language that a track is tagged with, empty where there is none ("und" is none)."""
    return "" if track.language in (None, "und") else str(track.language)


def _label(track: AudioStream) -> str | None:
    """Which channel a mono track is: FFmpeg's name, `_UNSTATED`, or None for one that is mono by itself."""
    (name,) = (channel.name for channel in track.layout.channels)
    if name not in (_UNSTATED, "FC"):
        return str(name)
    for key in _TITLES:
        words = re.sub(r"[^a-z ]+", " ", str(track.metadata.get(key, "")).lower()).strip()
        if words in _NAMES:
            return _NAMES[words]
    return _UNSTATED if name == _UNSTATED else None


@dataclass(slots=True)
class Tracks:
    """Puts together the chunks of joined tracks; others go through. All of them learn how many tracks there are.

    Attributes:
        groups: Tracks that are judged as one.
        count: Audio tracks, a group counting as one.
        spare: Tracks that nothing tells apart from the first, which may be unused.
    """

    groups: list[Group]
    count: int
    spare: frozenset[int]
    _waiting: dict[int, deque[AudioChunk]] = field(default_factory=dict)

    @classmethod
    def of(cls, tracks: Sequence[AudioStream], groups: TrackGroups | None) -> Tracks:
        """The tracks of an input; UsageError as in `find_groups`."""
        found = find_groups(tracks, groups)
        joined = sum(len(group.members) for group in found)
        first = language_of(tracks[0]) if tracks else ""
        main = next((group.members for group in found if 0 in group.members), (0,))
        spare = {n for n, track in enumerate(tracks) if n not in main and language_of(track) in ("", first)}
        return cls(found, len(tracks) - joined + len(found), frozenset(spare))

    def add(self, chunk: AudioChunk) -> Iterator[AudioChunk]:
        """Take the next chunk of a track; give what is complete."""
        known = replace(chunk, tracks=self.count, may_be_unused=chunk.track in self.spare)
        group = next((group for group in self.groups if chunk.track in group.members), None)
        if group is None:
            # A track that came in later is told apart from those before.
            yield replace(known, tracks=max(self.count, chunk.track + 1))
            return
        self._waiting.setdefault(chunk.track, deque()).append(known)
        yield from self._joined(group, is_end=False)

    def finish(self) -> Iterator[AudioChunk]:
        """What is left when all tracks have ended."""
        for group in self.groups:
            yield from self._joined(group, is_end=True)

    def _joined(self, group: Group, *, is_end: bool) -> Iterator[AudioChunk]:
        """Chunks of the whole group, as far as all members have come."""
        queues = [self._waiting.setdefault(number, deque()) for number in group.members]
        while any(queues):
            longest = max(sum((Fraction(len(c), c.rate) for c in queue), Fraction(0)) for queue in queues)
            if not all(queues) and not is_end and longest < MOST_WAIT_S:
                return
            yield _take(group, queues)


def _take(group: Group, queues: Sequence[deque[AudioChunk]]) -> AudioChunk:
    """The next stretch in which the same members have sound; those that have none are silent in it."""
    first = min((queue[0] for queue in queues if queue), key=lambda chunk: (chunk.epoch, chunk.start))
    with_sound: list[deque[AudioChunk]] = []
    length = len(first)
    for queue in queues:
        if not queue or (queue[0].epoch, queue[0].rate) != (first.epoch, first.rate):
            continue
        late = queue[0].start - first.start
        if late < SAME_TIME_S:
            with_sound.append(queue)
            length = min(length, len(queue[0]))
        else:
            length = min(length, max(int(late * first.rate), 1))
    samples = np.zeros((len(queues), length), np.float32)
    contiguous = all(queue[0].contiguous for queue in with_sound)
    for row, queue in zip(samples, queues, strict=True):
        if any(queue is other for other in with_sound):
            row[:] = queue[0].samples[0, :length]
            rest = queue.popleft()
            if len(rest) > length:
                start = rest.time_of(length)
                queue.appendleft(replace(rest, start=start, samples=rest.samples[:, length:], contiguous=True))
    return replace(
        first,
        track=group.members[0],
        samples=samples,
        channels=group.channels,
        contiguous=contiguous,
        members=group.members,
        may_be_unused=first.may_be_unused,
    )
