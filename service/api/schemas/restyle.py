"""What `/restyle` is asked, in its query and its body, and what it answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from service.api.schemas.query import StillQuery
from service.api.schemas.requests import Body, ModelName, Pixels
from service.api.schemas.responses import PicturesAnswer
from service.core.choices import Polarity
from service.core.json.arrays import read_phrase

Phrase = Annotated[
    str | list[int | str],
    PlainValidator(read_phrase),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                },
            ]
        }
    ),
]


class RestyleQuery(StillQuery):
    """How to read uploads, what to write, and how to answer. A JSON body may hold `model` and `labels`."""

    labels: Annotated[
        str | None,
        Field(
            min_length=1,
            description="What to write: a label a character, `20251126`; or labels and names of classes with "
            "commas between them. Unset: a picture of each class.",
            examples=["0123456789"],
        ),
    ] = None
    model: Annotated[
        str | None,
        Field(description="A label-conditioned model; unset: the default one, or the first that there is."),
    ] = None
    polarity: Annotated[Polarity, Field(description="Of uploaded files, as in `/encode`.")] = "auto"


class RestyleRequest(Body):
    """Pictures whose style others are to have, as numbers."""

    pixels: Annotated[Pixels, Field(description="As in `/encode`; of several, the mean style is taken.")]
    labels: Annotated[
        Phrase | None,
        Field(description="As in the query, or a list of labels and names; unset: a picture of each class."),
    ] = None
    model: ModelName = None


class RestyleAnswer(PicturesAnswer):
    """Pictures in one style: `z` is the same for all, and each has a label of its own."""

    labels: Annotated[list[int], Field(description="(batch,)", examples=[[2, 0, 2, 5]])]
