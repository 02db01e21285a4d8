"""Audio artifacts: hum, hiss, distortion and clicks, by a classifier of seconds and by what the signal itself says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.core.runs import Reading
from glasswatch.detectors.audio.artifact_clicks import Click, Clicks, ClicksParams, clicks_in
from glasswatch.detectors.audio.artifact_evidence import (
    EDGES,
    EVIDENCE,
    PAST_S,
    Evidence,
    HissParams,
    LastingParams,
)
from glasswatch.detectors.audio.artifact_features import CLASSES, LEAST_RATE, MOST_RATE, features
from glasswatch.detectors.audio.artifact_votes import MOST_WINDOW, Agreement, Ballot, Poll, Told, Voice
from glasswatch.detectors.audio.coarse_pcm import is_coarse
from glasswatch.detectors.audio.impulses import CONTEXT_S
from glasswatch.detectors.audio.pcm import Pcm, PcmDetector, PcmState, SampleClock, linear, no_samples
from glasswatch.detectors.audio.tones import is_keyed_tone
from glasswatch.detectors.modelled import ModelDetector, ModelState, Outputs
from glasswatch.detectors.params import Params

MODEL = "audio_artifacts"
LASTING = ("hum", "hiss", "distortion")

LEAST_S = 0.1
"""Sound that stands alone for less, between two jumps of its time, is a frame or two of a codec: nobody hears a
defect in it, and nothing is said of it. Some writers of fragments give the first frame another length."""

LEAST_PEAK_DBFS = -60.0
"""Of a second that is asked about: what stays below in every sample is silence, which is a defect of its own."""


class AudioArtifactsParams(Params):
    """What counts as each defect.

    Attributes:
        hop_s: From one second that is judged to the next. Less than 1 lets them overlap, and costs as much more.
        hum, hiss, distortion, clicks: Of each defect.
    """

    hop_s: Annotated[float, Field(ge=0.25, le=1)]
    hum: LastingParams
    hiss: HissParams
    distortion: LastingParams
    clicks: ClicksParams


@dataclass
class AudioArtifactsState(PcmState, ModelState):
    """Positions are sample numbers of the clock.

    Attributes:
        tail: Samples from the last second that was judged on and PAST_S before the next, (channels, samples).
        last: Where that second begins, None before the first.
        next: Where the next one begins; up to there all is judged.
        polls: Votes, by lasting defect.
        clicks: What is not told of clicks.
    """

    tail: Pcm = field(default_factory=no_samples)
    last: int | None = None
    next: int = 0
    polls: dict[str, Poll] = field(default_factory=lambda: {defect: Poll() for defect in LASTING})
    clicks: Clicks = field(default_factory=Clicks)


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """One second of every channel, as the classifier hears it.

    Attributes:
        start: Sample number of its first sample.
        samples: (channels, rate).
        rate: Samples per second.
        same_as: For each channel the first one that is equal to it, sample for sample.
        told: What the classifier says, by the first of equal channels; silent ones are not there. Probabilities by
            defect are the measurements.
    """

    start: int
    samples: Pcm
    rate: int
    same_as: tuple[int, ...]
    told: dict[int, Reading]

    @property
    def failure(self) -> Reading | None:
        """The reading of a second about which the model did not answer."""
        return next((r for r in self.told.values() if r.verdict is Verdict.INCONCLUSIVE), None)

    def probabilities(self, defect: str) -> dict[int, float]:
        """Of a defect, by channel; the most probable first."""
        found = {channel: reading.measurements[defect] for channel, reading in self.told.items()}
        if defect == "distortion":
            # The steps of coarse PCM are taken for clicks too.
            heard = {channel: 1 - reading.measurements["none"] for channel, reading in self.told.items()}
            found |= {c: p for c, p in heard.items() if p > found[c] and is_coarse(self.samples[c])}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def equals(self, channels: Sequence[int]) -> tuple[int, ...]:
        """Those channels and the ones that are equal to them."""
        return tuple(c for c, first in enumerate(self.same_as) if first in channels)


class AudioArtifactsDetector(
    PcmDetector[AudioArtifactsParams, AudioArtifactsState], ModelDetector[AudioArtifactsParams, AudioArtifactsState]
):
    """Asks a classifier about each second of every channel, all defects in one call.

    What it says counts where the signal bears it out (`artifact_evidence`, `artifact_clicks`). A hum, a hiss or a
    distortion takes several seconds that agree (`artifact_votes`); a click is there or not. Seconds that are the same
    in several channels are judged once.
    """

    spec = DetectorSpec(
        name="audio_artifacts",
        version="3",
        defects=CLASSES[1:],
        needs=(AudioNeed(),),
        measurements={
            "probability": "1",
            "channel": "1",
            "level_dbfs": "dBFS",
            "frequency_hz": "Hz",
            "partials": "1",
            "prominence_db": "dB",
            "contrast_db": "dB",
            "clicks": "1",
            "crest_db": "dB",
            "peak_dbfs": "dBFS",
        },
        models=(MODEL,),
        lookback_s=MOST_WINDOW + 2.0,
    )

    def fresh_state(self) -> AudioArtifactsState:
        """Nothing heard yet."""
        return AudioArtifactsState()

    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Judge each second of which all is known."""
        state, rate = self.state, clock.rate
        seen = clock.count + samples.shape[1]
        if (reason := _out_of_range(rate)) is not None:
            while state.next + rate <= seen:
                yield from self._unjudged(state.next + rate, reason, clock)
            return
        state.tail = np.concatenate([state.tail, samples], axis=1) if state.tail.size else samples
        while state.next + rate + _context(rate) <= seen:
            yield from self._judge(state.next, state.next + self._hop(rate), seen, clock)
        needed = max(min(state.next - PAST_S * rate, state.next if state.last is None else state.last), 0)
        state.tail = state.tail[:, max(state.tail.shape[1] - (seen - needed), 0) :].copy()

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """Judge the last full seconds, then the one that ends with the sound; nothing votes after that."""
        state, rate, seen = self.state, clock.rate, clock.count
        reason = _out_of_range(rate)
        if reason is None and seen < LEAST_S * rate:
            return
        if reason is None and seen < rate:
            reason = "the audio lasts for less than the second that is judged, or is broken up into such pieces"
        if reason is not None:
            if seen > state.next:
                yield from self._unjudged(seen, reason, clock)
            return
        while state.next + rate <= seen:
            yield from self._judge(state.next, state.next + self._hop(rate), seen, clock)
        if state.next < seen:
            yield from self._judge(seen - rate, seen, seen, clock)
        for defect, poll in state.polls.items():
            for told in poll.end(self._lasting(defect).agreements):
                yield self._say(defect, told.first, told.last, _decided(told), clock)

    def _hop(self, rate: int) -> int:
        return max(round(self.params.hop_s * rate), 1)

    def _lasting(self, defect: str) -> LastingParams:
        params: LastingParams = getattr(self.params, defect)
        return params

    def _judge(self, start: int, until: int, seen: int, clock: SampleClock) -> Iterator[Detection]:
        """Judge the second from sample `start` on; it speaks for the samples from `state.next` to `until`."""
        state = self.state
        first = seen - state.tail.shape[1]
        second = self._hear(start, state.tail[:, start - first : start - first + clock.rate], clock.rate)
        # The second that ends with the sound may overlap the one before: it says the same again, and is no second vote.
        counts = state.last is None or 2 * (start - state.last) >= self._hop(clock.rate)
        for defect, poll in state.polls.items():
            ballot = self._ballot(defect, second, until, first, counts=counts)
            for told in poll.add(ballot, self._lasting(defect).agreements):
                yield self._say(defect, told.first, told.last, _decided(told), clock)
        yield from self._clicks(second, until, first, clock)
        state.last, state.next = start, until

    def _hear(self, start: int, samples: Pcm, rate: int) -> Second:
        """Ask the classifier, once for all channels."""
        samples = np.ascontiguousarray(samples)
        same_as = _same_as(samples)
        loud = np.abs(samples).max(axis=1) >= linear(LEAST_PEAK_DBFS)
        asked = [c for c in sorted(set(same_as)) if loud[c]]
        readings: Sequence[Reading] = ()
        if asked:
            readings = self.readings(MODEL, features(samples[asked], rate), len(asked), _probabilities)
        return Second(start, samples, rate, same_as, dict(zip(asked, readings, strict=True)))

    def _ballot(self, defect: str, second: Second, until: int, first: int, *, counts: bool) -> Ballot:
        """What a second says of a lasting defect."""
        params, at = self._lasting(defect), self.state.next
        if second.failure is not None:
            return Ballot(at, until, {}, second.failure, counts=False)
        voices: dict[int, Voice] = {}
        best = Reading(Verdict.OK, 0.0)
        for channel, probability in second.probabilities(defect).items():
            measured = {"probability": probability, "channel": float(channel)}
            score = _score(probability, params.threshold)
            evidence = Evidence(confirms=False)
            if probability >= params.threshold:
                evidence = EVIDENCE[defect](self._until(second, channel, first), second.rate, params)
                measured |= evidence.measurements
                # What the signal speaks against is no weaker form of the defect, which would keep an event open.
                score = score if evidence.confirms else 0.0
            if not voices and (evidence.confirms or not best.measurements):
                best = Reading(Verdict.OK, score, measured, reason=evidence.doubt)
            if evidence.confirms:
                voices |= dict.fromkeys(second.equals([channel]), Voice(probability, evidence.value, evidence.doubt))
        return Ballot(at, until, voices, best, counts, self._edge(defect, second, tuple(voices), first))

    def _until(self, second: Second, channel: int, first: int) -> Pcm:
        """The second of one channel with up to PAST_S before it, wherever chunks end."""
        begin = max(second.start - PAST_S * second.rate, first, 0)
        return self.state.tail[channel, begin - first : second.start - first + second.rate]

    def _edge(self, defect: str, second: Second, channels: tuple[int, ...], first: int) -> int | None:
        """Where a defect begins or ends between the start of the second before and the end of this one."""
        state, ballots = self.state, self.state.polls[defect].ballots
        if state.last is None or not ballots or defect not in EDGES:
            return None
        before = ballots[-1]
        if before.reading.verdict is not Verdict.OK or bool(before.voices) == bool(channels):
            return None
        begins = bool(channels)
        channel = channels[0] if begins else next(iter(before.voices))
        around = state.tail[channel, state.last - first : second.start + second.rate - first]
        edge = EDGES[defect](around, second.rate, begins=begins)
        return None if edge is None else state.last + edge

    def _clicks(self, second: Second, until: int, first: int, clock: SampleClock) -> Iterator[Detection]:
        """Find the clicks of a second, and tell what no later one can add to."""
        state, params = self.state, self.params.clicks
        reading = second.failure
        if reading is None:
            found: list[Click] = []
            measured: dict[str, float] = {}
            score = 0.0
            for channel, probability in second.probabilities("clicks").items():
                measured = measured or {"probability": probability, "channel": float(channel)}
                score = max(score, _score(probability, params.threshold))
                if probability >= params.least and not self._is_meant(second, channel):
                    found += self._clicks_of(second, channel, probability, first)
            state.clicks.add(found, clock.rate)
            reading = Reading(Verdict.OK, score, measured)
        for told in state.clicks.tell(until, reading, clock.rate):
            yield self._say("clicks", told.first, told.last, told.reading, clock, told.worst)

    @staticmethod
    def _is_meant(second: Second, channel: int) -> bool:
        """Whether what is sudden in a second are the steps of coarse PCM, or a tone that is keyed."""
        sound = second.samples[channel]
        return is_coarse(sound) or is_keyed_tone(sound, second.rate)

    def _clicks_of(self, second: Second, channel: int, probability: float, first: int) -> list[Click]:
        """Clicks of one channel, at sample numbers of the clock."""
        rate, context = second.rate, _context(second.rate)
        begin = max(second.start - context, first)
        around = self.state.tail[channel, begin - first : second.start + rate + context - first]
        inside = second.start - begin
        found = clicks_in(around, rate, inside, inside + rate, channel, probability, self.params.clicks)
        return [replace(click, at=click.at + begin) for click in found]

    def _unjudged(self, until: int, reason: str, clock: SampleClock) -> Iterator[Detection]:
        """Say of the sound up to sample `until` that it is not judged."""
        state = self.state
        for defect in self.spec.defects:
            yield self._say(defect, state.next, until, Reading(Verdict.INCONCLUSIVE, 0.0, reason=reason), clock)
        state.next = until

    def _say(
        self, defect: str, first: int, last: int, reading: Reading, clock: SampleClock, worst: int | None = None
    ) -> Detection:
        return self.detection(
            defect,
            clock.span(first, last),
            reading.verdict,
            reading.score,
            measurements=reading.measurements,
            ceiling=reading.ceiling,
            reason=reading.reason,
            worst=None if worst is None else clock.span(worst, worst).start,
        )


