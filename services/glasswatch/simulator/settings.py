"""Settings common to all injectors: how the output is encoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glasswatch.core.errors import UsageError

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of every injector's settings; a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    video_codec: Literal["libx264", "libx265", "mpeg2video", "libvpx-vp9"] | None = Field(
        None, description="video encoder; libx264, and libvpx-vp9 in .webm, unless told"
    )
    crf: int | None = Field(
        None, ge=0, le=63, description="constant quality; not with bit_rate (mpeg2video: quantiser)"
    )
    bit_rate: int | None = Field(None, gt=0, description="video bits per second")
    gop: int = Field(50, ge=1, le=1000, description="most frames from one key frame to the next")
    preset: Literal["ultrafast", "veryfast", "fast", "medium", "slow"] = Field(
        "veryfast", description="speed against quality of libx264 and libx265"
    )
    audio_codec: Literal["aac", "libmp3lame", "libopus", "ac3", "flac", "pcm_s16le"] | None = Field(
        None, description="audio encoder; aac, libopus in .webm, pcm_s16le in .wav unless told"
    )
    audio_bit_rate: int | None = Field(None, gt=0, description="audio bits per second and track")


class SoundSettings(Settings):
    """Base for injectors that change sound."""

    track: int | None = Field(None, ge=0, description="which audio track, from 0; all of them unless told")


def parse(model: type[S], name: str, given: Mapping[str, str]) -> S:
    """Settings from the words of a command line.

    Raises:
        UsageError: A key does not exist or a value does not fit.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        parts = []
        for item in error.errors():
            key = ".".join(str(p) for p in item["loc"])
            if item["type"] == "extra_forbidden":
                parts.append(f"no setting is called {key!r}; there are {', '.join(model.model_fields)}")
            else:
                parts.append(f"{key + ': ' if key else ''}{item['msg']}")
        raise UsageError(f"{name}: {'; '.join(parts)}") from error
