"""Owns request and response bodies: types, finiteness, examples.

latent_dim and the limits are the model's and the operator's; `engine` checks them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.numbers import read_labels, read_numbers

SEED_LIMIT = 2**32

Format = Literal["png", "json", "npy"]
Dtype = Literal["float32", "uint8"]
Polarity = Literal["auto", "light-on-dark", "dark-on-light"]
Method = Literal["lerp", "slerp"]
Nested = list[Any]


def _schema(*depths: int) -> WithJsonSchema:
    def nested(depth: int) -> dict[str, Any]:
        items = {"type": "number"} if depth == 1 else nested(depth - 1)
        return {"type": "array", "minItems": 1, "items": items}

    options = [nested(depth) for depth in depths]
    return WithJsonSchema(options[0] if len(options) == 1 else {"anyOf": options})


Vector = Annotated[NDArray[np.float64], PlainValidator(lambda v: read_numbers(v, (1,))), _schema(1)]
Vectors = Annotated[NDArray[np.float64], PlainValidator(lambda v: read_numbers(v, (1, 2))), _schema(1, 2)]
Pixels = Annotated[
    NDArray[np.float64], PlainValidator(lambda v: read_numbers(v, (2, 3, 4))), _schema(2, 3, 4)
]
Labels = Annotated[
    int | list[int],
    PlainValidator(read_labels),
    WithJsonSchema(
        {"anyOf": [{"type": "integer"}, {"type": "array", "minItems": 1, "items": {"type": "integer"}}]}
    ),
]
Seed = Annotated[int, Field(ge=0, lt=SEED_LIMIT, description="Of the random numbers, in [0, 2**32).")]
ModelName = Annotated[str | None, Field(description="A name from `GET /models`; unset: the default model.")]


class Body(BaseModel):
    """A request body: JSON types as they are, and no field but these."""

    model_config = ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True, frozen=True)


class DecodeRequest(Body):
    """Latent vectors to decode."""

    z: Annotated[Vectors, Field(description="One vector of latent_dim numbers, or a list of such.")]
    label: Annotated[
        Labels | None,
        Field(description="For a label-conditioned model: that of all vectors, or a list, one a vector."),
    ] = None
    model: ModelName = None


class EncodeRequest(Body):
    """Pictures to encode, as numbers."""

    pixels: Annotated[
        Pixels,
        Field(description="height rows of width numbers in [0, 1], or a list of such; taken as they are."),
    ]
    model: ModelName = None
    seed: Seed | None = None


class EndpointBody(Body):
    """An end of an interpolation: exactly one of z and digit."""

    z: Annotated[Vector | None, Field(description="A vector of latent_dim numbers.")] = None
    digit: Annotated[int | None, Field(description="A class; its mean is the end.")] = None
    label: Annotated[int | None, Field(description="Beside z, for a label-conditioned model.")] = None

    @model_validator(mode="after")
    def _one(self) -> EndpointBody:
        if (self.z is None) == (self.digit is None):
            received = "neither" if self.z is None else "both"
            context = {"at": "", "expected": "either z or digit", "received": received}
            raise PydanticCustomError("endpoint", "expected {expected}, received {received}", context)
        if self.digit is not None and self.label is not None:
            context = {
                "at": ".label",
                "expected": "no label beside a digit, which is one",
                "received": "both",
            }
            raise PydanticCustomError("endpoint", "expected {expected}, received {received}", context)
        return self


class InterpolateRequest(Body):
    """Two ends and how to go from one to the other."""

    start: Annotated[EndpointBody, Field(alias="from")]
    end: Annotated[EndpointBody, Field(alias="to")]
    steps: Annotated[int, Field(ge=2, description="Pictures, both ends included.")] = 8
    method: Annotated[
        Method | None,
        Field(description="Unset: lerp where latent_dim is at most 3, else slerp."),
    ] = None
    model: ModelName = None


class Query(BaseModel):
    """Query parameters: no other names, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FormatQuery(Query):
    """How to answer."""

    format: Annotated[Format | None, Field(description="Overrides the Accept header.")] = None
    dtype: Annotated[
        Dtype, Field(description="Of pixels in JSON and npy: float32 in [0, 1], or uint8 in [0, 255].")
    ] = "float32"


