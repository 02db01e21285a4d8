"""Essentia's detectors of hum and clicks, run by a Python that has Essentia (AGPL, so not a dependency).

As a script it reads float32 PCM, one channel after the other, from standard input and writes spans in seconds as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.block.events import Finding

JOIN_S = 1.0
"""Clicks, and spans of hum, not further apart are one event, as they are for the detector."""

TIMEOUT_S = 600
Spans = list[tuple[str, float, float]]


def essentia(path: Path, python: str, folder: Path) -> Finding:
    """What it says of every channel; a finding is kept in `folder` for the next run."""
    from bench.accuracy.evidence import Sound  # noqa: PLC0415 - the script below runs without the package
    from bench.accuracy.model import Claim  # noqa: PLC0415
    from bench.block.events import Finding  # noqa: PLC0415
    from bench.provenance import digest  # noqa: PLC0415

    state = path.stat()
    parts = (python, str(path), str(state.st_size), str(state.st_mtime_ns), Path(__file__).read_bytes())
    kept = folder / f"{digest(parts)}.{essentia.__name__}.json"
    started = time.perf_counter()
    samples, rate, start_s = Sound(str(path)).decoded
    duration_s = samples.shape[1] / rate
    if not kept.exists():
        try:
            spans = _run(python, samples.tobytes(), rate, len(samples))
        except (subprocess.SubprocessError, ValueError) as error:
            return Finding(error=str(error))
        kept.write_text(json.dumps(merged(spans)), "utf-8")
    claims = tuple(
        Claim(defect, None, a + start_s, b + start_s) for defect, a, b in json.loads(kept.read_text("utf-8"))
    )
    return Finding(claims, duration_s, time.perf_counter() - started)


def _run(python: str, samples: bytes, rate: int, channels: int) -> Spans:
    command = [python, "-I", __file__, str(rate), str(channels)]
    done = subprocess.run(command, input=samples, capture_output=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise ValueError((done.stderr.decode(errors="replace").strip().splitlines() or ["failed"])[-1])
    found: Spans = json.loads(done.stdout)
    return found


def merged(spans: Spans) -> Spans:
    """Spans of one defect that are not more than JOIN_S apart as one."""
    done: Spans = []
    for defect, start_s, end_s in sorted((defect, a, b) for defect, a, b in spans):
        if done and done[-1][0] == defect and start_s - done[-1][2] <= JOIN_S:
            done[-1] = (defect, done[-1][1], max(end_s, done[-1][2]))
        else:
            done.append((defect, start_s, end_s))
    return done


def _main() -> None:
    import essentia as library  # type: ignore[import-not-found]  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    from essentia import standard  # noqa: PLC0415

    library.log.infoActive = library.log.warningActive = False
    rate, channels = float(sys.argv[1]), int(sys.argv[2])
    sound = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(channels, -1)
    spans: Spans = []
    for channel in sound:
        # Essentia's defaults throughout.
        *_, starts, ends = standard.HumDetector(sampleRate=rate)(channel)
        spans += [("hum", float(a), float(b)) for a, b in zip(starts, ends, strict=True)]
        clicks = standard.ClickDetector(sampleRate=rate, frameSize=512, hopSize=256)
        for frame in standard.FrameGenerator(channel, frameSize=512, hopSize=256, startFromZero=True):
            spans += [("clicks", float(a), float(b)) for a, b in zip(*clicks(frame), strict=True)]
    json.dump(spans, sys.stdout)


if __name__ == "__main__":
    _main()
