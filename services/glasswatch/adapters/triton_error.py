"""Failures of calls of a Triton server, and of what kind they are."""

from __future__ import annotations

from enum import StrEnum

from tritonclient.utils import InferenceServerException

from glasswatch.adapters.background_loop import ClosedError
from glasswatch.core.errors import InferenceError

UNAVAILABLE = "StatusCode.UNAVAILABLE"
DEADLINE_EXCEEDED = "StatusCode.DEADLINE_EXCEEDED"
NOT_FOUND = "StatusCode.NOT_FOUND"
"""As the client writes a gRPC status."""


class Reason(StrEnum):
    """Why a call failed, as in the metric."""

    REFUSED = "refused"
    """The call is wrong: unknown model, inputs that it does not take."""
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    FAILED = "failed"
    """The server could not run the model."""
    CIRCUIT_OPEN = "circuit_open"
    CLOSED = "closed"
    """The client was closed."""


_REASONS = {
    UNAVAILABLE: Reason.UNAVAILABLE,
    DEADLINE_EXCEEDED: Reason.DEADLINE,
    NOT_FOUND: Reason.REFUSED,
    "StatusCode.INVALID_ARGUMENT": Reason.REFUSED,
    "StatusCode.UNIMPLEMENTED": Reason.REFUSED,
}
"""By gRPC status; any other is FAILED."""


class TritonError(InferenceError):
    """An InferenceError that knows of what kind it is; its text is made one line."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(" ".join(text.split()))
        self.reason = reason


def triton_error(model: str, address: str, error: Exception) -> TritonError:
    """What to tell of an error of a call of `model` on the server at `address`."""
    match error:
        case TritonError():
            return error
        case InferenceError():
            return TritonError(Reason.REFUSED, str(error))
        case ClosedError():
            return TritonError(Reason.CLOSED, f"model {model}: the connection to {address} is closed")
        case InferenceServerException():
            reason = _REASONS.get(error.status(), Reason.FAILED)
            return TritonError(reason, f"model {model}: {address}: {error.message()}")
        case _:
            return TritonError(Reason.FAILED, f"model {model}: {address}: {error or type(error).__name__}")