def _context(rate: int) -> int:
    """Samples after a second that its clicks are compared with."""
    return round(CONTEXT_S * rate)


def _out_of_range(rate: int) -> str | None:
    """Why sound of that rate is not judged, None where it is."""
    if LEAST_RATE <= rate <= MOST_RATE:
        return None
    return f"sound at {rate} Hz is not judged, only at {LEAST_RATE} to {MOST_RATE} Hz"


def _same_as(samples: Pcm) -> tuple[int, ...]:
    """For each channel the first one that is equal to it."""
    found: list[int] = []
    for channel, sound in enumerate(samples):
        equal = (other for other in sorted(set(found)) if np.array_equal(samples[other], sound))
        found.append(next(equal, channel))
    return tuple(found)


def _probabilities(outputs: Outputs) -> list[Reading]:
    """What the classifier says of each second, probabilities by class."""
    rows: Any = outputs["classes"].astype(np.float64).round(4).tolist()
    return [Reading(Verdict.OK, 0.0, dict(zip(CLASSES, row, strict=True))) for row in rows]


def _score(probability: float, threshold: float) -> float:
    """0.5 at the threshold, linear on either side."""
    if probability < threshold:
        return min(0.5 * probability / threshold, 0.49)
    return 0.5 + 0.5 * (probability - threshold) / (1.0 - threshold)


def _decided(told: Told) -> Reading:
    """The reading of a second with the verdict that its neighbours leave it."""
    reading, agreement = told.reading, told.agreement
    if agreement is None:
        reason = reading.reason if reading.verdict is Verdict.INCONCLUSIVE else None
        return replace(reading, score=min(reading.score, 0.49), reason=reason)
    ceiling = None if agreement.ceiling is None else Severity.parse(agreement.ceiling)
    doubt = None if ceiling is None else f"not sure: {reading.reason or _too_few(agreement)}"
    return replace(reading, verdict=Verdict.DEFECT, score=max(reading.score, 0.5), ceiling=ceiling, reason=doubt)


def _too_few(agreement: Agreement) -> str:
    return f"{agreement.votes} of {agreement.window} seconds at a probability of {agreement.threshold:g} are too few"
