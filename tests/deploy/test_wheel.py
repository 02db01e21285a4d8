"""The wheel holds what an installation needs besides code, and finds it from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys, hatchling.build; hatchling.build.build_wheel(sys.argv[1])"
LOCATE = "from glasswatch.config.models import default_models; print(default_models())"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The content of the wheel, as pip lays it out."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_models_and_defaults_are_in_it(installed: Path) -> None:
    package = installed / "glasswatch"
    for folder, copy in (
        ("triton_models", "triton_models"),
        ("services/glasswatch/config/defaults", "config/defaults"),
    ):
        originals = {path.relative_to(ROOT / folder) for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert {path.relative_to(package / copy) for path in (package / copy).rglob("*") if path.is_file()} == originals


@pytest.mark.parametrize("own", [False, True], ids=["elsewhere", "beside a repository of one's own"])
def test_it_finds_its_models_from_any_folder(installed: Path, tmp_path: Path, own: bool) -> None:
    if own:
        (tmp_path / "triton_models").mkdir()
    command = [sys.executable, "-P", "-c", LOCATE]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert Path(run.stdout.strip()) == (Path("triton_models") if own else installed / "glasswatch" / "triton_models")
