"""Raw detections as JSON lines, so that thresholds can be tuned without decoding again."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from glasswatch.core.detection import Detection
from glasswatch.core.errors import OutputError


class StatisticsFile:
    """Writes every detection as one line; None for a path writes nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._file = self._path.open("w", encoding="utf-8", buffering=1)
            except OSError as error:
                raise OutputError(f"cannot write {self._path}: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as failure:
                raise OutputError(f"cannot write {self._path}: {failure.strerror}") from failure

    def write(self, detection: Detection) -> None:
        """Append one detection."""
        if self._file is None:
            return
        line = {
            "detector": detection.detector,
            "version": detection.version,
            "defect": detection.defect,
            "kind": detection.kind,
            "track": detection.track,
            "epoch": detection.span.epoch,
            "start_pts_s": float(detection.span.start),
            "end_pts_s": float(detection.span.end),
            "verdict": detection.verdict.value,
            "score": detection.score,
            "measurements": dict(detection.measurements),
            "reason": detection.reason,
        }
        try:
            self._file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror}") from error
