"""GET /models/{name}/latents and GET /latent-map.{extension}: where the pictures of the test split lie."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request, Response

from service.api.image_urls import ImageUrl, answer_fresh, cache_fields
from service.api.openapi import EXTENSION, LATENTS, cached, pictures
from service.api.schemas.negotiated import MapQuery
from service.api.schemas.query import LatentsQuery
from service.api.schemas.responses import LatentsAnswer, MapAnswer
from service.api.schemas.urls import MapUrl
from service.batching.context import RequestContext
from service.core.choices import Drawn
from service.core.media_types import DRAWN, EXTENSIONS, FORMATS, JSON, NPY, PNG
from service.http.caching import tag_text
from service.http.dependencies import Calls, Models
from service.http.direct_route import DirectRoute
from service.http.header_fields import negotiate
from service.http.model_headers import ModelResponse
from service.http.offload import encode_apart
from service.http.openapi.errors import responses, unacceptable
from service.http.problems import Fault
from service.http.query_params import asks
from service.imaging.formats.npy import write_npy
from service.imaging.formats.png import write_png
from service.imaging.formats.webp import write_webp
from service.imaging.latent_map import draw_map, measure_extent
from service.imaging.writers import write_json
from service.inference.engine import Engine

router = APIRouter(tags=["models"], route_class=DirectRoute)
urls = APIRouter(tags=["image urls"], route_class=DirectRoute)

ATLAS = pictures("Points and labels, or one of the two as npy.", (JSON, NPY))
MAP = pictures("A square, and a legend to its right.", DRAWN)
NO_ARRAY = Fault(field="array", expected="'z_mean' or 'label'", received="'z'")
SMALL = Fault(field="size", expected="greater than or equal to 64", received="'10'")


@router.get(
    "/models/{name}/latents",
    summary="Get a model's atlas",
    response_model=LatentsAnswer,
    responses={
        **cached(ATLAS),
        **responses(*LATENTS, causes={406: unacceptable(JSON, NPY), 422: NO_ARRAY}),
    },
)
async def list_latents(
    request: Request,
    name: Annotated[str, Path(description="A name from `GET /models`.", examples=["mnist-2d"])],
    query: Annotated[LatentsQuery, asks(LatentsQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """The z_mean and the label of each picture of the test split, for maps and nearest neighbours.

    As npy, one array: `array=z_mean`, (n, latent_dim) float32, or `array=label`, (n,) int64.
    """
    engine = models.get(name)
    media_type = negotiate(request, query.format, (JSON, NPY))

    def render() -> bytes:
        if media_type == NPY:
            return write_npy(engine.atlas.z_mean if query.array == "z_mean" else engine.atlas.label)
        return write_json(engine.manifest, {"z_mean": engine.atlas.z_mean, "label": engine.atlas.label})

    tag = tag_text(engine, "latents", media_type, query.array)
    address = ImageUrl(f"latents.{'npy' if media_type == NPY else 'json'}", name)
    return await _answer(request, engine, call, media_type, tag, address, render)


@urls.get(
    "/latent-map.{extension}",
    summary="A map of latent space, by its URL",
    response_model=MapAnswer,
    responses={**cached(MAP), **responses(404, 422, 503, causes={422: SMALL})},
)
async def draw_latent_map_url(
    request: Request,
    extension: Annotated[Drawn, Path(description=EXTENSION, examples=["png"])],
    query: Annotated[MapUrl, asks(MapUrl)],
    models: Models,
    call: Calls,
) -> Response:
    """The pictures of the test split where their z_mean lies, coloured by label; no model runs.

    Of more than two dimensions it shows the two principal axes. JSON has the points' places.
    """
    media_type = FORMATS[extension]
    engine = models.get(query.model)

    def render() -> bytes:
        return _draw(engine, query, media_type)

    tag = tag_text(engine, "latent-map", media_type, str(query.size), str(query.extent), str(query.invert))
    address = ImageUrl(f"latent-map.{extension}", query.model, query.download)
    return await _answer(request, engine, call, media_type, tag, address, render)


@urls.get(
    "/latent-map",
    summary="Draw a map of latent space",
    response_model=MapAnswer,
    responses={
        **cached(MAP),
        **responses(404, 406, 422, 503, causes={406: unacceptable(*DRAWN), 422: SMALL}),
    },
)
async def draw_latent_map(
    request: Request,
    query: Annotated[MapQuery, asks(MapQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `/latent-map.{extension}`; `Accept` or `format` says what comes."""
    extension: Any = EXTENSIONS[negotiate(request, query.format, DRAWN)]
    return await draw_latent_map_url(request, extension, query, models, call)


async def _answer(
    request: Request,
    engine: Engine,
    call: RequestContext,
    media_type: str,
    tag: str,
    address: ImageUrl,
    render: Callable[[], bytes],
) -> Response:
    fields = cache_fields(request, address, tag)
    if fresh := answer_fresh(request, engine, address, tag, fields):
        return fresh
    content = await encode_apart(render, call)
    answer = ModelResponse(content, media_type, engine.manifest, call)
    answer.raw_headers += fields
    return answer


def _draw(engine: Engine, query: MapUrl, media_type: str) -> bytes:
    points, label = engine.atlas.plane, engine.atlas.label
    extent = query.extent or measure_extent(points)
    if media_type == JSON:
        fields = {"extent": extent, "points": points.astype(np.float32), "label": label}
        return write_json(engine.manifest, fields)
    picture = draw_map(points, label, extent, query.size)
    if query.invert:
        picture = 255 - picture
    return write_png(picture) if media_type == PNG else write_webp(picture[np.newaxis], 100, 0)
