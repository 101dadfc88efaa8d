"""How the schema describes vectors and pictures as numbers.

Parts that several bodies or answers share have a title, the name that client generators make a type of.
"""

from __future__ import annotations

from typing import Any, get_args

from service.core.choices import Method, PriorName
from service.latent.space import Z_LIMIT

Schema = dict[str, Any]


def _list(items: Schema, **further: Any) -> Schema:
    return {**further, "type": "array", "items": items}


def _part(title: str, description: str, **schema: Any) -> Schema:
    return {"title": title, "description": description, **schema}


def _some(title: str, description: str, items: Schema) -> Schema:
    return _part(title, description, type="array", minItems=1, items=items)


NUMBER = {"type": "number"}
COORDINATE = _part("Coordinate", "One number of a vector.", type="number", minimum=-Z_LIMIT, maximum=Z_LIMIT)
VECTOR = _some("Vector", "A vector: latent_dim numbers.", COORDINATE)
LEVEL = _part("Level", "From dark, 0, to light, 1.", type="number", minimum=0, maximum=1)
PIXEL_ROW = _some("PixelRow", "A row of grey pixels, or the three colours of one pixel.", LEVEL)
PIXEL_ROWS = _some("PixelRows", "A grey picture: height rows of width numbers.", PIXEL_ROW)
PIXEL_STACK = _some("PixelStack", "Several grey pictures, or one in colour.", PIXEL_ROWS)
PIXEL_STACKS = _some("PixelStacks", "Several pictures in colour.", PIXEL_STACK)
GREY_IMAGE = _part(
    "GreyImage",
    "Height rows of width levels: float32 in [0, 1], or uint8.",
    type="array",
    items=_list(NUMBER),
)
COLOUR_IMAGE = _part(
    "ColourImage",
    "Height rows of width pixels, each red, green and blue: float32 in [0, 1], or uint8.",
    type="array",
    items=_list(_list(NUMBER, minItems=3, maxItems=3)),
)
METHOD = _part(
    "Method",
    "Straight, or on an arc.",
    type="string",
    enum=list(get_args(Method)),
)
PRIOR = _part(
    "PriorName",
    "N(0, 1), or the mixture of a bundle that has one.",
    type="string",
    enum=list(get_args(PriorName)),
)
PARTS = (
    COORDINATE,
    VECTOR,
    LEVEL,
    PIXEL_ROW,
    PIXEL_ROWS,
    PIXEL_STACK,
    PIXEL_STACKS,
    GREY_IMAGE,
    COLOUR_IMAGE,
    METHOD,
    PRIOR,
)
VECTORS = {"anyOf": [VECTOR, _list(VECTOR, minItems=1)]}
PIXELS = {"anyOf": [PIXEL_ROWS, PIXEL_STACK, PIXEL_STACKS]}
IMAGES = {"anyOf": [_list(GREY_IMAGE), _list(COLOUR_IMAGE)]}
