"""POST /decode and GET /decode.{extension}: latent vectors to pictures."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request, Response
from fastapi.openapi.models import Example

from service.api.image_urls import ImageUrl, answer_url
from service.api.openapi import BODY, EXTENSION, URL, cached, pictures, vectors_body
from service.api.responses import PictureJob, answer_job
from service.api.schemas.negotiated import VectorsQuery
from service.api.schemas.query import DecodeQuery
from service.api.schemas.requests import DecodeRequest
from service.api.schemas.responses import PicturesAnswer
from service.api.schemas.urls import DecodeUrl
from service.core.choices import Still
from service.core.media_types import EXTENSIONS, FORMATS, JSON, NPY, STILL
from service.http.bodies.json_bodies import read_json, require
from service.http.bodies.reading import read_body
from service.http.dependencies import Calls, Models
from service.http.direct_route import DecoderRoute, DirectRoute
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses
from service.http.problems import Fault
from service.http.query_params import asks
from service.imaging.formats.npy import read_npy
from service.latent.parsing import read_vectors

router = APIRouter(tags=["pictures"], route_class=DecoderRoute)
urls = APIRouter(tags=["image urls"], route_class=DirectRoute)

EXAMPLES = {
    "one": Example(summary="One vector: one picture", value={"z": [0.5, -1.0]}),
    "several": Example(
        summary="Several vectors: one sheet",
        value={"z": [[0.5, -1.0], [0.0, 0.0], [-1.5, 0.5], [2.0, 1.0]], "model": "mnist-2d"},
    ),
}
SHEET = pictures("One picture, or a sheet of several, row by row.", STILL)
SHORT = Fault(field="z", expected="2 numbers a vector (latent_dim of mnist-2d)", received="3")


@router.post(
    "/decode",
    summary="Decode latent vectors to pictures",
    response_model=PicturesAnswer,
    responses={200: SHEET, **responses(*BODY)},
    openapi_extra=vectors_body(EXAMPLES),
)
async def decode(
    request: Request,
    query: Annotated[DecodeQuery, asks(DecodeQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """One vector gives one picture; several give a sheet, about square, in the order of the vectors.

    As JSON or npy the answer is the pixels of each picture, as zip a PNG of each. Vectors may come as an
    npy file too: of shape (latent_dim,) or (batch, latent_dim), with the model in the query. A
    label-conditioned model (`conditional` in `GET /models`) draws the `label` asked for in the style that
    z is.
    """
    if require(request, (JSON, NPY)) == JSON:
        body = await read_json(request, DecodeRequest, call, NPY)
        z, engine = body.z, models.get(body.model or query.model)
        label = query.label if body.label is None else body.label
    else:
        engine, label = models.get(query.model), query.label
        content = await read_body(request, call)
        z = read_npy(content, "body", functools.partial(engine.space.check_shape, "z"))
    wanted = query.represent(negotiate(request, query.format, STILL))
    rows = engine.space.place(z if z.ndim == 2 else z[np.newaxis], label)
    return await answer_job(request, PictureJob(engine, rows, wanted), call)


@urls.get(
    "/decode.{extension}",
    summary="A picture of a vector, by its URL",
    response_model=PicturesAnswer,
    responses={**cached(SHEET), **responses(*URL, causes={422: SHORT})},
)
async def decode_url(
    request: Request,
    extension: Annotated[Still, Path(description=EXTENSION, examples=["png"])],
    query: Annotated[DecodeUrl, asks(DecodeUrl)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `POST /decode`, for `<img src>`: `/decode.png?z=0.5,-1.0&scale=4`.

    The tag is known before the model runs, so `If-None-Match` costs nothing. With `model=name@version`
    the picture can never change and is cached for a year.
    """
    engine = models.get(query.model)
    engine.space.check_rows("z", len(query.z))
    label = query.label[0] if query.label and len(query.label) == 1 else query.label
    rows = engine.space.place(read_vectors(query.z, "z"), label)
    wanted = query.represent(FORMATS[extension])
    address = ImageUrl(f"decode.{extension}", query.model, query.download)
    return await answer_url(request, PictureJob(engine, rows, wanted), call, address)


@urls.get(
    "/decode",
    summary="Draw vectors",
    response_model=PicturesAnswer,
    responses={**cached(SHEET), **responses(*URL, 406, causes={422: SHORT})},
)
async def draw_vectors(
    request: Request,
    query: Annotated[VectorsQuery, asks(VectorsQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `/decode.{extension}`; `Accept` or `format` says what comes."""
    extension: Any = EXTENSIONS[negotiate(request, query.format, STILL)]
    return await decode_url(request, extension, query, models, call)
