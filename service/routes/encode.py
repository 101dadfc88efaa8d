"""POST /encode: pictures to the parameters of q(z|x)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.openapi.models import Example
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from service.errors import InvalidValueError, MalformedBodyError, Text
from service.negotiation import JSON
from service.routes.answers import answer_posterior
from service.routes.dependencies import Calls, EncoderRoute, Models, read_json, require, unless_gone
from service.routes.openapi import ENCODE, upload_body
from service.routes.problems import responses
from service.schemas import EncodeAnswer, EncodeQuery, EncodeRequest

router = APIRouter(tags=["latent vectors"], route_class=EncoderRoute)

FORM = "multipart/form-data"
ACCEPTED = ("image/png", "image/jpeg", FORM, JSON)
# A stroke down the middle: a 1.
STROKE = [[1.0 if 4 <= row < 24 and 13 <= column < 15 else 0.0 for column in range(28)] for row in range(28)]
EXAMPLES = {"one": Example(summary="A vertical stroke", value={"pixels": STROKE, "seed": 1})}


@router.post(
    "/encode",
    summary="Encode pictures to latent vectors",
    response_model=EncodeAnswer,
    response_model_exclude_none=True,
    responses=responses(*ENCODE),
    openapi_extra=upload_body(EXAMPLES),
)
async def encode(
    request: Request, query: Annotated[EncodeQuery, Query()], models: Models, call: Calls
) -> Response:
    """Takes one PNG or JPEG as the body, several as form fields `file`, or `pixels` as JSON.

    Files of any size and colour become what the model was trained on: grey or RGB; transparency over
    white; grey figures light on dark or the reverse, told from the border unless `polarity` says; other
    sizes are scaled whole, or, for digits, cut to their ink, scaled into a box of 20 pixels and centred
    by mass, as MNIST was made.
    A file that has the model's size already keeps its place. `pixels` are taken as they are.
    """
    media_type = require(request, ACCEPTED)
    if media_type == JSON:
        body = await read_json(request, EncodeRequest)
        seed = query.seed if body.seed is None else body.seed
        engine = models.get(body.model or query.model)
        x = engine.uploads.read_pixels("pixels", body.pixels)
        engine.space.check_rows("pixels", len(x))
    else:
        seed = query.seed
        engine = models.get(query.model)
        files = await _read_form(request) if media_type == FORM else [("body", await request.body())]
        engine.space.check_rows("file", len(files))
        x = await engine.uploads.read(files, None if query.polarity == "auto" else query.polarity)
    posterior = await unless_gone(request.receive, engine.encode(x, call, seed))
    return answer_posterior(engine.manifest, posterior, seed, call)


async def _read_form(request: Request) -> list[tuple[str, bytes]]:
    files: list[tuple[str, bytes]] = []
    try:
        async with request.form(max_fields=0) as form:
            for name, part in form.multi_items():
                if name != "file" or not isinstance(part, UploadFile):
                    raise InvalidValueError(name, "only fields named file, each a file", Text(f"{name!r}"))
                files.append((f"file[{len(files)}]", await part.read()))
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise MalformedBodyError("body", FORM, Text(error.detail)) from error
    if not files:
        raise InvalidValueError("file", "at least one", Text("none"))
    return files
