"""What a second of a changed clip is.

Told apart is why nothing is learned from a second: because the defect only reaches into it, or because it can hardly be
heard. The first is nobody's fault; the second belongs into an honest figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from glasswatch.simulator.audible import audible_clicks, audible_share
from training.audio_artifacts.programmes import Samples, rms

LEAST_DBFS = {"hum": -50.0, "hiss": -60.0, "distortion": -60.0}
"""From which RMS on what is added or bent counts: hum by its definition, the others above what any recording has."""

HEARD_SHARE, HEARD_DB = 0.3, 6.0
"""In which part of a second it is plainly heard, so far above the threshold, or nothing is learned from that second."""

MARGIN_S = 0.02
WHOLE, MOST = 0.98, 0.75
"""Parts of a second that a defect covers: all but a fade; enough of it."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one second is.

    Attributes:
        name: A defect, or "none".
        is_edge: The defect only reaches into it.
        is_faint: It can hardly be heard.
    """

    name: str = "none"
    is_edge: bool = False
    is_faint: bool = False


def label(
    defect: str,
    before: Samples,
    changed: Samples,
    rate: int,
    spans: Sequence[tuple[float, float]],
    first: int,
) -> Label:
    """The second from sample `first` on.

    Args:
        defect: What was done to the clip.
        before: (samples,) of one channel of the clip.
        changed: What has become of them, before any coding.
        rate: Samples per second.
        spans: Where the defect is, in seconds.
        first: Of its samples.
    """
    last = first + rate
    edges = [(start_s * rate, end_s * rate) for start_s, end_s in spans]
    overlap = max((min(last, end) - max(first, start) for start, end in edges), default=-1.0)
    if overlap < 0:
        return Label()
    is_sure = overlap >= WHOLE * rate
    if defect == "clicks":
        margin = MARGIN_S * rate
        is_sure |= any(first + margin < edge < last - margin for span in edges for edge in span)
    else:
        is_sure |= overlap > MOST * rate
    return Label(defect, not is_sure, not is_heard(defect, before[first:last], changed[first:last], rate))


def is_heard(defect: str, before: Samples, changed: Samples, rate: int) -> bool:
    """Whether a defect is plainly heard in a second.

    Args:
        defect: One of CLASSES but the first.
        before: (rate,) of one channel.
        changed: What has become of them, before any coding.
        rate: Samples per second.
    """
    if defect == "clicks":
        return audible_clicks(before, changed, rate)
    if rms(changed - before) < 10 ** (LEAST_DBFS[defect] / 20):
        return False
    return audible_share(before, changed, rate, HEARD_DB) >= HEARD_SHARE
