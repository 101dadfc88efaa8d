"""The query parameters of picture paths without an end: those of image URLs, and the format."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from service.api.schemas.urls import DecodeUrl, InterpolateUrl, ManifoldUrl, MapUrl, SampleUrl
from service.core.choices import Drawn, Moving, Still

OVERRIDES = Field(description="Overrides the Accept header.")


class VectorsQuery(DecodeUrl):
    """Vectors to decode, and how to answer."""

    format: Annotated[Still | None, OVERRIDES] = None


class SamplesQuery(SampleUrl):
    """Pictures to draw, and how to answer."""

    format: Annotated[Still | None, OVERRIDES] = None


class InterpolationQuery(InterpolateUrl):
    """Two points, how to go from one to the other, and how to answer."""

    format: Annotated[Moving | None, OVERRIDES] = None


class ManifoldQuery(ManifoldUrl):
    """An even grid over two dimensions of the prior, and how to answer."""

    format: Annotated[Still | None, OVERRIDES] = None


class MapQuery(MapUrl):
    """A map of latent space, and how to answer."""

    format: Annotated[Drawn | None, OVERRIDES] = None
