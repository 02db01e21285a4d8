"""PIDs that change in mid-stream: the tracks of a programme are followed from PMT to PMT.

Advertisements and joins give a programme other PIDs, perhaps with other codecs and another number of tracks. FFmpeg
makes new streams of them (its own merging goes by places in the PMT, whatever stands there), and PyAV drops those that
were not known when the input was opened. So the tables are read here, and a track goes on in the stream that takes its
place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.stream import VideoStream

from glasswatch.decoder.psi import Tables
from glasswatch.decoder.streams import choose_video, is_picture

VIDEO = "video:0"


@dataclass(frozen=True, slots=True)
class Change:
    """What a new PMT brings.

    Attributes:
        carriers: The stream that carries each track from now on, for tracks that change.
        ended: Tracks that the programme has no longer.
        added: Tracks beyond those so far.
        missing: PIDs that the PMT names and FFmpeg finds nothing in.
        gone: Number of the programme, where it is named no longer.
    """

    carriers: Mapping[str, VideoStream | AudioStream] = field(default_factory=dict)
    ended: tuple[str, ...] = ()
    added: tuple[VideoStream | AudioStream, ...] = ()
    missing: frozenset[int] = frozenset()
    gone: int | None = None


class PidChanges:
    """Follows one programme of a local transport stream.

    Attributes:
        others: PIDs that belong to other programmes only.
    """

    def __init__(
        self,
        number: int,
        tracks: Mapping[str, VideoStream | AudioStream],
        streams: Iterable[Stream],
        open_later: Callable[[int, frozenset[int]], Iterable[Stream]],
    ) -> None:
        """Prepare.

        Args:
            number: The programme's number.
            tracks: Which stream carries each track at the start, by the track's name.
            streams: All streams that the opened container shows.
            open_later: Gives streams of PIDs that it does not show, found from a place in the file on.
        """
        self.others: frozenset[int] = frozenset()
        self._number = number
        self._numbers: frozenset[int] = frozenset()
        self._carriers: dict[str, VideoStream | AudioStream | None] = dict(tracks)
        self._by_pid = {stream.id: stream for stream in streams}
        self._named: set[int] = set()
        self._open_later = open_later

    def take(self, tables: Tables) -> Change | None:
        """What the next tables change, None where that is nothing."""
        follows = self._follow_number(tables)
        self.others = tables.only_of_others(self._number)
        if not follows:
            return self._lose()
        pids = tables.programmes[self._number]
        if pids is None:
            return None
        unknown = frozenset(pids) - self._named - self._by_pid.keys()
        if unknown and self._named:
            # At the start FFmpeg has seen for itself what it can make streams of.
            self._by_pid |= {stream.id: stream for stream in self._open_later(tables.offset, unknown)}
        missing = unknown - self._by_pid.keys() if self._named else frozenset()
        self._named.update(pids)
        return self._assign([self._by_pid[pid] for pid in pids if pid in self._by_pid], missing)

    def _follow_number(self, tables: Tables) -> bool:
        """Whether the tables name the programme; a multiplex of other numbers at the join has it in the same place."""
        before, self._numbers = self._numbers, frozenset(tables.programmes)
        if self._number not in self._numbers and self._numbers and before.isdisjoint(self._numbers):
            self._number = next(iter(tables.programmes))
        return self._number in self._numbers

    def _lose(self) -> Change | None:
        lost = tuple(track for track, stream in self._carriers.items() if stream is not None)
        self._carriers = dict.fromkeys(self._carriers)
        return Change(ended=lost, gone=self._number) if lost else None

    def _assign(self, streams: list[Stream], missing: frozenset[int]) -> Change | None:
        pictures = [s for s in streams if isinstance(s, VideoStream) and is_picture(s)]
        free: list[VideoStream | AudioStream] = [
            s for s in streams if isinstance(s, AudioStream) and s not in self._carriers.values()
        ]
        carriers: dict[str, VideoStream | AudioStream | None] = {}
        for track, carrier in self._carriers.items():
            if carrier is not None and carrier in streams:
                carriers[track] = carrier
            elif track == VIDEO:
                carriers[track] = choose_video(pictures)
            else:
                carriers[track] = free.pop(0) if free else None
        before, self._carriers = self._carriers, carriers
        changed = {t: stream for t, stream in carriers.items() if stream is not None and stream is not before[t]}
        ended = tuple(track for track, stream in before.items() if stream is not None and carriers[track] is None)
        sounds = sum(track != VIDEO for track in carriers)
        added: dict[str, VideoStream | AudioStream] = {
            f"audio:{sounds + place}": stream for place, stream in enumerate(free)
        }
        if VIDEO not in carriers and (picture := choose_video(pictures)) is not None:
            added[VIDEO] = picture
        self._carriers |= added
        if changed or ended or added or missing:
            return Change(changed, ended, tuple(added.values()), missing)
        return None
