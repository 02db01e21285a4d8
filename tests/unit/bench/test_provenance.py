from __future__ import annotations

import pytest
from bench.provenance import headline, provenance


def test_no_folder_of_the_machine_appears_in_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--media", "/home/me/media", "--out", "/tmp/a b.json", "--jobs", "2"])
    origin = provenance("bench.speed", {"/home/me/media": "MEDIA"})
    assert origin["command"] == "python -m bench.speed --media MEDIA --out 'a b.json' --jobs 2"
    assert origin["command"] in headline(origin)
