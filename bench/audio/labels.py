"""What a second of a changed clip is, by the rules that the network learns by (`training.audio_artifacts.samples`).

Told apart here is why a second is not learned from: because the defect only reaches into it, or because it can hardly
be heard. The first is nobody's fault; the second belongs into an honest figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from training.audio_artifacts.samples import AUDIBLE, LEAST_CLICK, LEAST_RMS, MARGIN_S

Pcm = npt.NDArray[np.float32]

CUTS = ("slip", "packet_loss")
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
    defect: str, mode: str, before: Pcm, changed: Pcm, rate: int, spans: Sequence[tuple[float, float]], first: int
) -> Label:
    """The second from sample `first` on.

    Args:
        defect: What was done to the clip.
        mode: And in which way.
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
    programme, error = before[first:last], changed[first:last] - before[first:last]
    is_sure = overlap >= WHOLE * rate
    if defect == "clicks":
        margin = MARGIN_S * rate
        is_sure |= any(first + margin < edge < last - margin for span in edges for edge in span)
    else:
        is_sure |= overlap > MOST * rate
    return Label(defect, not is_sure, not _is_heard(defect, mode, programme, error, rate))


def _is_heard(defect: str, mode: str, programme: Pcm, error: Pcm, rate: int) -> bool:
    level, wrong = _rms(programme), _rms(error)
    match defect:
        case "clicks" if mode.startswith(CUTS):
            return level > LEAST_RMS
        case "clicks":
            at, reach = int(np.argmax(np.abs(error))), rate // 100
            around = _rms(programme[max(at - reach, 0) : at + reach])
            return bool(np.abs(error[at]) > max(LEAST_CLICK * around, LEAST_RMS))
        case _:
            least_rms, least_db = AUDIBLE[defect]
            return max(level, wrong) > LEAST_RMS and wrong > least_rms and _db(wrong, level) > least_db


def _rms(samples: Pcm) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def _db(value: float, reference: float) -> float:
    return 20 * float(np.log10(max(value, 1e-9) / max(reference, 1e-9)))
