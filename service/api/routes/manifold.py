"""GET /manifold.{extension}: what an even grid over latent space decodes to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from service.api.image_urls import ImageUrl, answer_url
from service.api.openapi import EXTENSION, URL, cached, pictures
from service.api.responses import PictureJob
from service.api.schemas.negotiated import ManifoldQuery
from service.api.schemas.responses import PicturesAnswer
from service.api.schemas.urls import ManifoldUrl
from service.core.choices import Still
from service.core.media_types import EXTENSIONS, FORMATS, STILL
from service.http.dependencies import Calls, Models
from service.http.direct_route import DirectRoute
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses
from service.http.problems import Fault
from service.http.query_params import asks
from service.imaging.representation import count_fitting

router = APIRouter(tags=["image urls"], route_class=DirectRoute)

GRID = pictures("n rows of n pictures.", STILL)
BEYOND = Fault(field="dims", expected="numbers from 0 to 1, as mnist-2d has", received="5")


@router.get(
    "/manifold.{extension}",
    summary="A grid over latent space, by its URL",
    response_model=PicturesAnswer,
    responses={**cached(GRID), **responses(*URL, causes={422: BEYOND})},
)
async def draw_manifold_url(
    request: Request,
    extension: Annotated[Still, Path(description=EXTENSION, examples=["png"])],
    query: Annotated[ManifoldUrl, asks(ManifoldUrl)],
    models: Models,
    call: Calls,
) -> Response:
    """N times n pictures over two dimensions of z, both from -extent to extent, all other dimensions 0."""
    engine = models.get(query.model)
    wanted = query.represent(FORMATS[extension], query.n)
    first, second = map(int, query.dims.split(",")) if query.dims else engine.atlas.widest
    most = count_fitting(wanted, engine.manifest.image, engine.settings.max_output_pixels)
    rows = engine.space.spread(query.n, query.extent, (first, second), query.label, most)
    address = ImageUrl(f"manifold.{extension}", query.model, query.download)
    return await answer_url(request, PictureJob(engine, rows, wanted), call, address)


@router.get(
    "/manifold",
    summary="Draw a grid over latent space",
    response_model=PicturesAnswer,
    responses={**cached(GRID), **responses(*URL, 406, causes={422: BEYOND})},
)
async def draw_manifold(
    request: Request,
    query: Annotated[ManifoldQuery, asks(ManifoldQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `/manifold.{extension}`; `Accept` or `format` says what comes."""
    extension: Any = EXTENSIONS[negotiate(request, query.format, STILL)]
    return await draw_manifold_url(request, extension, query, models, call)
