"""The golden test: one title through every topology gives equal events."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment, embedded, glasswatch, until

pytestmark = [pytest.mark.xdist_group("deployment"), pytest.mark.timeout(300)]

WAIT_S = 90


def test_distributed_equals_embedded(deployment: Deployment, title: Path) -> None:
    channel = deployment.follow(title)
    expected = embedded(title, channel)
    assert {row[1] for row in expected} >= {"freeze", "black", "silence", "dropout"}
    until(lambda: deployment.events(channel) == expected, WAIT_S)
    assert deployment.events(channel) == expected


def test_fused_equals_embedded(deployment: Deployment, title: Path) -> None:
    channel = f"fused-{uuid.uuid4().hex[:12]}"
    glasswatch("channel", channel, title, "--once", env=deployment.env)
    expected = embedded(title, channel)
    until(lambda: deployment.events(channel) == expected, WAIT_S)
    assert deployment.events(channel) == expected
