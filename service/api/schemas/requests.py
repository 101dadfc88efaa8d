"""The request bodies of the API: the types and bounds of their fields, and how the schema describes them.

What depends on the model or the operator, such as latent_dim and the limits, is checked by
`service.latent.space` and `service.inference.image_inputs`.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.api.schemas.shapes import METHOD, PIXELS, PRIOR, VECTOR, VECTORS
from service.core.choices import SEED_LIMIT, ClassName, Method, Polarity, PriorName
from service.core.json.arrays import read_integer, read_label, read_labels, read_numbers
from service.http.bodies.limits import trim_fields

# In JSON, 3.0 and 3 are the same number. It stands after a field's bounds, which then apply to the integer.
WHOLE = BeforeValidator(read_integer)
Nested = list[Any]


Vector = Annotated[
    NDArray[np.float64], PlainValidator(partial(read_numbers, depths=(1,))), WithJsonSchema(VECTOR)
]
Vectors = Annotated[
    NDArray[np.float64], PlainValidator(partial(read_numbers, depths=(1, 2))), WithJsonSchema(VECTORS)
]
Pixels = Annotated[
    NDArray[np.float64], PlainValidator(partial(read_numbers, depths=(2, 3, 4))), WithJsonSchema(PIXELS)
]
# What is JSON, and what is a text in a query, where digits are the label.
LABEL = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
Label = Annotated[ClassName, PlainValidator(read_label), WithJsonSchema(LABEL)]
# `1_0`, which pydantic would read as 10, stays a text.
_Digits = Annotated[Annotated[str, Field(pattern="_")] | int, WithJsonSchema({"type": "integer"})]
LabelText = Annotated[_Digits | str, Field(union_mode="left_to_right")]
Labels = Annotated[
    ClassName | list[ClassName],
    PlainValidator(read_labels),
    WithJsonSchema({"anyOf": [*LABEL["anyOf"], {"type": "array", "minItems": 1, "items": LABEL}]}),
]
Seed = Annotated[int, Field(ge=0, lt=SEED_LIMIT, description="Of the random numbers, in [0, 2**32)."), WHOLE]
ModelName = Annotated[
    str | None, Field(description="A name from `GET /models`, or `name@version`; unset: the default model.")
]

PRIOR_TEXT = "Without a digit: `normal` for N(0, 1), `mixture`, or unset for the model's own."


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

    n: Annotated[int, Field(ge=1, description="How many; fewer are the first of more."), WHOLE] = 1
    seed: Annotated[Seed | None, Field(description="Unset: chosen, and named in the answer.")] = None
    temperature: Annotated[
        FiniteFloat, Field(ge=0, le=10, description="Scales the standard deviation; 0 gives the mean.")
    ] = 1.0
    digit: Annotated[Label | None, Field(description="A class to draw from; unset: the prior.")] = None
    prior: Annotated[Annotated[PriorName, WithJsonSchema(PRIOR)] | None, Field(description=PRIOR_TEXT)] = None
    model: ModelName = None


ENDS = ("z", "digit", "pixels")


def _describe_ends(schema: dict[str, Any]) -> None:
    """Turn the one object with three optional fields into three objects, each of which has one of them."""
    properties, nothing = schema.pop("properties"), {"type": "null"}
    for name in ENDS:
        options = [option for option in properties[name]["anyOf"] if option != nothing]
        value = options[0] if len(options) == 1 else {"anyOf": options}
        properties[name] = {**value, "description": properties[name]["description"]}

    def option(title: str, given: str) -> dict[str, Any]:
        others = {name: nothing for name in ENDS if name != given}
        label = nothing if given == "digit" else properties["label"]
        fields = {given: properties[given], "label": label, **others}
        closed = {"type": "object", "required": [given], "additionalProperties": False}
        return {"title": title, **closed, "properties": fields}

    del schema["additionalProperties"], schema["type"]
    schema["anyOf"] = [option("VectorEnd", "z"), option("ClassEnd", "digit"), option("PictureEnd", "pixels")]


# Each takes time to check, before it is known how many a request may have.
MOST_STOPS = 1024
THROUGH = "Each is drawn if the number of legs divides `steps` less 1."


class PathEnd(Body):
    """An end of an interpolation: exactly one of z, digit and pixels."""

    model_config = ConfigDict(json_schema_extra=_describe_ends)

    z: Annotated[Vector | None, Field(description="A vector of latent_dim numbers.")] = None
    digit: Annotated[Label | None, Field(description="A class; its middle is the end.")] = None
    pixels: Annotated[Pixels | None, Field(description="A picture, as in `/encode`.")] = None
    label: Annotated[
        Label | None, Field(description="Beside z or pixels, for a label-conditioned model.")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _trim(cls, value: Any) -> Any:
        return trim_fields(value, cls) if type(value) is dict else value

    @model_validator(mode="after")
    def _one(self) -> PathEnd:
        given = [name for name in ENDS if getattr(self, name) is not None]
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

    start: Annotated[PathEnd, Field(alias="from")]
    end: Annotated[PathEnd, Field(alias="to")]
    through: Annotated[
        list[PathEnd] | None,
        Field(
            max_length=MOST_STOPS,
            fail_fast=True,
            description="Points to go through, in this order. " + THROUGH,
        ),
    ] = None
    steps: Annotated[
        int, Field(ge=2, description="Pictures of the whole way, both ends included."), WHOLE
    ] = 8
    method: Annotated[
        Annotated[Method, WithJsonSchema(METHOD)] | None,
        Field(description="Unset: lerp where latent_dim is at most 3, else slerp."),
    ] = None
    model: ModelName = None


class InterpolateForm(BaseModel):
    """What a form says beside the two ends; texts, as a form has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: Annotated[int, Field(ge=2, description="Pictures, both ends included.")] = 8
    method: Annotated[
        Method | None, Field(description="Unset: lerp where latent_dim is at most 3, else slerp.")
    ] = None
    from_label: Annotated[
        LabelText | None, Field(description="Beside a vector or a picture, for a label-conditioned model.")
    ] = None
    to_label: Annotated[LabelText | None, Field(description="The same.")] = None
    polarity: Annotated[Polarity, Field(description="Of files, as in `/encode`.")] = "auto"
    model: ModelName = None
