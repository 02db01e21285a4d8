"""Essentia's detectors of gaps and saturation, run by a Python that has Essentia (AGPL, so not a dependency).

As a script it reads one channel of float32 PCM from standard input and writes spans in seconds as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.accuracy.model import Finding, Subject

TIMEOUT_S = 600


def essentia(subject: Subject, python: str) -> Finding:
    """Gaps as dropouts and saturation as clipping, of every channel; equal spans of two channels count once."""
    from bench.accuracy.model import Claim, Finding  # noqa: PLC0415 - the script below runs without the package

    started = time.perf_counter()
    claims: dict[tuple[str, float, float], Claim] = {}
    try:
        for channel, rate in _channels(subject.path):
            done = subprocess.run(
                [python, "-I", __file__, str(rate)], input=channel, capture_output=True, timeout=TIMEOUT_S, check=True
            )
            for defect, start_s, end_s in json.loads(done.stdout):
                key = (defect, round(start_s, 2), round(end_s, 2))
                claims.setdefault(key, Claim(defect, None, start_s, end_s))
    except (subprocess.SubprocessError, ValueError) as error:
        return Finding(error=str(error), seconds=time.perf_counter() - started)
    found = tuple(sorted(claims.values(), key=lambda c: (c.defect, c.start_s)))
    return Finding(found, seconds=time.perf_counter() - started)


def _channels(path: str) -> list[tuple[bytes, int]]:
    """Float32 PCM of each channel of the first audio track, and the rate."""
    import av  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    with av.open(path, metadata_errors="replace") as container:
        if not container.streams.audio:
            return []
        resampler = av.AudioResampler(format="fltp")
        blocks: list[Any] = []
        rate = 0
        try:
            for frame in container.decode(audio=0):
                rate = frame.sample_rate
                blocks += [f.to_ndarray() for f in resampler.resample(frame)]
        except av.FFmpegError as error:
            raise ValueError(f"cannot decode: {error}") from error
    return [(row.tobytes(), rate) for row in np.concatenate(blocks, axis=1)] if blocks else []


def _main() -> None:
    import essentia as library  # type: ignore[import-not-found]  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    from essentia import standard  # noqa: PLC0415

    library.log.infoActive = False
    rate = float(sys.argv[1])
    sound = np.frombuffer(sys.stdin.buffer.read(), np.float32)
    spans: list[tuple[str, float, float]] = []
    # The limits of the defect catalogue; the rest is Essentia's default.
    gaps = standard.GapsDetector(sampleRate=rate, minimumTime=2, maximumTime=500)
    for frame in standard.FrameGenerator(sound, frameSize=2048, hopSize=1024, startFromZero=True):
        spans += [("dropout", float(a), float(b)) for a, b in zip(*gaps(frame), strict=True)]
    saturation = standard.SaturationDetector(sampleRate=rate)
    for frame in standard.FrameGenerator(sound, frameSize=512, hopSize=256, startFromZero=True):
        spans += [("clipping", float(a), float(b)) for a, b in zip(*saturation(frame), strict=True)]
    json.dump(merged(spans), sys.stdout)


def merged(spans: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Clipped waves less than 0.5 s apart as one event of clipping, since nobody wants one for each wave."""
    done: list[tuple[str, float, float]] = []
    for defect, start, end in sorted(spans):
        if done and done[-1][0] == defect == "clipping" and start - done[-1][2] < 0.5:
            done[-1] = (defect, done[-1][1], max(end, done[-1][2]))
        else:
            done.append((defect, start, end))
    return done


if __name__ == "__main__":
    _main()
