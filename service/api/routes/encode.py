"""POST /encode: pictures to the parameters of q(z|x), and their nearest neighbours."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.openapi.models import Example

from service.api.explanations import Uploaded, explain
from service.api.openapi import BODY, pictures, upload_body
from service.api.provenance import read_notes
from service.api.responses import answer_fields, answer_pictures, check
from service.api.schemas.query import EncodeQuery
from service.api.schemas.requests import EncodeRequest
from service.api.schemas.responses import EncodeAnswer
from service.api.uploads import ACCEPTED, read_x, require_picture
from service.batching.context import RequestContext
from service.core.json.writer import dump
from service.core.media_types import JSON, PNG
from service.http.dependencies import Calls, Models
from service.http.direct_route import EncoderRoute
from service.http.disconnect import unless_gone
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses, unacceptable, unreadable
from service.http.problems import Fault
from service.http.query_params import asks
from service.imaging.pictures import Pictures
from service.imaging.representation import Representation
from service.inference.engine import Engine, Posterior

router = APIRouter(tags=["latent vectors"], route_class=EncoderRoute)

# A stroke down the middle: a 1.
STROKE = [[1.0 if 4 <= row < 24 and 13 <= column < 15 else 0.0 for column in range(28)] for row in range(28)]
EXAMPLES = {"one": Example(summary="A vertical stroke", value={"pixels": STROKE, "seed": 1})}
POSTERIORS = pictures("The posterior q(z|x) of each picture, in order.", (JSON,))
SMALL = Fault(
    field="pixels",
    expected="28 rows of 28 numbers, or a list of such",
    received="an array of shape (2, 2)",
)
# A search of ten thousand points in 16 dimensions takes 65 µs.
INLINE_SEARCHES = 4
# What `view=input` answers with.
INPUT = Representation(PNG)
NEIGHBOUR = ("label", "distance", "index")


@router.post(
    "/encode",
    summary="Encode pictures to latent vectors",
    response_model=EncodeAnswer,
    response_model_exclude_none=True,
    responses={
        200: POSTERIORS,
        **responses(*BODY, causes={406: unacceptable(JSON), 415: unreadable(ACCEPTED), 422: SMALL}),
    },
    openapi_extra=upload_body(EncodeRequest, EXAMPLES),
)
async def encode(
    request: Request,
    query: Annotated[EncodeQuery, asks(EncodeQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """Takes a picture's file as the body, several as form fields `file`, or pixels as JSON or npy.

    Files are PNG, JPEG, WebP, GIF (the first frame), BMP, TIFF (the first page), AVIF, or HEIC where the
    service was installed with its extra `heic`; their bytes decide, not the content type.

    Files of any size and colour become what the model was trained on. Of drawings and photographs for
    models of digits the figure is found, on any paper, in any light; it is scaled into a box of 20 pixels and
    centred by mass, as MNIST was made. `explain` says what was found, `view=input` shows it, `figures=all`
    takes all figures of a sheet. For other models files are scaled whole, transparency over white.
    A file that has the model's size keeps its pixels if its figure is in the middle. `pixels` are taken as
    they are, and so is an npy file of shape (height, width) or (batch, height, width), of floats in [0, 1] or
    of uint8.
    `neighbours` are the pictures of the test split whose z_mean is nearest: their labels say what it is.
    """
    media_type = require_picture(request)
    negotiate(request, None, (PNG if query.view else JSON,))
    uploaded = await read_x(request, media_type, EncodeRequest, query, models, call)
    if query.view:
        return await _show(uploaded, call)
    engine, x, body, files, found = uploaded
    seed = query.seed if body is None or body.seed is None else body.seed
    posterior = await unless_gone(request, engine.encode(x, call, seed))
    fields: dict[str, Any] = {"z_mean": posterior.z_mean, "z_log_var": posterior.z_log_var}
    few = len(x) <= INLINE_SEARCHES
    if query.neighbours:
        search = functools.partial(_search, engine, posterior, query.neighbours)
        fields["neighbours"] = search() if few else await call.run(search)
    if posterior.z is not None:
        fields |= {"z": posterior.z, "seed": seed}
    if query.metadata and files:
        fields["made_by"] = await read_notes(request, files, call)
    fields |= explain(found, query)
    return await answer_fields(engine.manifest, fields, call, inline=few)


async def _show(uploaded: Uploaded[EncodeRequest], call: RequestContext) -> Response:
    """Answer with what the encoder would get."""
    engine, x = uploaded.engine, uploaded.x
    check(engine, len(x), INPUT)
    shown = Pictures(np.zeros((len(x), engine.space.dim), np.float32), x)
    return await answer_pictures(engine.manifest, shown, call, INPUT)


def _search(engine: Engine, posterior: Posterior, k: int) -> list[orjson.Fragment]:
    """Write the neighbours of each vector as JSON: as objects, all of them would be 100,000."""
    found = engine.atlas.nearest(posterior.z_mean, k)
    columns = found.label.tolist(), found.distance.tolist(), found.index.tolist()
    rows = (zip(*row, strict=True) for row in zip(*columns, strict=True))
    return [
        orjson.Fragment(dump([dict(zip(NEIGHBOUR, entry, strict=True)) for entry in row])) for row in rows
    ]
