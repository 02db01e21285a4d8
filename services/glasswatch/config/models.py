"""Where the model repository is, when nobody says."""

from __future__ import annotations

from pathlib import Path

NAME = "triton_models"
VARIABLE = "GLASSWATCH_MODELS"


def default_models() -> Path:
    """The repository in the working directory, else the one that came with this installation or checkout.

    Where there is none, the path in the working directory; what reads it says what is missing.
    """
    package = Path(__file__).resolve().parents[1]
    checkout = package.parents[1]
    here = Path(NAME)
    return next((path for path in (here, package / NAME, checkout / NAME) if path.is_dir()), here)
