"""POST /interpolate: the pictures on a path between two points."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.openapi.models import Example

from service.negotiation import choose
from service.routes.answers import OFFERED, answer_pictures
from service.routes.dependencies import Calls, JsonDecoderRoute, Models, unless_gone
from service.routes.openapi import JSON_BODY, pictures, request_examples
from service.routes.problems import responses
from service.schemas import FormatQuery, InterpolateRequest, PicturesAnswer
from service.space import Point

router = APIRouter(tags=["pictures"], route_class=JsonDecoderRoute)

EXAMPLES = {
    "digit to vector": Example(
        summary="From the mean of a digit to a vector",
        value={"from": {"digit": 3}, "to": {"z": [0.1, -0.4]}, "steps": 8, "method": "lerp"},
    ),
    "digit to digit": Example(
        summary="From one digit to another, on an arc",
        value={"from": {"digit": 7}, "to": {"digit": 1}, "steps": 12, "method": "slerp"},
    ),
}


@router.post(
    "/interpolate",
    summary="Draw the way between two points",
    response_model=PicturesAnswer,
    responses={200: pictures("A strip, the first end left, the last right"), **responses(*JSON_BODY)},
    openapi_extra=request_examples(EXAMPLES),
)
async def interpolate(
    request: Request,
    body: InterpolateRequest,
    query: Annotated[FormatQuery, Query()],
    models: Models,
    call: Calls,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Each end is a vector `z` or a `digit`, which stands for the middle of its class; both are drawn too."""
    media_type = choose(accept, query.format, OFFERED)
    engine = models.get(body.model)
    start = Point("from", body.start.z, body.start.digit, body.start.label)
    end = Point("to", body.end.z, body.end.digit, body.end.label)
    rows = engine.space.connect(start, end, body.steps, body.method)
    result = await unless_gone(request.receive, engine.decode(rows, call))
    return await answer_pictures(
        engine.manifest, result, media_type, call, dtype=query.dtype, columns=body.steps
    )
