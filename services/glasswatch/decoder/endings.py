"""What is known once the streams of an input have ended: where, and whether before the container says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.audio import AudioPath
from glasswatch.decoder.playlist import MediaPlaylist
from glasswatch.decoder.source import Source
from glasswatch.decoder.tally import Emit
from glasswatch.decoder.video import VideoPath

SHORT_S = Fraction(1, 1000)
"""PCM that ends no more than this before the length that its header states is whole."""

TRUNCATED_S = Fraction(1, 2)
"""A stream that ends this much before its declared end is truncated."""


@dataclass(frozen=True, slots=True)
class Endings:
    """Reports the ends of an input's streams.

    Attributes:
        source: The input.
        timeline: Where its epochs lie.
        start: Its first moment.
        playlist: The media playlist that it is read from, None for none.
        emit: Where facts go.
    """

    source: Source
    timeline: Timeline
    start: Instant
    playlist: MediaPlaylist | None
    emit: Emit

    def conclude(self, path: VideoPath | AudioPath) -> None:
        """Facts about one stream."""
        tally, end = path.tally, path.reached
        tally.end_flags(is_fault=not self._is_short_end(path))
        if tally.first is None or end is None:
            text = f"{tally.packets} packets, none could be decoded"
            tally.say(FactKind.NOTHING_DECODED, self.start, text)
            return
        if tally.has_left:
            tally.say(FactKind.STREAM_ENDED, end, "the programme has this track no longer", announced=1.0)
            return
        values = {"end_s": float(end.seconds), "packets": float(tally.packets), "frames": float(tally.frames)}
        values["position_s"] = float(self.timeline.position(end))
        declared = self.source.stated.length_s(tally.stream)
        if declared is not None:
            values["declared_s"] = float(declared)
            lasted = self.timeline.position(end) - self.timeline.position(tally.first)
            self._compare_length(tally.name, end, lasted, declared)
        tally.say(FactKind.STREAM_ENDED, end, "the stream ends", **values)

    def conclude_container(self, paths: Sequence[VideoPath | AudioPath]) -> None:
        """Compare the length of all streams with what the container states, where it does not for each."""
        ends = [path.reached for path in paths if path.reached is not None]
        declared = self.source.stated.whole_length_s if self.playlist is None else self.playlist.least_s
        if not ends or declared is None:
            return
        last = max(ends, key=self.timeline.position)
        self._compare_length("container", last, self.timeline.position(last), declared)

    def _is_short_end(self, path: VideoPath | AudioPath) -> bool:
        """Whether the last packet of a PCM file is marked only since the file ends where it may: not before its length.

        Whoever writes into a pipe cannot go back and state a length; then the file holds what it holds.
        """
        declared, end, first = self.source.stated.length_s(path.tally.stream), path.reached, path.tally.first
        if not self.source.stated.is_plain_pcm or end is None or first is None:
            return False
        lasted = self.timeline.position(end) - self.timeline.position(first)
        return declared is None or declared - lasted <= SHORT_S

    def _compare_length(self, stream: str, end: Instant, lasted: Fraction, declared: Fraction) -> None:
        missing = declared - lasted
        if missing > (SHORT_S if self.source.stated.is_plain_pcm else TRUNCATED_S):
            text = f"the stream ends after {float(lasted):.2f} s of {float(declared):.2f} s"
            values = {"missing_s": float(missing)}
            self.emit(StreamFact(FactKind.TRUNCATED, end, stream, text, values=values))
