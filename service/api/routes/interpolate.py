"""POST /interpolate and GET /interpolate.{extension}: the pictures on a path between two points."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.openapi.models import Example

from service.api.image_urls import ImageUrl, answer_url
from service.api.interpolation import read_path
from service.api.openapi import BODY, EXTENSION, URL, cached, path_body, pictures
from service.api.responses import PictureJob, check, run_job
from service.api.schemas.negotiated import InterpolationQuery
from service.api.schemas.query import MovingQuery
from service.api.schemas.responses import PicturesAnswer
from service.api.schemas.urls import InterpolateUrl
from service.core.choices import Moving
from service.core.media_types import EXTENSIONS, FORMATS, JSON, MOVING
from service.http.bodies.forms import FORM
from service.http.bodies.json_bodies import require
from service.http.dependencies import Calls, Models
from service.http.direct_route import DecoderRoute, DirectRoute
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses, unacceptable, unreadable
from service.http.problems import Fault
from service.http.query_params import asks
from service.latent.parsing import read_point, read_points

router = APIRouter(tags=["pictures"], route_class=DecoderRoute)
urls = APIRouter(tags=["image urls"], route_class=DirectRoute)

EXAMPLES = {
    "digit to vector": Example(
        summary="From the middle of a digit to a vector",
        value={"from": {"digit": 3}, "to": {"z": [0.1, -0.4]}, "steps": 8, "method": "lerp"},
    ),
    "digit to digit": Example(
        summary="From one digit to another, on an arc",
        value={"from": {"digit": 7}, "to": {"digit": 1}, "steps": 12, "method": "slerp"},
    ),
}
STRIP = pictures("A strip, the first end left, the last right; or a sequence that moves.", MOVING)
NO_END = Fault(field="from", expected="one of z, digit and pixels", received="none")
NO_CLASS = Fault(
    field="from", expected="digit: and a class's number or name, such as digit:3", received="'digit3'"
)


@router.post(
    "/interpolate",
    summary="Draw the way between two points",
    response_model=PicturesAnswer,
    responses={
        200: STRIP,
        **responses(*BODY, causes={406: unacceptable(*MOVING), 415: unreadable((JSON, FORM)), 422: NO_END}),
    },
    openapi_extra=path_body(EXAMPLES),
)
async def interpolate(
    request: Request,
    query: Annotated[MovingQuery, asks(MovingQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """Each end is a vector `z`, a `digit`, which stands for the middle of its class, or a picture.

    Both ends are drawn too, and `through` has points in between. A form has none; its `from` and `to` are
    each a text as in `/interpolate.{extension}` or a picture's file. GIF, WebP and APNG move; many frames of
    APNG, zip and NDJSON (a frame a line) are sent as they are made.
    """
    media_type = require(request, (JSON, FORM))
    kind = negotiate(request, query.format, MOVING)
    path = await read_path(request, media_type, models, call)
    wanted = query.represent(kind, path.steps)
    check(path.engine, path.steps, wanted)
    rows = await path.draw(request, call)
    return await run_job(request, PictureJob(path.engine, rows, wanted), call)


@urls.get(
    "/interpolate.{extension}",
    summary="The way between two points, by its URL",
    response_model=PicturesAnswer,
    responses={**cached(STRIP), **responses(*URL, causes={422: NO_CLASS})},
)
async def interpolate_url(
    request: Request,
    extension: Annotated[Moving, Path(description=EXTENSION, examples=["png"])],
    query: Annotated[InterpolateUrl, asks(InterpolateUrl)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `POST /interpolate`, for `<img src>`: `/interpolate.gif?from=digit:3&to=0.1,-0.4`."""
    engine = models.get(query.model)
    start = read_point(query.start, "from", query.from_label)
    stops = read_points(query.through or (), "through", query.through_label or ())
    end = read_point(query.end, "to", query.to_label)
    rows = engine.space.connect([start, *stops, end], query.steps, query.method)
    wanted = query.represent(FORMATS[extension], query.steps)
    address = ImageUrl(f"interpolate.{extension}", query.model, query.download)
    return await answer_url(request, PictureJob(engine, rows, wanted), call, address)


@urls.get(
    "/interpolate",
    summary="Draw the way between two points of the URL",
    response_model=PicturesAnswer,
    responses={**cached(STRIP), **responses(*URL, 406, causes={406: unacceptable(*MOVING), 422: NO_CLASS})},
)
async def draw_interpolation(
    request: Request,
    query: Annotated[InterpolationQuery, asks(InterpolationQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `/interpolate.{extension}`; `Accept` or `format` says what comes."""
    extension: Any = EXTENSIONS[negotiate(request, query.format, MOVING)]
    return await interpolate_url(request, extension, query, models, call)
