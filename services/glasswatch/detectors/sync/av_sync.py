"""Lip sync: whether the sound belongs to what the mouths do, and how early or late it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.errors import InferenceError
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.cuts import Cuts
from glasswatch.detectors.modelled import ModelDetector, ModelState
from glasswatch.detectors.params import Params
from glasswatch.detectors.sync.features import STEP_RATE
from glasswatch.detectors.sync.follow import FaceTrack, Following
from glasswatch.detectors.sync.fragments import LENGTH_S, Fragment, Mouth
from glasswatch.detectors.sync.listen import Listening
from glasswatch.detectors.sync.observer import Observer
from glasswatch.detectors.sync.offset import (
    NEAR,
    REACH,
    Calibration,
    Estimate,
    Values,
    estimate,
    likelihood,
    outside,
    similarity,
    vote,
)
from glasswatch.detectors.sync.programme import Programme
from glasswatch.detectors.sync.speech import share
from glasswatch.detectors.sync.squares import Picture

MODEL = "lip_sync"

STEP_MS = 1000 / STEP_RATE

LATEST_S = Fraction(4)
"""A fragment waits for the sound and the second of picture behind it until other media is so far beyond it."""

SILENT = 1e-6
"""Mean square below which there is no sound: -60 dBFS, as for the detector silence."""

LIKELY_OUTSIDE = 0.5
"""Probability of being outside the limits with which a fragment does not pass for in sync because its programme is."""

NO_FACE = "no face is seen"
NO_TRACK = "no face is seen for a second"
BRIEF = "too few pictures: a face must be seen for a second"
NO_SOUND = "nothing is heard"
NO_SPEECH = "nobody speaks"
STILL = "nobody's mouth moves"
SEVERAL = "the faces disagree: several people speak"
UNRELATED = "nobody who is seen is heard: another voice, or lips that cannot be read"
TIE = "no offset stands out"
APART = "the offset is not the programme's, and no further one agrees with it yet"

Milliseconds = Annotated[float, Field(ge=0, le=600)]


class AvSyncParams(Params):
    """What counts as out of sync.

    Attributes:
        early_warning_ms: So early sound may be before it is out of sync.
        late_warning_ms: And so late.
        early_error_ms: Earlier than this it is an error.
        late_error_ms: And later than this.
        margin_ms: By so much more must the offset of a single fragment be beyond: it is right to a frame only.
        programme_margin_ms: By so much the programme's: it is narrower, but of what is taken for in sync not everything
            is equally so.
        bias_ms: Offset that is found in programmes that are in sync.
        confidence: Probability from which an offset counts as known.
        trust: See `offset.Calibration`.
        doubt: Likewise.
        least_speech: Part of a fragment in which somebody must be heard speaking.
        still: A mouth that moves less than this does not speak; see `fragments.Mouth.movement`.
    """

    early_warning_ms: Milliseconds
    late_warning_ms: Milliseconds
    early_error_ms: Milliseconds
    late_error_ms: Milliseconds
    margin_ms: Milliseconds
    programme_margin_ms: Milliseconds
    bias_ms: Annotated[float, Field(ge=-200, le=200)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    trust: Annotated[float, Field(gt=0)]
    doubt: float
    least_speech: Annotated[float, Field(ge=0, le=1)]
    still: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.early_error_ms < self.early_warning_ms or self.late_error_ms < self.late_warning_ms:
            raise ValueError("an error cannot begin before a warning")
        return self

    def limits(self, margin_ms: float) -> tuple[float, float]:
        """Most steps that sound may be early and late, as they are found, with a margin."""
        early, late = self.early_warning_ms + margin_ms, self.late_warning_ms + margin_ms
        return (early + self.bias_ms) / STEP_MS, (late - self.bias_ms) / STEP_MS

    def offset_ms(self, steps: float) -> float:
        """An offset that was found, without what is always found."""
        return steps * STEP_MS - self.bias_ms

    def is_error(self, offset_ms: float) -> bool:
        """Whether an offset is more than a warning."""
        return offset_ms > self.early_error_ms or -offset_ms > self.late_error_ms


@dataclass(slots=True)
class AvSyncState(ModelState):
    """What is under way.

    Attributes:
        epoch: Of the media.
        cuts: Tells where shots begin.
        following: The faces of the shot.
        current: The fragment that pictures are added to.
        waiting: Fragments whose sound has not been heard to its end.
        sounds: By number of the track of sound.
        programmes: Likewise.
        before_s: Seconds to add to times of the media to get those of the programme, which go on through cuts.
        broken_at_s: Where the programme was cut, in its own time; None once media has gone on.
    """

    epoch: int = 0
    cuts: Cuts = field(default_factory=Cuts)
    following: Following = field(default_factory=Following)
    current: Fragment | None = None
    waiting: list[Fragment] = field(default_factory=list)
    sounds: dict[int, Listening] = field(default_factory=dict)
    programmes: dict[int, Programme] = field(default_factory=dict)
    before_s: float = 0.0
    broken_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """What a fragment's mouths say: the votes of all, and the estimate of each by itself."""

    votes: Values
    each: tuple[Estimate, ...]
    mouths: tuple[Mouth, ...]

    @property
    def surest(self) -> Mouth:
        return max(zip(self.mouths, self.each, strict=True), key=lambda pair: pair[1].confidence)[0]


