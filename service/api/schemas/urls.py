"""The query parameters of image URLs: what to draw, and how."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from service.api.schemas.look import LookQuery, SequenceQuery
from service.api.schemas.query import Label, Seeded, Temperature
from service.api.schemas.requests import PRIOR_TEXT, THROUGH, LabelText, ModelName
from service.core.choices import Method, PriorName
from service.http.query_params import Query
from service.latent.parsing import POINT_PATTERN, VECTOR_PATTERN

Count = Annotated[int, Field(ge=1, description="How many pictures; fewer are the first of more.")]
Digit = Annotated[LabelText | None, Field(description="A class to draw from; unset: the prior.")]


class UrlQuery(LookQuery):
    """What every image URL can say."""

    model: ModelName = None
    download: Annotated[bool, Field(description="Have browsers save it.")] = False


class DecodeUrl(UrlQuery):
    """Vectors to decode."""

    z: Annotated[
        list[str],
        Field(
            min_length=1,
            description="A vector, `0.5,-1.0`; several times for a sheet.",
            examples=[["0.5,-1.0"]],
            json_schema_extra={"items": {"type": "string", "pattern": VECTOR_PATTERN}},
        ),
    ]
    label: Annotated[
        list[LabelText] | None,
        Field(
            fail_fast=True, description="For a label-conditioned model: that of all vectors, or one a vector."
        ),
    ] = None


class DigitUrl(UrlQuery):
    """How to draw a digit."""

    seed: Seeded = None
    temperature: Temperature = 1.0


class SampleUrl(DigitUrl):
    """Pictures to draw."""

    n: Count = 1
    digit: Digit = None
    prior: Annotated[PriorName | None, Field(description=PRIOR_TEXT)] = None


class InterpolateUrl(UrlQuery, SequenceQuery):
    """Two points and how to go from one to the other."""

    start: Annotated[
        str,
        Field(
            alias="from",
            description="A vector, or a class, by label or name: `digit:3`.",
            examples=["digit:3"],
            json_schema_extra={"pattern": POINT_PATTERN},
        ),
    ]
    end: Annotated[
        str,
        Field(
            alias="to",
            description="The same.",
            examples=["0.1,-0.4"],
            json_schema_extra={"pattern": POINT_PATTERN},
        ),
    ]
    from_label: Annotated[
        LabelText | None, Field(description="Beside a vector, if the model takes labels.")
    ] = None
    to_label: Annotated[LabelText | None, Field(description="The same.")] = None
    through: Annotated[
        list[Annotated[str, Field(json_schema_extra={"pattern": POINT_PATTERN})]] | None,
        Field(
            description="A point to go through; several times for several, in this order. " + THROUGH,
            examples=[["0.5,-1.0"]],
        ),
    ] = None
    through_label: Annotated[
        list[LabelText] | None,
        Field(fail_fast=True, description="One for each vector of `through`, if the model takes labels."),
    ] = None
    steps: Annotated[int, Field(ge=2, description="Pictures of the whole way, both ends included.")] = 8
    method: Annotated[
        Method | None, Field(description="Unset: lerp where latent_dim is at most 3, else slerp.")
    ] = None


class ManifoldUrl(UrlQuery):
    """An even grid over two dimensions of the prior."""

    n: Annotated[int, Field(ge=1, description="Pictures a side.", examples=[8])] = 20
    extent: Annotated[FiniteFloat, Field(gt=0, le=10, description="It goes from -extent to extent.")] = 3.0
    dims: Annotated[
        str | None,
        Field(
            pattern="^[0-9]{1,4},[0-9]{1,4}$",
            description="The dimension to the right and that upwards; all others are 0. Unset: the two along "
            "which the test images vary most.",
        ),
    ] = None
    label: Label = None


class MapUrl(Query):
    """A map of latent space."""

    model: ModelName = None
    size: Annotated[int, Field(ge=64, le=2048, description="Of a side, in pixels.")] = 512
    extent: Annotated[
        FiniteFloat | None,
        Field(gt=0, le=1000, description="It goes from -extent to extent; unset: what holds 99.9%."),
    ] = None
    invert: Annotated[bool, Field(description="Turns dark and light over.")] = False
    download: Annotated[bool, Field(description="Have browsers save it.")] = False
