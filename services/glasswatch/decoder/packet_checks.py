"""What packets show by themselves, before they are decoded: joins, error flags, checksums."""

from __future__ import annotations

from typing import Any

from av import AudioFrame
from av.packet import Packet
from av.video.stream import VideoStream

from glasswatch.core.media import FactKind
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.audio import AudioPath
from glasswatch.decoder.checksums import spare
from glasswatch.decoder.checksums.watch import ChecksumWatch, watches_for
from glasswatch.decoder.joins import Joins
from glasswatch.decoder.tally import Tally
from glasswatch.decoder.video import VideoPath

DECODER_LAG_S = 8
"""How far, in seconds, a packet's timestamp may be ahead of the frames decoded so far, of the same epoch: 16 frames in
as many threads at 2 a second. What differs by more is after a jump."""


class PacketChecks:
    """Looks at the packets of all tracks of an input, in the order of the file."""

    def __init__(self, timeline: Timeline, start: Instant, joins: Joins, *, with_checksums: bool) -> None:
        self._timeline = timeline
        self._start = start
        self._joins = joins
        self._with_checksums = with_checksums
        self._watches: dict[str, list[ChecksumWatch]] = {}
        self._spares: dict[str, spare.SpareDecoder] = {}

    def begin(self, tally: Tally) -> None:
        """Have a stream's checksums compared, where it has any."""
        if not self._with_checksums:
            return
        self._watches[tally.name] = watches_for(tally)
        context = tally.stream.codec_context
        if context.codec.canonical_name in spare.CODECS:
            context.options = spare.OPTIONS
            self._spares[tally.name] = spare.SpareDecoder(tally)

    def end(self, tally: Tally) -> None:
        """A track ends, or goes on in another stream."""
        for watch in self._watches.pop(tally.name, ()):
            watch.end()
        self._spares.pop(tally.name, None)

    def note(self, packet: Packet[Any], path: VideoPath | AudioPath) -> None:
        """Count a packet and say what is wrong with it."""
        tally, clock = path.tally, path.clock
        tally.packets += 1
        step = tally.times.step(packet)
        now = path.reached or self._start
        if step is not None:
            if step > 0:
                clock.leave_uncovered(step)
            if self._joins.announces(packet, step, self._timeline.position(now)):
                clock.announce_join(now.seconds)
                tally.forgive_flags()
                for watch in self._watches.get(tally.name, ()):
                    watch.join()
        tally.confirm_flags()
        if packet.is_corrupt:
            tally.flag(packet, self.near(path, packet))
        elif watches := self._watches.get(tally.name):
            length, at, data = tally.seconds(packet.duration), self._at(path, packet), bytes(packet)
            for watch in watches:
                watch.add(data, at, float(length) if length else None)
        if tally.packets == 1 and isinstance(tally.stream, VideoStream) and not packet.is_keyframe:
            tally.say(FactKind.BROKEN_START, self.near(path, packet), "the first picture is no key frame")
        if tally.packets == 1 and isinstance(path, VideoPath) and packet.is_keyframe:
            path.begin_with(packet.pts)

    def near(self, path: VideoPath | AudioPath, packet: Packet[Any] | None) -> Instant:
        """The time of a packet, near enough for a fact."""
        if path.reached is not None:
            return path.reached
        stamp = None if packet is None else packet.pts if packet.pts is not None else packet.dts
        seconds = path.tally.seconds(stamp)
        return self._start if seconds is None else Instant(0, seconds)

    def _at(self, path: VideoPath | AudioPath, packet: Packet[Any]) -> Instant:
        """The time of a packet's frame: by its own timestamp, since decoders lag, unless that is of another epoch."""
        near = self.near(path, packet)
        stamp = packet.pts if isinstance(path, AudioPath) or path.has_pts else packet.dts
        seconds = path.tally.seconds(stamp)
        return near if seconds is None or abs(seconds - near.seconds) > DECODER_LAG_S else Instant(near.epoch, seconds)

    def decode_unchecked(self, path: VideoPath | AudioPath, packet: Packet[Any] | None) -> list[AudioFrame] | None:
        """What a packet holds that the decoder has refused because of its checksum, None where that is not why."""
        decoder = self._spares.get(path.tally.name)
        return None if decoder is None or packet is None else decoder.decode(packet, self._at(path, packet))
