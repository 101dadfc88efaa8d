"""POST /reconstruct: a picture, encoded and decoded again, and how far that is from it."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request, Response
from fastapi.openapi.models import Example

from service.api.explanations import explain
from service.api.openapi import BODY, pictures, upload_body
from service.api.provenance import describe
from service.api.responses import answer_pictures, check
from service.api.routes.encode import STROKE
from service.api.schemas.query import ReconstructQuery
from service.api.schemas.requests import ReconstructRequest
from service.api.schemas.responses import ReconstructAnswer
from service.api.uploads import ACCEPTED, read_x, require_picture
from service.core.arrays import Floats
from service.core.headers import LOSS_HEADER
from service.core.media_types import JSON, NPY, STILL
from service.http.dependencies import Calls, Models
from service.http.direct_route import EncoderRoute
from service.http.disconnect import unless_gone
from service.http.header_fields import negotiate
from service.http.offload import INLINE_PIXELS
from service.http.openapi.errors import responses, unreadable
from service.http.problems import Fault
from service.http.query_params import asks
from service.imaging.pictures import Pictures
from service.imaging.representation import Representation
from service.imaging.writers import to_pixels
from service.inference.engine import Posterior
from service.latent import losses

router = APIRouter(tags=["pictures"], route_class=EncoderRoute)

EXAMPLES = {"one": Example(summary="A vertical stroke", value={"pixels": STROKE})}
DRAWN = pictures("Each picture beside its reconstruction.", STILL, LOSS_HEADER)
BYTES = Fault(field="pixels", expected="numbers in [0, 1]; divide 8-bit values by 255", received="255.0")


@router.post(
    "/reconstruct",
    summary="Encode pictures and decode them again",
    response_model=ReconstructAnswer,
    responses={200: DRAWN, **responses(*BODY, causes={415: unreadable(ACCEPTED), 422: BYTES})},
    openapi_extra=upload_body(ReconstructRequest, EXAMPLES),
)
async def reconstruct(
    request: Request,
    query: Annotated[ReconstructQuery, asks(ReconstructQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """Takes pictures as `/encode` does, decodes their `z_mean`, and says how far that is from them.

    A sheet has each picture to the left of its reconstruction; JSON has `reconstruction_loss` and
    `kl_divergence` in nats per image, and `mean_squared_error`. npy has the reconstructions alone.
    """
    media_type = require_picture(request)
    wanted = query.represent(negotiate(request, query.format, STILL), 2 if query.pairs else None)
    engine, x, body, _, found = await read_x(request, media_type, ReconstructRequest, query, models, call)
    label = query.label if body is None or body.label is None else body.label
    pairs = query.pairs and wanted.media_type not in (JSON, NPY)
    check(engine, len(x) * (1 + pairs), wanted)
    # A label that does not fit is refused before anything runs.
    engine.space.place(np.zeros((len(x), engine.space.dim)), label)
    posterior = await unless_gone(request, engine.encode(x, call))
    rows = engine.space.place(posterior.z_mean.astype(np.float64), label)
    made = await unless_gone(request, engine.decode(rows, call))
    measure = functools.partial(_measure, x, posterior, made, wanted)
    extra = measure() if x.size <= INLINE_PIXELS else await call.run(measure)
    if wanted.noted:
        extra |= describe(engine, rows)
    extra |= explain(found, query)
    shown = _interleave(x, made) if pairs else made
    answer = await answer_pictures(engine.manifest, shown, call, wanted, extra)
    answer.headers[LOSS_HEADER] = f"{extra['reconstruction_loss'].mean():.3f}"
    return answer


def _measure(x: Floats, posterior: Posterior, made: Pictures, wanted: Representation) -> dict[str, Any]:
    return {
        "z_mean": posterior.z_mean,
        "z_log_var": posterior.z_log_var,
        "reconstruction_loss": losses.reconstruction_loss(x, made.image),
        "kl_divergence": losses.kl_divergence(posterior.z_mean, posterior.z_log_var),
        "mean_squared_error": losses.mean_squared_error(x, made.image),
        "x": to_pixels(Pictures(made.z, x), wanted.dtype),
    }


def _interleave(x: Floats, made: Pictures) -> Pictures:
    both = np.stack([x, made.image], axis=1).reshape(-1, *x.shape[1:])
    return Pictures(np.repeat(made.z, 2, axis=0), both)
