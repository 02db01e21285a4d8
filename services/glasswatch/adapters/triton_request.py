"""One request to a Triton server: what a model takes, and one batch through it, by shared memory where there is any."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import np_to_triton_dtype, triton_to_np_dtype

from glasswatch.adapters.model_signature import ModelSignature, TensorSpec
from glasswatch.adapters.triton_memory import Region, SharedMemory, aligned
from glasswatch.core.errors import InferenceError
from glasswatch.ports.inference import Tensors


async def fetch_signature(client: InferenceServerClient, model: str, timeout_s: float) -> ModelSignature:
    """What the server says of a model.

    Raises:
        InferenceServerException: It does not know the model, or does not answer.
        InferenceError: The model takes or gives something that is no NumPy array.
    """
    metadata, answer = await asyncio.gather(
        client.get_model_metadata(model, client_timeout=timeout_s),
        client.get_model_config(model, client_timeout=timeout_s),
    )
    if not metadata.versions:
        raise InferenceError(f"model {model}: the server has no version of it")
    return ModelSignature(
        name=model,
        version=max(int(version) for version in metadata.versions),
        max_batch=answer.config.max_batch_size or None,
        inputs=_tensors(model, metadata.inputs),
        outputs=_tensors(model, metadata.outputs),
    )


async def run_batch(
    client: InferenceServerClient, memory: SharedMemory, signature: ModelSignature, inputs: Tensors, timeout_s: float
) -> dict[str, npt.NDArray[Any]]:
    """Outputs of one batch that fits `signature`, by name.

    Raises:
        InferenceServerException: The server cannot run it, or does not answer.
    """
    shapes = {name: array.shape for name, array in inputs.items()}
    shapes |= _known_shapes(signature, inputs)
    offsets, size = _layout([*signature.inputs, *signature.outputs], shapes)
    region = await memory.take(size)
    if region is None:
        return await _run(client, signature, inputs, timeout_s, None, {})
    try:
        outputs = await _run(client, signature, inputs, timeout_s, region, offsets)
    except BaseException:
        memory.retire(region)
        raise
    memory.give_back(region)
    return outputs


async def _run(
    client: InferenceServerClient,
    signature: ModelSignature,
    inputs: Tensors,
    timeout_s: float,
    region: Region | None,
    offsets: dict[str, tuple[int, int]],
) -> dict[str, npt.NDArray[Any]]:
    """As `run_batch`; tensors with a place in the region, (offset, bytes), go through it and the others do not."""
    given = []
    for spec in signature.inputs:
        array = inputs[spec.name]
        tensor = InferInput(spec.name, list(array.shape), np_to_triton_dtype(spec.dtype))
        if region is not None:
            offset, size = offsets[spec.name]
            region.write(offset, array)
            tensor.set_shared_memory(region.name, size, offset)
        else:
            tensor.set_data_from_numpy(array)
        given.append(tensor)
    wanted = []
    for spec in signature.outputs:
        output = InferRequestedOutput(spec.name)
        if region is not None and spec.name in offsets:
            offset, size = offsets[spec.name]
            output.set_shared_memory(region.name, size, offset)
        wanted.append(output)
    version = str(signature.version)
    result = await client.infer(signature.name, given, model_version=version, outputs=wanted, client_timeout=timeout_s)
    arrays = {}
    for spec in signature.outputs:
        answer = result.get_output(spec.name)
        if answer is None:
            raise InferenceError(f"model {signature.name}: the server gave no output {spec.name}")
        if region is not None and spec.name in offsets:
            arrays[spec.name] = region.read(offsets[spec.name][0], answer.shape, spec.dtype)
        else:
            # The client's array is a view of the answer, and cannot be written to.
            arrays[spec.name] = np.array(result.as_numpy(spec.name))
    return arrays


def _known_shapes(signature: ModelSignature, inputs: Tensors) -> dict[str, tuple[int, ...]]:
    """Shapes of those outputs whose size is known before the call."""
    rows = next(iter(inputs.values())).shape[:1]
    batched = signature.max_batch is not None
    shapes = {spec.name: (*rows, *spec.shape[1:]) if batched else spec.shape for spec in signature.outputs}
    return {name: shape for name, shape in shapes.items() if -1 not in shape}


def _layout(specs: Iterable[TensorSpec], shapes: dict[str, tuple[int, ...]]) -> tuple[dict[str, tuple[int, int]], int]:
    """Where each tensor of a known shape lies in a region, (offset, bytes), and how long the region must be."""
    places, end = {}, 0
    for spec in specs:
        if spec.name in shapes:
            size = math.prod(shapes[spec.name]) * spec.dtype.itemsize
            places[spec.name] = end, size
            end = aligned(end + size)
    return places, end


def _tensors(model: str, tensors: Iterable[Any]) -> tuple[TensorSpec, ...]:
    specs = []
    for tensor in tensors:
        dtype = triton_to_np_dtype(tensor.datatype)
        if dtype is None or dtype is np.object_:
            raise InferenceError(f"model {model}: {tensor.name} is {tensor.datatype}, which NumPy does not have")
        specs.append(TensorSpec(tensor.name, np.dtype(dtype), tuple(tensor.shape)))
    return tuple(specs)
