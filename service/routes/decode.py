"""POST /decode: latent vectors to pictures."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.openapi.models import Example

from service.negotiation import choose
from service.routes.answers import OFFERED, answer_pictures
from service.routes.dependencies import JsonRoute, Models, unless_gone
from service.routes.openapi import JSON_BODY, pictures, request_examples
from service.routes.problems import responses
from service.schemas import DecodeRequest, FormatQuery, PicturesAnswer

router = APIRouter(tags=["pictures"], route_class=JsonRoute)

EXAMPLES = {
    "one": Example(summary="One vector: one picture", value={"z": [0.5, -1.0]}),
    "several": Example(
        summary="Several vectors: one sheet",
        value={"z": [[0.5, -1.0], [0.0, 0.0], [-1.5, 0.5], [2.0, 1.0]], "model": "mnist-2d"},
    ),
}


@router.post(
    "/decode",
    summary="Decode latent vectors to pictures",
    response_model=PicturesAnswer,
    responses={200: pictures("One picture, or a sheet of several, row by row"), **responses(*JSON_BODY)},
    openapi_extra=request_examples(EXAMPLES),
)
async def decode(
    request: Request,
    body: DecodeRequest,
    query: Annotated[FormatQuery, Query()],
    models: Models,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """One vector gives one picture; several give a sheet, about square, in the order of the vectors."""
    media_type = choose(accept, query.format, OFFERED)
    engine = models.get(body.model)
    result = await unless_gone(request.receive, engine.decode(np.atleast_2d(body.z)))
    return await answer_pictures(engine.manifest, result, media_type)
