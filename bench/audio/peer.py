"""Essentia's detectors of hum and clicks, run by a Python that has Essentia (AGPL, so not a dependency).

As a script it reads float32 PCM, one channel after the other, from standard input and writes spans in seconds as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.audio.events import Finding

PEERS = {"hum": "HumDetector", "clicks": "ClickDetector"}
"""By defect, who looks for it."""

JOIN_S = 1.0
"""Clicks, and spans of hum, not further apart are one event, as they are for the detector."""

TIMEOUT_S = 600
Spans = list[tuple[float, float]]
Said = dict[str, "Spans | str"]
"""By defect, what was found, or why nothing was looked for."""


def essentia(path: Path, python: str, folder: Path) -> dict[str, Finding]:
    """By name of a detector, what it says of all channels; it is kept in `folder` for the next run."""
    from bench.accuracy.evidence import Sound  # noqa: PLC0415 - the script below runs without the package
    from bench.provenance import digest  # noqa: PLC0415

    state = path.stat()
    parts = (python, str(path), str(state.st_size), str(state.st_mtime_ns), Path(__file__).read_bytes())
    kept = folder / f"{digest(parts)}.essentia.json"
    samples, rate, start_s = Sound(str(path)).decoded
    if not kept.exists():
        kept.write_text(json.dumps(_run(python, samples.tobytes(), rate, len(samples))), "utf-8")
    said: Said = json.loads(kept.read_text("utf-8"))
    return {PEERS[defect]: _finding(defect, said[defect], start_s, samples.shape[1] / rate) for defect in PEERS}


def _finding(defect: str, said: Spans | str, start_s: float, length_s: float) -> Finding:
    from bench.accuracy.model import Claim  # noqa: PLC0415
    from bench.audio.events import Finding  # noqa: PLC0415

    if isinstance(said, str):
        return Finding(error=said)
    return Finding(tuple(Claim(defect, None, a + start_s, b + start_s) for a, b in merged(said)), length_s)


def _run(python: str, samples: bytes, rate: int, channels: int) -> Said:
    command = [python, "-I", __file__, str(rate), str(channels)]
    try:
        done = subprocess.run(command, input=samples, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return dict.fromkeys(PEERS, f"no end after {TIMEOUT_S} s")
    if done.returncode:
        return dict.fromkeys(PEERS, (done.stderr.decode(errors="replace").strip().splitlines() or ["failed"])[-1])
    found: Said = json.loads(done.stdout)
    return found


def merged(spans: Spans) -> Spans:
    """Spans that are not more than JOIN_S apart as one."""
    done: Spans = []
    for start_s, end_s in sorted((a, b) for a, b in spans):
        if done and start_s - done[-1][1] <= JOIN_S:
            done[-1] = (done[-1][0], max(end_s, done[-1][1]))
        else:
            done.append((start_s, end_s))
    return done


def _main() -> None:
    import essentia as library  # type: ignore[import-not-found]  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    from essentia import standard  # noqa: PLC0415

    library.log.infoActive = library.log.warningActive = False
    rate, channels = float(sys.argv[1]), int(sys.argv[2])
    sound = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(channels, -1)

    # Essentia's defaults throughout.
    def hum(channel: Any) -> Any:
        return standard.HumDetector(sampleRate=rate)(channel)[-2:]

    def clicks(channel: Any) -> Any:
        detector = standard.ClickDetector(sampleRate=rate, frameSize=512, hopSize=256)
        frames = standard.FrameGenerator(channel, frameSize=512, hopSize=256, startFromZero=True)
        return np.concatenate([np.array(detector(frame)) for frame in frames], axis=1)

    said: Said = {}
    for defect, detector in {"hum": hum, "clicks": clicks}.items():
        try:
            said[defect] = [(float(a), float(b)) for channel in sound for a, b in zip(*detector(channel), strict=True)]
        except (RuntimeError, ValueError) as error:  # it refuses what is short
            said[defect] = str(error)
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    _main()