class DecodeQuery(FormatQuery):
    """How to answer, and the model and the label of a body that cannot name them."""

    model: ModelName = None
    label: Annotated[int | None, Field(description="Of all vectors, for a label-conditioned model.")] = None


class DigitQuery(FormatQuery):
    """How to draw a digit."""

    model: ModelName = None
    seed: Annotated[Seed | None, Field(description="Unset: chosen, and named in `CVAE-Seed`.")] = None
    temperature: Annotated[
        FiniteFloat, Field(ge=0, le=10, description="Scales the standard deviation; 0 gives the mean.")
    ] = 1.0


class EncodeQuery(Query):
    """How to read uploads and what to answer. A JSON body may hold `model` and `seed` instead."""

    model: ModelName = None
    seed: Annotated[Seed | None, Field(description="Also draw `z` from q(z|x).")] = None
    polarity: Annotated[
        Polarity,
        Field(description="Of uploaded files; auto looks at each one's border, but keeps colours."),
    ] = "auto"


class Answer(BaseModel):
    """What every JSON answer of a model begins with."""

    model_config = ConfigDict(frozen=True)

    model: Annotated[str, Field(description="Name of the model.")]
    version: Annotated[str, Field(description="Version of the model, 12 hex digits.")]


Rows = Annotated[
    list[list[float]], Field(description="(batch, latent_dim) float32.", examples=[[[0.5, -1.0]]])
]


class PicturesAnswer(Answer):
    """Latent vectors and their pictures."""

    z: Rows
    images: Annotated[
        Nested,
        Field(
            description="(batch, height, width) float32 in [0, 1], or uint8; a last axis of 3 for colour.",
            examples=[[[[0.0, 0.75], [0.5, 1.0]]]],
            json_schema_extra={"items": {"type": "array", "items": {"type": "array"}}},
        ),
    ]


class DigitAnswer(PicturesAnswer):
    """A drawn digit and what drew it."""

    digit: int
    seed: int
    temperature: float


class EncodeAnswer(Answer):
    """The posterior q(z|x) of each picture."""

    z_mean: Rows
    z_log_var: Annotated[
        list[list[float]],
        Field(description="(batch, latent_dim) float32, natural log.", examples=[[[-5.2, -4.9]]]),
    ]
    z: Annotated[list[list[float]] | None, Field(description="Draws from q(z|x), with a seed.")] = None
    seed: int | None = None


class ImageInfo(BaseModel):
    """What a model's pictures are."""

    height: int
    width: int
    channels: int
    polarity: str


class RuntimeInfo(BaseModel):
    """What a model runs on."""

    provider: Annotated[str, Field(description="onnxruntime's execution provider.")]
    intra_op_threads: int
    inter_op_threads: int
    onnxruntime: str


class ModelInfo(BaseModel):
    """A loaded model."""

    name: str
    version: str
    default: Annotated[bool, Field(description="Whether it answers requests that name no model.")]
    latent_dim: int
    image: ImageInfo
    classes: Annotated[list[int], Field(description="Labels that /digits and /interpolate know.")]
    conditional: Annotated[bool, Field(description="Whether z needs a `label` beside it, one of `classes`.")]
    metrics: Annotated[dict[str, Any], Field(description="On the test split; losses in nats per image.")]
    dataset: dict[str, Any]
    runtime: RuntimeInfo
    created: str


class ModelList(BaseModel):
    """The loaded models, by name."""

    models: list[ModelInfo]


class Health(BaseModel):
    """A health check's answer."""

    status: Literal["live", "ready"]


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    field: Annotated[str, Field(description="Such as `z[3][1]`.")]
    expected: str
    received: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: Annotated[list[Fault], Field(description="Empty where no part of the request is at fault.")] = []
    request_id: str
