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
ModelName = Annotated[
    str | None, Field(description="A name from `GET /models`, or `name@version`; unset: the default model.")
]


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


class ReconstructRequest(Body):
    """Pictures to encode and decode again, as numbers."""

    pixels: Annotated[Pixels, Field(description="As in `/encode`.")]
    label: Annotated[
        Labels | None,
        Field(description="For a label-conditioned model: that of all pictures, or a list, one a picture."),
    ] = None
    model: ModelName = None


class SampleRequest(Body):
    """Pictures to draw."""

    n: Annotated[int, Field(ge=1, description="How many; fewer are the first of more.")] = 1
    seed: Annotated[Seed | None, Field(description="Unset: chosen, and named in the answer.")] = None
    temperature: Annotated[
        FiniteFloat, Field(ge=0, le=10, description="Scales the standard deviation; 0 gives the mean.")
    ] = 1.0
    digit: Annotated[int | None, Field(description="A class to draw from; unset: the prior.")] = None
    model: ModelName = None


class EndpointBody(Body):
    """An end of an interpolation: exactly one of z, digit and pixels."""

    z: Annotated[Vector | None, Field(description="A vector of latent_dim numbers.")] = None
    digit: Annotated[int | None, Field(description="A class; its middle is the end.")] = None
    pixels: Annotated[Pixels | None, Field(description="A picture, as in `/encode`.")] = None
    label: Annotated[int | None, Field(description="Beside z or pixels, for a label-conditioned model.")] = (
        None
    )

    @model_validator(mode="after")
    def _one(self) -> EndpointBody:
        given = [name for name in ("z", "digit", "pixels") if getattr(self, name) is not None]
        if len(given) != 1:
            received = " and ".join(given) or "none"
            context = {"at": "", "expected": "one of z, digit and pixels", "received": received}
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


class InterpolateForm(BaseModel):
    """What a form says beside the two ends; texts, as a form has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Annotated[int, Field(ge=2)] = 8
    method: Method | None = None
    from_label: int | None = None
    to_label: int | None = None
    polarity: Polarity = "auto"
    model: ModelName = None


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
