"""Models on a Triton server, over gRPC."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy.typing as npt
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from glasswatch.adapters.background_loop import BackgroundLoop
from glasswatch.adapters.circuit_breaker import CircuitBreaker
from glasswatch.adapters.model_signature import ModelSignature, check_name
from glasswatch.adapters.triton_error import (
    DEADLINE_EXCEEDED,
    NOT_FOUND,
    UNAVAILABLE,
    Reason,
    TritonError,
    triton_error,
)
from glasswatch.adapters.triton_memory import SharedMemory, is_local
from glasswatch.adapters.triton_request import fetch_signature, run_batch
from glasswatch.ports.inference import Tensors
from glasswatch.telemetry.metrics import INFERENCE_CIRCUIT_OPEN, INFERENCE_FAILURES, INFERENCE_SECONDS

log = logging.getLogger(__name__)

T = TypeVar("T")

FAILURES_TO_OPEN = 5
PAUSE_S = 2.0
"""About the time in which a Triton that was started again is ready."""

VERSION_DEADLINE_S = 5.0

_FIRST_RETRY_S = 0.05
_LONGEST_RETRY_S = 1.0

_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A server that vanished without a word is found out while calls wait for it. Triton takes a ping every 7 s or more
    # (--grpc-keepalive-time and --grpc-http2-min-recv-ping-interval-without-data in its documentation).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 0),
    # gRPC would wait up to two minutes before it looks for a server again. "min" is what it gives one attempt.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.min_reconnect_backoff_ms", 2_000),
]


@dataclass(slots=True)
class _Model:
    """What is known of a model of the server."""

    name: str
    breaker: CircuitBreaker
    signature: ModelSignature | None = None
    told_open: bool = False
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class TritonInference:
    """Runs models on a Triton server; implements `glasswatch.ports.inference.Inference` for any number of threads.

    Calls of several threads are under way together, so that the server can batch them. A call is repeated while no
    server is there, until its deadline. Each model has a circuit breaker: after `failures_to_open` calls in a row that
    the server did not answer, or could not, calls fail at once, and one tries again every `pause_s` seconds.
    """

    def __init__(
        self,
        address: str,
        *,
        failures_to_open: int = FAILURES_TO_OPEN,
        pause_s: float = PAUSE_S,
        shared_memory: bool | None = None,
    ) -> None:
        """Say where the server is; it is first asked when it is first needed.

        Args:
            address: HOST:PORT of its gRPC service, or another gRPC target.
            failures_to_open: Failures in a row after which calls are held back.
            pause_s: For how long they are.
            shared_memory: Whether to try shared memory; None tries it where the address is on this host.
        """
        self.address = address
        self._limits = (failures_to_open, pause_s)
        self._models: dict[str, _Model] = {}
        self._loop = BackgroundLoop(f"triton {address}")
        try:
            self._client: InferenceServerClient = self._loop.run(_connect(address))
        except BaseException:
            self._loop.close(_nothing())
            raise
        local = is_local(address) if shared_memory is None else shared_memory
        if not local:
            log.info("tensors go to Triton over the connection: %s is not on this host", address)
        self._memory = SharedMemory(self._client, usable=local)

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        """Outputs of `model` by name; see the port for arguments and errors."""
        started = time.monotonic()
        outputs = self._ask(model, deadline_s, lambda known, until: self._infer(known, inputs, until))
        INFERENCE_SECONDS.labels(model).observe(time.monotonic() - started)
        return outputs

    def version(self, model: str) -> str:
        """The version that `infer` uses; the server is asked once."""
        known = self._models.get(model)
        signature = known.signature if known else None
        if signature is None:
            signature = self._ask(model, VERSION_DEADLINE_S, self._signature)
        return str(signature.version)

    def close(self) -> None:
        """End calls that are under way, give the shared memory back, leave the server."""
        self._loop.close(self._leave())

    def __enter__(self) -> TritonInference:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, name: str, deadline_s: float, work: Callable[[_Model, float], Awaitable[T]]) -> T:
        """Result of `work`; every failure is counted, and is an InferenceError of one line."""
        try:
            check_name(name)
            return self._loop.run(self._guarded(name, deadline_s, work))
        except Exception as error:
            failure = triton_error(name, self.address, error)
            INFERENCE_FAILURES.labels(name, failure.reason).inc()
            if failure is error:
                raise
            raise failure from error

    async def _guarded(self, name: str, deadline_s: float, work: Callable[[_Model, float], Awaitable[T]]) -> T:
        """Result of `work` if the model's breaker admits it."""
        model = self._models.get(name)
        if model is None:
            model = self._models[name] = _Model(name, CircuitBreaker(*self._limits))
        breaker = model.breaker
        if not breaker.admit():
            text = "held back, because its last calls failed"
            raise TritonError(Reason.CIRCUIT_OPEN, f"model {name}: {self.address}: {text}")
        try:
            result = await self._repeated(model, deadline_s, work)
        except TritonError as error:
            if error.reason is Reason.REFUSED:
                breaker.succeeded()
            else:
                breaker.failed()
            raise
        except BaseException:
            breaker.abandoned()
            raise
        else:
            breaker.succeeded()
            return result
        finally:
            self._tell(model)

    def _tell(self, model: _Model) -> None:
        """Log and count a change of the breaker."""
        now_open = model.breaker.is_open
        if now_open != model.told_open:
            log.warning(
                "calls of model %s on %s are %s", model.name, self.address, "held back" if now_open else "tried again"
            )
            INFERENCE_CIRCUIT_OPEN.labels(model.name).set(now_open)
            model.told_open = now_open

    async def _repeated(self, model: _Model, deadline_s: float, work: Callable[[_Model, float], Awaitable[T]]) -> T:
        """Result of `work`, tried again while no server is there and the deadline allows it."""
        now = asyncio.get_running_loop().time
        until = now() + deadline_s
        pause = _FIRST_RETRY_S
        try:
            async with asyncio.timeout_at(until):
                while True:
                    try:
                        return await work(model, until)
                    except InferenceServerException as error:
                        if error.status() == DEADLINE_EXCEEDED:
                            raise TimeoutError from error
                        if not self._may_repeat(model, error) or now() + pause >= until:
                            raise triton_error(model.name, self.address, error) from error
                    # Spread, so that the callers of a server that comes back do not all come at once.
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                    pause = min(2 * pause, _LONGEST_RETRY_S)
        except TimeoutError as error:
            raise TritonError(Reason.DEADLINE, f"model {model.name}: not done within {deadline_s:g} s") from error

    def _may_repeat(self, model: _Model, error: InferenceServerException) -> bool:
        """Whether nothing was run, so that it may be tried anew, with nothing taken for known."""
        # A server that was started again does not know regions of shared memory; a version may have been replaced.
        forgotten = error.status() == NOT_FOUND and model.signature is not None
        if not forgotten and error.status() != UNAVAILABLE:
            return False
        model.signature = None
        self._memory.forget()
        return True

    async def _infer(self, model: _Model, inputs: Tensors, until: float) -> dict[str, npt.NDArray[Any]]:
        signature = await self._signature(model, until)
        batches = signature.batches(inputs)
        runs = [run_batch(self._client, self._memory, signature, batch, _left(until)) for batch in batches]
        return signature.join(await _together(runs))

    async def _signature(self, model: _Model, until: float) -> ModelSignature:
        """What the model takes; asked of the server once, however many calls need it."""
        async with model.fetching:
            if model.signature is None:
                model.signature = await fetch_signature(self._client, model.name, _left(until))
            return model.signature

    async def _leave(self) -> None:
        await self._memory.close()
        await self._client.close()


async def _connect(address: str) -> InferenceServerClient:
    """A client whose channel belongs to the running loop."""
    return InferenceServerClient(address, channel_args=_CHANNEL)


async def _nothing() -> None:
    pass


async def _together(runs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """All results; after the first failure the others are cancelled."""
    if len(runs) == 1:
        return [await runs[0]]
    tasks = [asyncio.ensure_future(run) for run in runs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _left(until: float) -> float:
    """Seconds until then by the clock of the loop, more than 0."""
    return max(until - asyncio.get_running_loop().time(), 1e-3)
