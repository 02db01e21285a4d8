"""A detector that stood still catches up with a live channel by leaving media out, and with a file by judging it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from glasswatch.core.detection import Verdict
from glasswatch.runtime.worker.detecting import CATCHING_UP
from tests.e2e.deployment import until
from tests.integration.worker.stage import WAIT_S, Service, Stage, own_channel, pictures, title, undisturbed

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(120)]

STALL_S = 14
"""Longer than Kafka waits for a sign of life, so that the detector is expelled from its group meanwhile."""


def test_a_stalled_detector_sheds_live_media_and_judges_files(stage: Stage, run: Callable[..., Service]) -> None:
    live, file = own_channel(), own_channel()
    chunks = pictures(40, [(36, 39)])
    on_air, on_file = title(live, chunks, live=True), title(file, chunks)
    worker = run("detect", "black").await_ready()
    # As if half a minute of media had come since; the last chunks are published in time.
    began = datetime.now(UTC) - timedelta(seconds=4)
    stage.publish(on_air[:10], lambda number: began + timedelta(seconds=number * 0.4))
    stage.publish(on_file[:10])
    assert until(lambda: worker.messages("handled") == 20, WAIT_S), worker.told()

    worker.signal(signal.SIGSTOP)
    stalled = time.monotonic()

    def late(number: int) -> datetime:
        """Chunks 10 to 84 from half a minute ago on, the rest as of now."""
        age_s = max(0.0, 30 - (number - 10) * 0.4)
        return datetime.now(UTC) + timedelta(seconds=STALL_S - age_s if number < 85 else STALL_S)

    stage.publish(on_air[10:], late)
    stage.publish(on_file[10:], late)
    time.sleep(max(0.0, STALL_S - (time.monotonic() - stalled)))
    worker.signal(signal.SIGCONT)

    assert until(lambda: stage.unread() == 0, WAIT_S), worker.told()
    shed_s = worker.metric("glasswatch_shed_media_seconds_total", worker="black")
    found = [d for batch in stage.batches(live) for d in batch.detections if d.kind is None]
    gap = [d.span for d in found if d.reason == CATCHING_UP]
    assert gap[0].start == 4, "all that was old is left out"
    assert gap[-1].end < 34, "and no more than that"
    assert sum(float(span.duration) for span in gap) == pytest.approx(shed_s)
    assert shed_s > 15
    judged = [d.span for d in found]
    assert (judged[0].start, judged[-1].end) == (0, 40)
    assert all(a.end == b.start for a, b in pairwise(judged)), "nothing is left out silently"
    black = [d.span for d in found if d.verdict is Verdict.DEFECT]
    assert (black[0].start, black[-1].end) == (36, 39)

    assert stage.batches(file) == undisturbed(on_file), "a file waits"
    assert until(worker.is_ready, WAIT_S), worker.told()
