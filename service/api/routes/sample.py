"""POST /sample and GET /sample.{extension}: pictures drawn from the prior, or from a class."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.openapi.models import Example

from service.api.image_urls import ImageUrl, answer_url, choose_seed, note_seed
from service.api.openapi import BODY, EXTENSION, URL, cached, json_body, seeded
from service.api.responses import PictureJob, answer_job
from service.api.schemas.negotiated import SamplesQuery
from service.api.schemas.query import SampleUrl, StillQuery
from service.api.schemas.requests import SampleRequest
from service.api.schemas.responses import SampleAnswer
from service.core.arrays import Floats
from service.core.choices import Still
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
    "class": Example(summary="Sevens", value={"n": 4, "seed": 1, "digit": 7, "temperature": 0.8}),
}
DRAWN = seeded("One picture, or a sheet of several.", STILL)
MANY = Fault(field="n", expected="at most 1024 in one request", received="2000")
MISSPELT = Fault(field="sed", expected="no field of this name", received="'3'")


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
    """Draws z from the prior N(0, 1), or from the class `digit`; the same seed draws the same.

    A label-conditioned model also draws labels, as often as its training images had them.
    """
    require(request, (JSON,))
    body = await read_json(request, SampleRequest, call, most=SMALL_BYTES)
    wanted = query.represent(negotiate(request, query.format, STILL))
    engine = models.get(body.model)
    seed, _ = choose_seed(body.seed)
    digit, rows = _draw_rows(engine, body, seed)
    extra = {"seed": seed, "temperature": body.temperature, "digit": digit}
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
    digit, rows = _draw_rows(engine, query, seed)
    wanted = query.represent(FORMATS[extension])
    extra = {"seed": seed, "temperature": query.temperature, "digit": digit}
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


def _draw_rows(engine: Engine, asked: SampleRequest | SampleUrl, seed: int) -> tuple[int | None, Floats]:
    space = engine.space
    if asked.digit is None:
        return None, space.sample(seed, asked.temperature, asked.n)
    label = space.classes.find("digit", asked.digit)
    return label, space.draw(label, seed, asked.temperature, asked.n)
