"""POST /sample and GET /sample.{extension}: pictures drawn from the prior, or from a class."""

from __future__ import annotations

import functools
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.openapi.models import Example

from service.api.image_urls import ImageUrl, answer_url, choose_seed, note_seed
from service.api.openapi import BODY, EXTENSION, URL, cached, json_body, seeded
from service.api.responses import PictureJob, answer_job
from service.api.schemas.negotiated import SamplesQuery
from service.api.schemas.query import StillQuery
from service.api.schemas.requests import SampleRequest
from service.api.schemas.responses import SampleAnswer
from service.api.schemas.urls import SampleUrl
from service.batching.context import RequestContext
from service.core.arrays import Floats
from service.core.choices import Still
from service.core.errors import InvalidValueError
from service.core.media_types import EXTENSIONS, FORMATS, JSON, STILL
from service.http.bodies.json_bodies import SMALL_BYTES, read_json, require
from service.http.dependencies import Calls, Models
from service.http.direct_route import DecoderRoute, DirectRoute
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses, unreadable
from service.http.problems import Fault
from service.http.query_params import asks
from service.inference.engine import Engine

router = APIRouter(tags=["pictures"], route_class=DecoderRoute)
urls = APIRouter(tags=["image urls"], route_class=DirectRoute)

EXAMPLES = {
    "prior": Example(summary="From the prior", value={"n": 16, "seed": 1}),
    "normal": Example(summary="From N(0, 1)", value={"n": 16, "seed": 1, "prior": "normal"}),
    "class": Example(summary="Sevens", value={"n": 4, "seed": 1, "digit": 7, "temperature": 0.8}),
}
DRAWN = seeded("One picture, or a sheet of several.", STILL)
MANY = Fault(field="n", expected="at most 1024 in one request", received="2000")
MISSPELT = Fault(field="sed", expected="no field of this name", received="one")


@router.post(
    "/sample",
    summary="Draw pictures",
    response_model=SampleAnswer,
    responses={200: DRAWN, **responses(*BODY, causes={415: unreadable((JSON,)), 422: MANY})},
    openapi_extra=json_body(SampleRequest, EXAMPLES),
)
async def sample(
    request: Request,
    query: Annotated[StillQuery, asks(StillQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """Draws z from the prior, or from the class `digit`; the same seed draws the same.

    The prior is the mixture that was fitted to z of the training images, or N(0, 1) where the model has none
    or `prior` asks for it. A label-conditioned model also draws labels, as often as training had them.
    """
    require(request, (JSON,))
    body = await read_json(request, SampleRequest, call, most=SMALL_BYTES)
    wanted = query.represent(negotiate(request, query.format, STILL))
    engine = models.get(body.model)
    seed, _ = choose_seed(body.seed)
    extra, rows = await _draw_rows(engine, body, seed, call)
    return note_seed(await answer_job(request, PictureJob(engine, rows, wanted, extra), call), seed)


@urls.get(
    "/sample.{extension}",
    summary="Pictures drawn from a seed, by their URL",
    response_model=SampleAnswer,
    responses={**cached(DRAWN), **responses(*URL, causes={422: MISSPELT})},
)
async def sample_url(
    request: Request,
    extension: Annotated[Still, Path(description=EXTENSION, examples=["png"])],
    query: Annotated[SampleUrl, asks(SampleUrl)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `POST /sample`, for `<img src>`: `/sample.png?n=16&seed=1`.

    Without a seed the answer is not cached; `Content-Location` says where the same can be had again.
    """
    engine = models.get(query.model)
    seed, chosen = choose_seed(query.seed)
    extra, rows = await _draw_rows(engine, query, seed, call)
    wanted = query.represent(FORMATS[extension])
    address = ImageUrl(f"sample-{seed}.{extension}", query.model, query.download, chosen)
    return note_seed(await answer_url(request, PictureJob(engine, rows, wanted, extra), call, address), seed)


@urls.get(
    "/sample",
    summary="Draw pictures from a seed",
    response_model=SampleAnswer,
    responses={**cached(DRAWN), **responses(*URL, 406, causes={422: MISSPELT})},
)
async def draw_samples(
    request: Request,
    query: Annotated[SamplesQuery, asks(SamplesQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `/sample.{extension}`; `Accept` or `format` says what comes."""
    extension: Any = EXTENSIONS[negotiate(request, query.format, STILL)]
    return await sample_url(request, extension, query, models, call)


async def _draw_rows(
    engine: Engine, asked: SampleRequest | SampleUrl, seed: int, call: RequestContext
) -> tuple[dict[str, Any], Floats]:
    """Return what the answer says of the draw, and the rows."""
    space, temperature, n = engine.space, asked.temperature, asked.n
    if asked.digit is None:
        label, prior = None, space.choose_prior(asked.prior)
        work = functools.partial(space.sample, seed, temperature, n, prior)
    else:
        if asked.prior is not None:
            raise InvalidValueError("prior", "none beside a digit", asked.prior)
        label, prior = space.classes.find("digit", asked.digit), None
        work = functools.partial(space.draw, label, seed, temperature, n)
    long = space.mixture is not None and space.mixture.is_long(n)
    rows = await call.run(work) if long else work()
    return {"seed": seed, "temperature": temperature, "digit": label, "prior": prior}, rows
