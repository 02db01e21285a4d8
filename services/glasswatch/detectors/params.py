"""Base of every detector's parameters."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Parameters of one detector: frozen, and a misspelt key is an error.

    Classes give types, bounds and meaning; the values are data, in `config/defaults/<detector>.yaml`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
