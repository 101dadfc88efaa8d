"""POST /decode: latent vectors to pictures."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.openapi.models import Example

from service.negotiation import JSON, NPY, choose
from service.npy import read_npy
from service.routes.answers import OFFERED, answer_pictures
from service.routes.dependencies import Calls, DecoderRoute, Models, read_json, require, unless_gone
from service.routes.openapi import JSON_BODY, pictures, vectors_body
from service.routes.problems import responses
from service.schemas import DecodeQuery, DecodeRequest, PicturesAnswer

router = APIRouter(tags=["pictures"], route_class=DecoderRoute)

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
    openapi_extra=vectors_body(EXAMPLES),
)
async def decode(
    request: Request,
    query: Annotated[DecodeQuery, Query()],
    models: Models,
    call: Calls,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """One vector gives one picture; several give a sheet, about square, in the order of the vectors.

    As JSON or npy the answer is the pixels of each picture, and vectors may come as an npy file too: of
    shape (latent_dim,) or (batch, latent_dim), with the model in the query. A label-conditioned model
    (`conditional` in `GET /models`) draws the `label` asked for in the style that z is.
    """
    if require(request, (JSON, NPY)) == JSON:
        body = await read_json(request, DecodeRequest)
        z, model = body.z, body.model or query.model
        label = query.label if body.label is None else body.label
    else:
        z, model, label = read_npy(await request.body(), "body"), query.model, query.label
    media_type = choose(accept, query.format, OFFERED)
    engine = models.get(model)
    rows = engine.space.place(np.atleast_2d(z), label)
    result = await unless_gone(request.receive, engine.decode(rows, call))
    return await answer_pictures(engine.manifest, result, media_type, call, dtype=query.dtype)
