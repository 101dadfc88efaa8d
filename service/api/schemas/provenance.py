"""The note in a picture's file that says what made it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from service.bundles.manifest import NAME_PATTERN
from service.core.choices import SEED_LIMIT, PriorName
from service.http.openapi.schemas import never_null


class MadeBy(BaseModel):
    """What made a picture, as its file says: anyone can have written it there."""

    model_config = ConfigDict(frozen=True, strict=True, json_schema_extra=never_null)

    model: Annotated[str, Field(pattern=NAME_PATTERN, max_length=256, description="Name of the model.")]
    version: Annotated[str, Field(pattern="^[0-9a-f]{12}$", description="Version of the model.")]
    digit: Annotated[int | None, Field(description="The class that was drawn.")] = None
    prior: Annotated[PriorName | None, Field(description="What was drawn from, if no class.")] = None
    seed: Annotated[int | None, Field(ge=0, lt=SEED_LIMIT, description="Of what was drawn.")] = None
    temperature: Annotated[FiniteFloat | None, Field(ge=0, le=10)] = None
    z: Annotated[
        list[list[FiniteFloat]] | None,
        Field(description="(batch, latent_dim), the vectors of the pictures in the file, if they are few."),
    ] = None
    label: Annotated[list[int] | None, Field(description="(batch,), of a label-conditioned model.")] = None
