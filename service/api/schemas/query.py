"""The query parameters of the API: how an answer is written and drawn, and what image URLs ask for."""

from __future__ import annotations

import dataclasses
import functools
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat

from service.api.schemas.requests import PRIOR_TEXT, THROUGH, LabelText, ModelName, Seed
from service.core.choices import (
    Colormap,
    Dtype,
    Figures,
    Method,
    Moving,
    Polarity,
    PriorName,
    Resample,
    Still,
    View,
)
from service.http.query_params import Query
from service.imaging.formats.limits import MAX_DURATION_MS, MAX_LOOPS
from service.imaging.notes import NOTED
from service.imaging.rendering import Look
from service.imaging.representation import Representation
from service.latent.parsing import POINT_PATTERN, VECTOR_PATTERN

# Four times the pictures that a request may have unless the operator allows more.
MAX_COLUMNS = 4096


Label = Annotated[LabelText | None, Field(description="Of all vectors, for a label-conditioned model.")]
Temperature = Annotated[
    FiniteFloat, Field(ge=0, le=10, description="Scales the standard deviation; 0 gives the mean.")
]
Seeded = Annotated[Seed | None, Field(description="Unset: chosen, and named in `CVAE-Seed`.", examples=[3])]
Count = Annotated[int, Field(ge=1, description="How many pictures; fewer are the first of more.")]
Digit = Annotated[LabelText | None, Field(description="A class to draw from; unset: the prior.")]


class LookQuery(Query):
    """How pictures are drawn."""

    dtype: Annotated[
        Dtype, Field(description="Of pixels in JSON and npy: float32 in [0, 1], or uint8 in [0, 255].")
    ] = "float32"
    scale: Annotated[
        int, Field(ge=1, le=64, description="Makes each pixel so many pixels a side.", examples=[4])
    ] = 1
    resample: Annotated[
        Resample, Field(description="nearest makes pixels squares, smooth interpolates between them.")
    ] = "nearest"
    invert: Annotated[bool, Field(description="Turns dark and light over.")] = False
    padding: Annotated[
        int, Field(ge=0, le=64, description="Pixels of background around each picture, before scaling.")
    ] = 0
    columns: Annotated[
        int | None,
        Field(ge=1, le=MAX_COLUMNS, description="Pictures in a row of a sheet; unset: about square."),
    ] = None
    colormap: Annotated[Colormap, Field(description="Colours for the levels of grey pictures.")] = "grey"
    metadata: Annotated[
        bool,
        Field(description="Has PNG, WebP and APNG say what made them: model, z, seed, as JSON in a text."),
    ] = False

    def represent(self, media_type: str, columns: int | None = None) -> Representation:
        """Return how pictures are to be written; `columns` are those of a sheet if the query names none."""
        return _represent(media_type, self._look(columns), self.metadata, self.dtype)

    def _look(self, columns: int | None) -> tuple[Any, ...]:
        columns = self.columns or columns
        return self.scale, self.resample, self.invert, self.padding, columns, self.colormap


class SequenceQuery(LookQuery):
    """How sequences are drawn."""

    duration_ms: Annotated[
        int,
        Field(ge=20, le=MAX_DURATION_MS, description="Of a frame of GIF, WebP or APNG, in milliseconds."),
    ] = 100
    loops: Annotated[int, Field(ge=0, le=MAX_LOOPS, description="How often it plays; 0 for ever.")] = 0

    def represent(self, media_type: str, columns: int | None = None) -> Representation:
        """Return how a sequence is to be written; see `LookQuery.represent`."""
        motion = True, self.duration_ms, self.loops
        return _represent(media_type, self._look(columns), self.metadata, self.dtype, *motion)


class StillQuery(LookQuery):
    """How to answer with pictures."""

    format: Annotated[Still | None, Field(description="Overrides the Accept header.")] = None


class MovingQuery(SequenceQuery):
    """How to answer with a sequence."""

    format: Annotated[Moving | None, Field(description="Overrides the Accept header.")] = None


class DecodeQuery(StillQuery):
    """How to answer, and the model and the label of a body that cannot name them."""

    model: ModelName = None
    label: Label = None


class DigitQuery(StillQuery):
    """How to draw a digit."""

    model: ModelName = None
    seed: Seeded = None
    temperature: Temperature = 1.0
    download: Annotated[bool, Field(description="Have browsers save it.")] = False


FilePolarity = Annotated[
    Polarity,
    Field(description="Of uploaded files; auto finds each one's, but keeps colours that are scaled whole."),
]
FileFigures = Annotated[
    Figures,
    Field(
        description="Of each uploaded file: `one`, the best, or `all`, line by line, each with its `file` "
        "and `box`. For models whose figures are centred; others take a file whole."
    ),
]
Explain = Annotated[
    bool,
    Field(
        description="Also say in JSON how each file was read: polarity, threshold, box, what was ignored, "
        "and `found`, how sure it is that this is the figure."
    ),
]


class EncodeQuery(Query):
    """How to read uploads and what to answer. A JSON body may hold `model` and `seed` instead."""

    model: ModelName = None
    seed: Annotated[Seed | None, Field(description="Also draw `z` from q(z|x).")] = None
    polarity: FilePolarity = "auto"
    figures: FileFigures = "one"
    explain: Explain = False
    view: Annotated[
        View | None,
        Field(description="`input`: answer with a PNG of what the encoder would get, and encode nothing."),
    ] = None
    neighbours: Annotated[
        int, Field(ge=0, le=100, description="How many of the atlas' pictures to name that lie nearest.")
    ] = 5
    metadata: Annotated[bool, Field(description="Also says what made each file, if it says so itself.")] = (
        False
    )


class ReconstructQuery(StillQuery):
    """How to read uploads and how to answer. A JSON body may hold `model` and `label` instead."""

    model: ModelName = None
    label: Label = None
    polarity: FilePolarity = "auto"
    figures: FileFigures = "one"
    explain: Explain = False
    pairs: Annotated[
        bool, Field(description="Also draw what was encoded, to the left of its reconstruction.")
    ] = True


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


class LatentsQuery(Query):
    """How to answer with an atlas."""

    format: Annotated[Literal["json", "npy"] | None, Field(description="Overrides the Accept header.")] = None
    array: Annotated[Literal["z_mean", "label"], Field(description="Which one, as npy.")] = "z_mean"


@functools.lru_cache(1024)
def _represent(media_type: str, look: tuple[Any, ...], metadata: bool, *further: Any) -> Representation:
    """Return the same object for all requests that ask for the same: it caches what is computed from it."""
    made = Representation(media_type, Look(*look), *further)
    return dataclasses.replace(made, noted=True) if metadata and media_type in NOTED else made
