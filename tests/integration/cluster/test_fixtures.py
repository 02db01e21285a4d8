"""What becomes of a test whose server cannot be had."""

from __future__ import annotations

import pytest

from glasswatch.runtime.cluster import Cluster
from tests.integration.cluster.echo_server import ENDS_AT_ONCE, EchoServer
from tests.servers import start_servers


@pytest.mark.parametrize(
    ("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)], ids=["laptop", "CI"]
)
def test_it_is_skipped_on_a_laptop_and_fails_in_ci(
    own_cluster: Cluster, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no room on disk"):
        start_servers(own_cluster, [EchoServer(program=ENDS_AT_ONCE)])
