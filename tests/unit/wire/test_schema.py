"""The schema is clean, and the committed code is what it generates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = Path("glasswatch/v1")
CI = os.environ.get("CI") == "true"


def buf(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("buf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        assert not CI, "buf is not installed"
        pytest.skip("buf is not installed")
    return subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(find_spec("grpc_tools") is None and not CI, reason="grpcio-tools is not installed")
def test_committed_code_is_what_the_schema_generates(tmp_path: Path) -> None:
    sources = sorted(str(path) for path in (ROOT / "proto" / PACKAGE).glob("*.proto"))
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *outputs, *sources], check=True)
    generated = {path.name: path.read_text("utf-8") for path in (tmp_path / PACKAGE).iterdir()}
    committed = {path.name: path.read_text("utf-8") for path in (ROOT / "services" / PACKAGE).glob("*_pb2.py*")}
    assert committed == generated, "run `make proto`"


def test_schema_passes_lint() -> None:
    result = buf("lint")
    assert result.returncode == 0, result.stdout + result.stderr


def test_schema_is_formatted() -> None:
    result = buf("format", "--diff", "--exit-code")
    assert result.returncode == 0, result.stdout + result.stderr


def test_schema_breaks_no_reader_of_main() -> None:
    main = ["git", "ls-tree", "main", "proto/glasswatch/v1/media.proto"]
    known = subprocess.run(main, cwd=ROOT, capture_output=True, text=True, check=False)
    if known.returncode != 0 or not known.stdout:
        pytest.skip("there is no schema on a branch main to compare with")
    result = buf("breaking", "--against", ".git#branch=main")
    assert result.returncode == 0, result.stdout + result.stderr
