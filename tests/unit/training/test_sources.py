from __future__ import annotations

from pathlib import Path

import pytest
from training.sources import Group, grouped

HEADER = "file\tuse\tlicence\tduration_s\tresolution\tfps\taudio\tshows\tsource\n"


def media(folder: Path, *rows: tuple[str, str]) -> Path:
    for name, _ in rows:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    lines = [f"{name}\t{use}\tCC0\t3.0\t320x180\t25\t-\tsomething\tsomewhere\n" for name, use in rows]
    (folder / "manifest.tsv").write_text(HEADER + "".join(lines), "utf-8")
    return folder


def test_the_first_group_that_fits_takes_a_file(tmp_path: Path) -> None:
    folder = media(tmp_path, ("a/flower_1.mp4", "train"), ("a/flower_2.mp4", "train"), ("a/frog.mp4", "train"))
    flowers, rest = Group("a/flower"), Group("a/", 2, kept_aside=True)

    found = grouped(folder, [flowers, rest])

    assert {group: [s.name for s in sources] for group, sources in found.items()} == {
        flowers: ["a/flower_1.mp4", "a/flower_2.mp4"],
        rest: ["a/frog.mp4"],
    }


def test_what_is_for_validation_is_never_learned_from(tmp_path: Path) -> None:
    folder = media(tmp_path, ("a/flower.mp4", "train"), ("a/frog.mp4", "validate"))

    with pytest.raises(ValueError, match=r"a/frog\.mp4 is for validate"):
        grouped(folder, [Group("a/")])


def test_a_group_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no files of b/"):
        grouped(media(tmp_path, ("a/flower.mp4", "train")), [Group("a/"), Group("b/")])
