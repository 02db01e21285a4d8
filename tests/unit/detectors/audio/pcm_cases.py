"""What the tests of all PCM detectors share: signals, and the properties every one of them must have."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.media import AudioChunk
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.registry import AnyDetector
from tests.support import audio_chunks, detect, make_detector

Pcm = npt.NDArray[np.float32]

CHUNK_LENGTHS = st.lists(st.integers(1, 30_000), max_size=8).map(lambda lengths: [*lengths, 20_000])
"""Lengths of chunks, to be repeated; one long one keeps the number of chunks, and the time of a test, within reason."""


def noise(seconds: float, rate: int = 48_000, channels: int = 2, level: float = 0.1, seed: int = 1) -> Pcm:
    """White noise of that RMS level, each channel its own."""
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal((channels, round(seconds * rate)))).astype(np.float32)


def cut(samples: Pcm, rate: int, lengths: Sequence[int], channels: tuple[str, ...] | None = None) -> list[AudioChunk]:
    """Chunks of the given lengths over and over until the samples are used up."""
    repeats = -(-samples.shape[1] // sum(lengths))
    return audio_chunks(samples, rate, chunk=list(lengths) * repeats, channels=channels)


def detect_with_restore(name: str, chunks: Sequence[AudioChunk], at: int, **params: Any) -> list[Detection]:
    """As `detect`, but another instance takes over from a snapshot before chunk `at`."""
    first: AnyDetector = make_detector(name, **params)
    found = [d for chunk in chunks[:at] for d in first.process(chunk)]
    second = make_detector(name, **params)
    second.restore(first.snapshot())
    found += [d for chunk in chunks[at:] for d in second.process(chunk)]
    return found + list(second.flush(Instant(0, chunks[-1].span.end)))


def assert_tiles(detections: Sequence[Detection], span: Span, longest: Fraction = Fraction(11, 10)) -> None:
    """Detections follow each other without gap or overlap from end to end of `span`, none much over a second."""
    assert detections[0].span.start == span.start
    assert detections[-1].span.end == span.end
    for before, after in pairwise(detections):
        assert before.span.end == after.span.start
    assert all(0 < d.span.duration <= longest for d in detections)


def assert_scores_fit_verdicts(detections: Sequence[Detection]) -> None:
    for d in detections:
        assert (d.score >= 0.5) == (d.verdict is Verdict.DEFECT), d


def assert_cutting_does_not_matter(
    name: str, samples: Pcm, lengths: Sequence[int], rate: int = 48_000, channels: tuple[str, ...] | None = None
) -> None:
    """Whole, cut anyhow, and with a change of instance in mid-stream: the same detections."""
    whole = detect(make_detector(name), audio_chunks(samples, rate, chunk=samples.shape[1], channels=channels))
    chunks = cut(samples, rate, lengths, channels)
    assert detect(make_detector(name), chunks) == whole
    assert detect_with_restore(name, chunks, len(chunks) // 2) == whole


def defects(name: str, samples: Pcm, rate: int = 48_000, **more: Any) -> list[Detection]:
    """The DEFECT detections on a whole signal."""
    channels = more.pop("channels", None)
    found = detect(make_detector(name, **more), audio_chunks(samples, rate, channels=channels))
    return [d for d in found if d.verdict is Verdict.DEFECT]
