"""POST /restyle: the style of a picture, in which a label-conditioned model writes other labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.openapi.models import Example

from service.api.openapi import BODY, pictures, upload_body
from service.api.responses import PictureJob, check, run_job
from service.api.routes.encode import STROKE
from service.api.schemas.restyle import RestyleAnswer, RestyleQuery, RestyleRequest
from service.api.uploads import ACCEPTED, read_numbers, read_pictures, require_picture
from service.core.choices import ClassName
from service.core.media_types import STILL
from service.http.dependencies import Calls, Models
from service.http.direct_route import EncoderRoute
from service.http.disconnect import unless_gone
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses, unreadable
from service.http.problems import Fault
from service.http.query_params import asks
from service.inference.engine import Engine

router = APIRouter(tags=["pictures"], route_class=EncoderRoute)

EXAMPLES = {
    "phrase": Example(summary="A date in the style of a 1", value={"pixels": STROKE, "labels": "20251126"}),
    "all": Example(summary="Every class in the style of a 1", value={"pixels": STROKE}),
}
WRITTEN = pictures("A line of pictures, or as many lines as `columns` makes.", STILL)
PHRASE = Fault(field="labels", expected="a text such as '0123', or a list of labels and names", received="7")


@router.post(
    "/restyle",
    summary="Write labels in the style of a picture",
    response_model=RestyleAnswer,
    responses={200: WRITTEN, **responses(*BODY, causes={415: unreadable(ACCEPTED), 422: PHRASE})},
    openapi_extra=upload_body(RestyleRequest, EXAMPLES),
)
async def restyle(
    request: Request,
    query: Annotated[RestyleQuery, asks(RestyleQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """Takes pictures as `/encode` does, and draws each of `labels` in their style.

    A label-conditioned model (`conditional` in `GET /models`) keeps in z what the label does not say: slant,
    weight, width. So one drawn digit gives all ten in one hand. Of several pictures, the mean of their
    `z_mean` is taken. `labels` is a phrase, `20251126`, or has commas: `3,square`; without it, each class is
    drawn once.
    """
    media_type = require_picture(request)
    kind = negotiate(request, query.format, STILL)
    body = await read_numbers(request, media_type, RestyleRequest, call)
    engine = models.get_conditional((body.model if body else None) or query.model)
    # Whatever can be refused is refused before a picture is read.
    labels = _read_labels(engine, query.labels if body is None or body.labels is None else body.labels)
    wanted = query.represent(kind, len(labels))
    check(engine, len(labels), wanted)
    x = await read_pictures(request, body, engine, query.polarity, models, call)
    posterior = await unless_gone(request, engine.encode(x, call))
    style = posterior.z_mean.astype(np.float64).mean(axis=0)
    rows = engine.space.place(np.tile(style, (len(labels), 1)), labels)
    return await run_job(request, PictureJob(engine, rows, wanted, {"labels": labels}), call)


def _read_labels(engine: Engine, phrase: str | Sequence[ClassName] | None) -> list[int]:
    parts = engine.space.classes.split(phrase)
    engine.space.check_rows("labels", len(parts))
    return engine.space.classes.find_all("labels", parts)
