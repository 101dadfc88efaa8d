"""What operators get as answers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from service.core.reloads import Status
from service.http.problems import Problem


class ReloadedModel(BaseModel):
    """What a reload has done to a model."""

    name: str
    status: Annotated[
        Status,
        Field(description="refused: nothing has changed; what was served before, if anything, goes on."),
    ]
    version: Annotated[str | None, Field(description="What is served now; null if nothing is.")]
    previous_version: Annotated[str | None, Field(description="What was served before; null if nothing was.")]
    reason: Annotated[str | None, Field(description="Why it is refused.")] = None


class Reloaded(BaseModel):
    """What a reload has done."""

    models: list[ReloadedModel]


class ReloadProblem(Problem):
    """A reload that was refused, of one model at least; the others are as `models` says."""

    models: list[ReloadedModel]
