"""The response bodies of the API, for its schema: what each field holds, its shape and its unit."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api.schemas.provenance import MadeBy
from service.api.schemas.shapes import IMAGES, PRIOR
from service.core.choices import PriorName
from service.http.openapi.schemas import never_null

Images = Annotated[list[Any], WithJsonSchema(IMAGES)]


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
        Images,
        Field(
            description="(batch, height, width) float32 in [0, 1], or uint8; a last axis of 3 for colour.",
            examples=[[[[0.0, 0.75], [0.5, 1.0]]]],
        ),
    ]


class DigitAnswer(PicturesAnswer):
    """A drawn digit and what drew it."""

    digit: int
    seed: int
    temperature: float


class SampleAnswer(PicturesAnswer):
    """Drawn pictures and what drew them."""

    seed: int
    temperature: float
    digit: Annotated[int | None, Field(description="The class, or null for the prior.")]
    prior: Annotated[
        Annotated[PriorName, WithJsonSchema(PRIOR)] | None,
        Field(description="What was drawn from, or null for a class."),
    ]


Nats = Annotated[list[float], Field(description="(batch,) nats per image.", examples=[[81.3]])]


class Explanation(BaseModel):
    """How a file was read."""

    placing: Annotated[
        Literal["kept", "centred", "fitted", "whole"],
        Field(
            description="`kept` as it was, of the model's size; `centred`, the same, but moved; `fitted`: "
            "cut to its figure, scaled and centred; `whole`: scaled whole."
        ),
    ]
    polarity: Annotated[str, Field(description="Of the figure: light-on-dark or dark-on-light.")]
    threshold: Annotated[
        float | None,
        Field(
            description="By how much of the way from black to white ink stands out at least.", examples=[0.12]
        ),
    ]
    found: Annotated[
        float | None,
        Field(description="How sure it is that this is the figure, in [0, 1].", examples=[0.9]),
    ]
    ignored: Annotated[
        dict[str, int],
        Field(
            description="What else stood out: `rules` of the paper, `specks`, and `others`.",
            examples=[{"rules": 12, "specks": 3, "others": 0}],
        ),
    ]


FileNumbers = Annotated[
    list[int] | None,
    Field(description="With `figures=all` or `explain`: the file of each row, from 0.", examples=[[0]]),
]
Boxes = Annotated[
    list[list[int]] | None,
    Field(
        description="With them: left, top, right and bottom of each row in its file's pixels, upright.",
        examples=[[[120, 80, 310, 420]]],
    ),
]
Explanations = Annotated[list[Explanation] | None, Field(description="With `explain`: of each row.")]


class ReconstructAnswer(PicturesAnswer):
    """Reconstructions, what they were made of, and how far they are from it."""

    z_mean: Rows
    z_log_var: Rows
    reconstruction_loss: Nats
    kl_divergence: Nats
    mean_squared_error: Annotated[list[float], Field(description="(batch,), a pixel's.", examples=[[0.021]])]
    x: Annotated[Images, Field(description="What was encoded, as `images`.")]
    file: FileNumbers = None
    box: Boxes = None
    explanation: Explanations = None


class LatentsAnswer(Answer):
    """The atlas of a model."""

    z_mean: Rows
    label: Annotated[list[int], Field(description="(n,)", examples=[[7]])]


class MapAnswer(Answer):
    """A map of latent space."""

    extent: Annotated[float, Field(description="The map goes from -extent to extent.")]
    points: Annotated[list[list[float]], Field(description="(n, 2)", examples=[[[0.5, -1.0]]])]
    label: Annotated[list[int], Field(description="(n,)", examples=[[7]])]


class Neighbour(BaseModel):
    """A picture of the test split whose z_mean is near."""

    label: int
    distance: Annotated[float, Field(description="Euclidean, of the two z_mean.")]
    index: Annotated[int, Field(description="Its place in `GET /models/{name}/latents`.")]


class EncodeAnswer(Answer):
    """The posterior q(z|x) of each picture."""

    model_config = ConfigDict(json_schema_extra=never_null)

    z_mean: Rows
    z_log_var: Annotated[
        list[list[float]],
        Field(description="(batch, latent_dim) float32, natural log.", examples=[[[-5.2, -4.9]]]),
    ]
    neighbours: Annotated[
        list[list[Neighbour]] | None, Field(description="Of each picture, the nearest first.")
    ] = None
    z: Annotated[list[list[float]] | None, Field(description="Draws from q(z|x), with a seed.")] = None
    seed: int | None = None
    made_by: Annotated[
        list[MadeBy | None] | None,
        Field(description="Of each file, what made it as it says itself, or null; with `metadata`."),
    ] = None
    file: FileNumbers = None
    box: Boxes = None
    explanation: Explanations = None