class AvSyncDetector(ModelDetector[AvSyncParams, AvSyncState]):
    """Compares every mouth with the sound, at every offset, in fragments of four seconds.

    Faces are followed through a shot; a network tells how alike the mouth of each and the sound are, step by step. All
    tracks of a fragment vote, and all fragments of a programme. A fragment is judged by its own vote where that is
    sure, else by the programme's; where neither is, it is INCONCLUSIVE. Each track of sound is judged.

    Attributes:
        observer: Who looks on, None for nobody; changes nothing.
    """

    observer: Observer | None = None

    spec = DetectorSpec(
        name="av_sync",
        version="2",
        defects=("av_sync",),
        # 480 lines: a face of a quarter of the height has as many pixels as face_landmarks takes. Up to 30 pictures a
        # second: the lip sync model has 25 steps.
        needs=(VideoNeed(Planes.RGB, lines=480, rate=Fraction(30)), AudioNeed()),
        measurements={
            "offset": "ms",
            "confidence": "1",
            "tracks": "1",
            "programme_offset": "ms",
            "programme_confidence": "1",
            "drift": "ms/min",
            "drifting": "1",
        },
        models=("face_detection", "face_landmarks", "speech", MODEL),
        lookback_s=12.0,
    )

    def fresh_state(self) -> AvSyncState:
        """Nothing seen or heard."""
        return AvSyncState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Follow the faces of pictures, keep the sound, judge the fragments that are complete."""
        if isinstance(unit, AudioChunk):
            self._go_on(unit.epoch, unit.start)
            self.state.sounds.setdefault(unit.track, Listening()).add(unit)
        else:
            assert isinstance(unit, FrameChunk)
            self._go_on(unit.epoch, unit.pts[0])
            for i, picture in enumerate(unit.planes[0]):
                self._see(unit, i, picture)
        return self._judge(at_end=False)

    def cut(self, at: Instant) -> Sequence[Detection]:
        """The last fragments before a cut; what is known of the programme's offset holds behind it too."""
        found = self.finish(at)
        state, self.state = self.state, self.fresh_state()
        self.state.programmes = state.programmes
        self.state.before_s = state.before_s
        self.state.broken_at_s = float(at.seconds) + state.before_s
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The last fragments, with the sound that there is; what is left over behind them belongs to the last one."""
        self._end_fragment()
        match self.state.waiting:
            case [*_, before, leftover] if leftover.is_brief and leftover.start == before.end:
                before.extend(leftover)
                self.state.waiting.pop()
        return self._judge(at_end=True)

    def _go_on(self, epoch: int, start: Fraction) -> None:
        """Take note of media from `start` on; behind a cut the programme's time goes on there."""
        state = self.state
        state.epoch = epoch
        if state.broken_at_s is not None:
            state.before_s, state.broken_at_s = state.broken_at_s - float(start), None

    def _see(self, chunk: FrameChunk, number: int, picture: Picture) -> None:
        state, pts = self.state, chunk.pts[number]
        begins = state.cuts.begins(picture)
        if state.current is not None and pts >= state.current.start + LENGTH_S:
            self._end_fragment()
        if state.current is None:
            state.current = Fragment(pts, pts, chunk.ends[number], chunk.size, chunk.step)
        elif begins:
            self._follow(state.current, lambda: state.following.close(self.infer))
        self._follow(state.current, lambda: state.following.add(picture, pts, self.infer))
        state.current.show(pts, chunk.ends[number])

    def _follow(self, fragment: Fragment, go_on: Callable[[], list[FaceTrack]]) -> None:
        """Go on following; where a model does not answer, nothing more is asked in this fragment."""
        if fragment.failure is not None:
            return
        try:
            tracks = go_on()
        except InferenceError as error:
            fragment.failure, self.state.following = str(error), Following()
            return
        fragment.seen = fragment.seen or bool(self.state.following.faces)
        for track in tracks:
            mouth = fragment.add(track)
            if self.observer is not None:
                self.observer.followed(Instant(self.state.epoch, fragment.start), track, mouth)

    def _end_fragment(self) -> None:
        state, fragment = self.state, self.state.current
        if fragment is not None:
            self._follow(fragment, lambda: state.following.close(self.infer))
            state.waiting.append(fragment)
            state.current, state.following = None, Following()

    def _judge(self, *, at_end: bool) -> list[Detection]:
        """The fragments that have ended and whose sound has been heard to its end, with REACH steps behind it."""
        state = self.state
        ends = [sound.heard_s for sound in state.sounds.values()]
        latest = max([*ends, *([state.current.end] if state.current is not None else [])], default=Fraction(0))
        found: list[Detection] = []
        while state.waiting:
            fragment = state.waiting[0]
            needed = fragment.last_step + REACH + 1
            # What follows may be a leftover that belongs to it.
            ended = len(state.waiting) > 1 or (state.current is not None and not state.current.is_brief)
            heard = bool(ends) and all(sound.end >= needed for sound in state.sounds.values())
            if not ((heard and ended) or at_end or latest >= fragment.end + LATEST_S):
                break
            state.waiting.pop(0)
            found += [self._judged(fragment, track, state.sounds[track]) for track in sorted(state.sounds)]
            if not state.sounds:
                found.append(self._unknown(fragment, NO_SOUND))
        oldest = next((f.start for f in (*state.waiting, state.current) if f is not None), None)
        if oldest is not None:
            for sound in state.sounds.values():
                sound.forget(int(oldest * STEP_RATE) - REACH)
        return found

    def _judged(self, fragment: Fragment, track: int, sound: Listening) -> Detection:
        """The verdict on a fragment with one track of sound."""
        said = replace(self._with(fragment, track, sound), track=sound.label)
        if self.observer is not None:
            self.observer.judged(said, sound.between(int(fragment.start * STEP_RATE), fragment.last_step))
        return said

    def _with(self, fragment: Fragment, track: int, sound: Listening) -> Detection:
        try:
            reason = fragment.failure or self._why_not(fragment, sound)
            if reason is not None:
                return self._unknown(fragment, reason)
            found = self._compared(fragment, sound)
        except InferenceError as error:
            return self._unknown(fragment, str(error))
        programme = self.state.programmes.setdefault(track, Programme())
        middle_s = float((fragment.start + fragment.end) / 2) + self.state.before_s
        programme.add(middle_s, found.votes, self.params.confidence)
        return self._decided(fragment, found, programme)

    def _why_not(self, fragment: Fragment, sound: Listening) -> str | None:
        """Why a fragment cannot be judged, None where it can."""
        if fragment.is_brief:
            return BRIEF
        if not fragment.mouths:
            return NO_TRACK if fragment.seen else NO_FACE
        if all(mouth.movement < self.params.still for mouth in fragment.mouths):
            return STILL
        powers = sound.between(int(fragment.start * STEP_RATE), fragment.last_step)
        if powers.sum(axis=1).max(initial=0.0) < SILENT * sound.rate / 2:
            return NO_SOUND
        spoken = share(sound.voiced(fragment.start, fragment.end), self.infer)
        return NO_SPEECH if spoken < self.params.least_speech else None

    def _compared(self, fragment: Fragment, sound: Listening) -> _Found:
        """All mouths that move with the sound, at every offset."""
        calibration = Calibration(self.params.trust, self.params.doubt)
        moving = tuple(mouth for mouth in fragment.mouths if mouth.movement >= self.params.still)
        likelihoods = []
        for mouth in moving:
            beside = sound.sound(mouth.first - REACH, mouth.first + len(mouth.features) + REACH)
            outputs = self.infer(MODEL, {"mouth": mouth.features[None], "sound": beside[None]})
            likelihoods.append(likelihood(similarity(outputs["seen"][0], outputs["heard"][0]), calibration))
        votes = vote(likelihoods)
        if self.observer is not None:
            self.observer.compared(likelihoods, votes)
        return _Found(votes, tuple(map(estimate, likelihoods)), moving)

    def _decided(self, fragment: Fragment, found: _Found, programme: Programme) -> Detection:
        params = self.params
        own, line = estimate(found.votes), programme.line(*params.limits(params.programme_margin_ms))
        beyond, within = outside(found.votes, *params.limits(params.margin_ms))
        is_apart = programme.is_last_apart
        outside_now, inside_now = (0.0, 0.0) if is_apart else (line.outside, line.inside)
        if beyond >= LIKELY_OUTSIDE and inside_now >= params.confidence:
            is_apart, inside_now = True, 0.0
        measured = {
            "offset": params.offset_ms(own.steps),
            "confidence": own.confidence,
            "tracks": float(len(found.mouths)),
            "programme_offset": params.offset_ms(line.steps),
            "programme_confidence": line.confidence,
            "drift": line.drift * STEP_MS * 60,
            "drifting": line.drifting,
        }
        more: dict[str, Any] = {"measurements": measured, "region": found.surest.region}
        span = self._span(fragment)
        if max(beyond, outside_now) >= params.confidence:
            offset = measured["offset" if beyond >= params.confidence else "programme_offset"]
            ceiling = None if params.is_error(offset) else Severity.WARNING
            return self.detection("av_sync", span, Verdict.DEFECT, max(beyond, outside_now), ceiling=ceiling, **more)
        score = min(max(beyond, outside_now), 0.49)
        if max(within, inside_now) >= params.confidence:
            return self.detection("av_sync", span, Verdict.OK, score, **more)
        reason = APART if is_apart else self._why_unsure(found, beyond + within)
        return self.detection("av_sync", span, Verdict.INCONCLUSIVE, score, reason=reason, **more)

    def _why_unsure(self, found: _Found, fits: float) -> str:
        """Why the votes are not sure; `fits` is the probability that there is any offset at all."""
        sure = [each.steps for each in found.each if each.confidence >= self.params.confidence]
        if sure and max(sure) - min(sure) > 2 * NEAR:
            return SEVERAL
        return TIE if fits >= 0.5 else UNRELATED

    def _unknown(self, fragment: Fragment, reason: str) -> Detection:
        return self.detection("av_sync", self._span(fragment), Verdict.INCONCLUSIVE, 0.0, reason=reason)

    def _span(self, fragment: Fragment) -> Span:
        return Span(self.state.epoch, fragment.start, fragment.end)
