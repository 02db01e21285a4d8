"""Reading Triton's config.pbtxt: protobuf text format of message `inference.ModelConfig`.

The format goes by field name, so a descriptor of the fields that are read is enough, and neither Triton's client nor
generated code is needed. Everything else in a configuration is about how a server schedules, and is passed over.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message

DTYPES: dict[str, npt.DTypeLike] = {
    "TYPE_BOOL": np.bool_,
    "TYPE_UINT8": np.uint8,
    "TYPE_UINT16": np.uint16,
    "TYPE_UINT32": np.uint32,
    "TYPE_UINT64": np.uint64,
    "TYPE_INT8": np.int8,
    "TYPE_INT16": np.int16,
    "TYPE_INT32": np.int32,
    "TYPE_INT64": np.int64,
    "TYPE_FP16": np.float16,
    "TYPE_FP32": np.float32,
    "TYPE_FP64": np.float64,
}
"""Triton's element types that NumPy has too."""

DATA_TYPES = ("TYPE_INVALID", *DTYPES, "TYPE_STRING", "TYPE_BF16")
"""Labels of Triton's enum DataType by number."""

_TENSOR = {"name": "string", "data_type": "DataType", "dims": "repeated int64", "reshape": "ModelTensorReshape"}

# Text format skips an unknown field whose value is `{...}` or `[1, 2]`, but not one written `name [{...}]`. These are
# all the fields of Triton's schema that may be written so, and those that may hold one.
_PASSED_OVER_NAMES = """
    agents batch_input batch_output cc_model_filenames control control_input cpu_execution_accelerator cuda
    dynamic_batching ensemble_scheduling execution_accelerators gpu_execution_accelerator graph_spec initial_state
    input input_map inputs instance_group metric_control metric_tags model_metrics model_repository_agents
    model_warmup optimization output_map parameters priority_queue_policy rate_limiter resources secondary_devices
    sequence_batching state step
"""
_PASSED_OVER = dict.fromkeys(_PASSED_OVER_NAMES.split(), "repeated PassedOver")

_MESSAGES = {
    "PassedOver": _PASSED_OVER,
    "ModelTensorReshape": {"shape": "repeated int64"},
    "ModelInput": _TENSOR,
    "ModelOutput": _TENSOR,
    "Latest": {"num_versions": "uint32"},
    "All": {},
    "Specific": {"versions": "repeated int64"},
    "ModelVersionPolicy": {"latest": "Latest", "all": "All", "specific": "Specific"},
    "ModelConfig": _PASSED_OVER
    | {
        "name": "string",
        "platform": "string",
        "backend": "string",
        "version_policy": "ModelVersionPolicy",
        "max_batch_size": "int32",
        "input": "repeated ModelInput",
        "output": "repeated ModelOutput",
        "default_model_filename": "string",
    },
}


def parse_config(text: str) -> Any:
    """The ModelConfig message that `text` says; ValueError, with line and column, where it is not one."""
    try:
        return text_format.Parse(text, _config_class()(), allow_unknown_field=True)
    except text_format.ParseError as error:
        raise ValueError(str(error)) from None


@cache
def _config_class() -> type[Message]:
    """The message class of ModelConfig, in a pool of its own, so that Triton's client may bring the full one."""
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    values = file.enum_type.add(name="DataType").value
    for number, label in enumerate(DATA_TYPES):
        values.add(name=label, number=number)
    for message, fields in _MESSAGES.items():
        added = file.message_type.add(name=message)
        for number, (name, kind) in enumerate(fields.items(), start=1):
            _add_field(added, name, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    repeated, _, element = kind.rpartition(" ")
    proto = descriptor_pb2.FieldDescriptorProto
    field = message.field.add(name=name, number=number)
    field.label = proto.LABEL_REPEATED if repeated else proto.LABEL_OPTIONAL
    if element in _MESSAGES or element == "DataType":
        field.type = proto.TYPE_MESSAGE if element in _MESSAGES else proto.TYPE_ENUM
        field.type_name = f".inference.{element}"
    else:
        field.type = proto.Type.Value(f"TYPE_{element.upper()}")
