"""Where the next stream of a chained Ogg file begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.decoder.ogg_links import BLOCK, next_link

BEGINS, GOES_ON = b"OggS\x00\x02", b"OggS\x00\x00"


@pytest.mark.parametrize("place", [10, *range(BLOCK - 8, BLOCK + 3), 3 * BLOCK + 5])
def test_the_next_beginning_is_found_wherever_it_lies(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes((BEGINS + GOES_ON * (place // 6 + 1))[:place] + BEGINS + b"rest")
    assert next_link(path, 0) == place


def test_pages_that_go_on_begin_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    path.write_bytes(BEGINS + GOES_ON * 20_000)
    assert next_link(path, 0) is None
    assert next_link(path, len(path.read_bytes())) is None
