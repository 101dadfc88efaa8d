"""The JSON of the Open Inference Protocol, version 2: requests and answers, their types and examples.

Unknown fields are ignored, as the protocol's clients expect. Whether tensors fit a graph is checked in
`tensors` and `outputs`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.core.json.arrays import read_integer
from service.http.openapi.schemas import never_null

Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "BF16",
    "FP32",
    "FP64",
    "BYTES",
]
# Far more than any graph has or any client needs. Of a list, only the first fault is reported.
MOST_TENSORS, MOST_DIMENSIONS, MOST_PARAMETERS, MOST_CHARACTERS = 16, 8, 64, 1024
# Validated in `tensors`, where the shape is known; pydantic would copy the list.
Data = Annotated[Any, WithJsonSchema({"type": "array", "items": {}})]


def _check_text(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        context = {"at": "", "expected": f"at most {MOST_CHARACTERS} characters", "received": str(len(text))}
        raise PydanticCustomError("text", "expected {expected}, received {received}", context)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        context = {"at": "", "expected": "a text in Unicode", "received": "half a surrogate pair"}
        raise PydanticCustomError("text", "expected {expected}, received {received}", context) from error
    return text


def _check_few(value: object) -> object:
    # Checked before pydantic copies all of them.
    if isinstance(value, dict) and len(value) > MOST_PARAMETERS:
        context = {"at": "", "expected": f"at most {MOST_PARAMETERS} entries", "received": str(len(value))}
        raise PydanticCustomError("few", "expected {expected}, received {received}", context)
    return value


OPEN = {"type": "object", "additionalProperties": True}
PARAMETERS = {"title": "Parameters", **OPEN, "maxProperties": MOST_PARAMETERS}
Parameters = Annotated[
    dict[str, Any],
    Field(max_length=MOST_PARAMETERS),
    BeforeValidator(_check_few),
    WithJsonSchema(PARAMETERS),
]


class Message(BaseModel):
    """A part of a request: JSON types as they are, and whatever else it holds is ignored."""

    model_config = ConfigDict(strict=True, frozen=True)


class InputTensor(Message):
    """A tensor for a graph."""

    name: Annotated[str, Field(examples=["z"])]
    # JSON does not tell 3.0 from 3.
    shape: Annotated[
        list[Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(read_integer)]],
        Field(max_length=MOST_DIMENSIONS, fail_fast=True, examples=[[1, 2]]),
    ]
    datatype: Annotated[Datatype, Field(examples=["FP32"])]
    parameters: Annotated[
        Parameters | None,
        Field(description="`binary_data_size`: bytes of the tensor, which follows the JSON."),
    ] = None
    data: Annotated[Data, Field(description="Flat or nested, row by row.", examples=[[0.5, -1.0]])] = None


class RequestedOutput(Message):
    """A tensor to answer with."""

    name: Annotated[str, Field(examples=["image"])]
    parameters: Annotated[
        Parameters | None, Field(description="`binary_data`: whether it follows the JSON as bytes.")
    ] = None


class InferRequest(Message):
    """Tensors for a graph, and those to answer with."""

    id: Annotated[
        Annotated[str, AfterValidator(_check_text), Field(json_schema_extra={"maxLength": MOST_CHARACTERS})]
        | None,
        Field(description="Comes back with the answer."),
    ] = None
    parameters: Annotated[
        Parameters | None,
        Field(
            description="`timeout`: the deadline in microseconds. `binary_data_output`: whether outputs "
            "follow the JSON as bytes."
        ),
    ] = None
    inputs: Annotated[list[InputTensor], Field(max_length=MOST_TENSORS, fail_fast=True)]
    outputs: Annotated[
        Annotated[list[RequestedOutput], Field(max_length=MOST_TENSORS, fail_fast=True)] | None,
        Field(description="Unset or empty: all of the graph's own."),
    ] = None


class OutputTensor(BaseModel):
    """A tensor that a graph gave."""

    model_config = ConfigDict(json_schema_extra=never_null)

    name: Annotated[str, Field(examples=["image"])]
    shape: Annotated[list[int], Field(examples=[[1, 28, 28, 1]])]
    datatype: Datatype
    parameters: Annotated[
        dict[str, Any] | None,
        Field(description="`binary_data_size`: bytes of the tensor, which follows the JSON."),
    ] = None
    data: Annotated[Data | None, Field(description="Flat, row by row; BYTES as base64.")] = None


class InferAnswer(BaseModel):
    """What a graph gave."""

    model_config = ConfigDict(protected_namespaces=())

    model_name: str
    model_version: str
    id: Annotated[str, Field(description="The request's, or its X-Request-ID.")]
    outputs: list[OutputTensor]


class ServerMetadata(BaseModel):
    """The service and what it offers beyond the protocol's core."""

    name: str
    version: str
    extensions: Annotated[list[str], Field(description="Those that are complete.")]


class ServerHealth(BaseModel):
    """Whether the process runs, and whether its models can answer."""

    live: bool
    ready: bool


class GraphHealth(BaseModel):
    """Whether a graph can answer."""

    name: str
    ready: bool


class GraphNames(BaseModel):
    """The graphs of the loaded bundles."""

    models: list[str]


class TensorMetadata(BaseModel):
    """What a graph takes or gives."""

    name: str
    datatype: Datatype
    shape: Annotated[list[int], Field(description="-1 for the number of rows.")]


class GraphMetadata(BaseModel):
    """A graph's tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    properties: dict[str, str]


class TensorConfig(BaseModel):
    """What a graph takes or gives, as Triton's configuration has it."""

    name: str
    data_type: Literal["TYPE_FP32", "TYPE_STRING"]
    dims: Annotated[list[int], Field(description="Of one row.")]


class QueuePolicy(BaseModel):
    """What becomes of a request that waits too long."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    timeout_action: Literal["REJECT"] = "REJECT"
    default_timeout_microseconds: int
    allow_timeout_override: bool = True


class DynamicBatching(BaseModel):
    """How rows of different requests run together."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    preferred_batch_size: list[int]
    max_queue_delay_microseconds: int = 0
    default_queue_policy: QueuePolicy


class GraphConfig(BaseModel):
    """A graph's configuration, in Triton's words."""

    name: str
    platform: str
    backend: str
    max_batch_size: Annotated[int, Field(description="Most rows of one request.")]
    input: list[TensorConfig]
    output: list[TensorConfig]
    dynamic_batching: DynamicBatching


class IndexRequest(Message):
    """Which graphs to list."""

    ready: Annotated[bool, Field(description="Only those that can answer.")] = False


class IndexEntry(BaseModel):
    """A graph, and whether it can answer."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str
