"""The query parameters that say how to answer and how to read uploads; `urls` has those of image URLs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from service.api.schemas.look import LookQuery, SequenceQuery
from service.api.schemas.requests import LabelText, ModelName, Seed
from service.core.choices import Figures, Moving, Polarity, Still, View
from service.http.query_params import Query

Label = Annotated[LabelText | None, Field(description="Of all vectors, for a label-conditioned model.")]
Temperature = Annotated[
    FiniteFloat, Field(ge=0, le=10, description="Scales the standard deviation; 0 gives the mean.")
]
Seeded = Annotated[Seed | None, Field(description="Unset: chosen, and named in `CVAE-Seed`.", examples=[3])]


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


class LatentsQuery(Query):
    """How to answer with an atlas."""

    format: Annotated[Literal["json", "npy"] | None, Field(description="Overrides the Accept header.")] = None
    array: Annotated[Literal["z_mean", "label"], Field(description="Which one, as npy.")] = "z_mean"
