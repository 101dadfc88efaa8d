"""GET /models, GET /models/{name}, its card and its decoder: what is loaded, and what it runs on."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import PlainTextResponse

from service.api.image_urls import ImageUrl, answer_fresh, cache_fields
from service.api.openapi import cached, pictures
from service.api.schemas.models import ImageInfo, ModelDetails, ModelInfo, ModelList, RuntimeInfo
from service.core.errors import NotFoundError
from service.core.media_types import MARKDOWN, OCTETS
from service.http.caching import tag_text
from service.http.dependencies import Calls, Models
from service.http.model_headers import ModelResponse
from service.http.openapi.errors import responses
from service.inference.engine import Engine
from service.inference.registry import Registry

router = APIRouter(tags=["models"])

Name = Annotated[str, Path(description="A name from `GET /models`.", examples=["mnist-2d"])]
GRAPH = pictures("The file.", (OCTETS,))
FIRST = {"name": "$response.body#/models/0/name"}
# The operations that take a name from the list.
LINKS = {
    operation: {"operationId": operation, "parameters": FIRST}
    for operation in ("describe_model", "read_card", "list_latents")
}


class OctetsResponse(Response):
    """Bytes."""

    media_type = OCTETS


class MarkdownResponse(PlainTextResponse):
    """A text in Markdown."""

    media_type = MARKDOWN


@router.get(
    "/models",
    summary="List the models",
    response_description="All of them, by name.",
    responses={200: {"links": LINKS}, **responses(503)},
)
async def list_models(request: Request, models: Models) -> ModelList:
    """Every loaded model, by name: its figures, what it runs on, whether it is warm."""
    return ModelList(
        models=[ModelInfo(**_describe(request, models, engine)) for engine in models],
        default=models.default,
        default_from="order" if models.falls_back else "setting",
    )


@router.get(
    "/models/{name}",
    summary="Describe a model",
    response_description="Its figures, its manifest and its card.",
    responses=responses(404, 503),
)
async def describe_model(request: Request, name: Name, models: Models) -> ModelDetails:
    """The same of one model, with its whole manifest and its card."""
    engine = models.get(name)
    bundle = engine.model.bundle
    return ModelDetails(**_describe(request, models, engine), manifest=bundle.fields, card=bundle.card)


@router.get(
    "/models/{name}/card",
    summary="Get a model's card",
    response_class=MarkdownResponse,
    response_description="Markdown.",
    responses=responses(404, 503),
)
async def read_card(name: Name, models: Models) -> MarkdownResponse:
    """What the model is, what it was trained on, how good it is and what it should not be used for."""
    engine = models.get(name)
    if engine.model.bundle.card is None:
        raise NotFoundError("name", "a model with a card", name)
    return MarkdownResponse(engine.model.bundle.card)


@router.get(
    "/models/{name}/decoder.onnx",
    summary="Get a model's decoder",
    response_class=OctetsResponse,
    responses={**cached(GRAPH), **responses(404, 503)},
)
async def read_decoder(request: Request, name: Name, models: Models, call: Calls) -> Response:
    """The graph as an ONNX file, the very bytes of the bundle: run it wherever you like.

    `z` (and `label`, one-hot, if the model takes one) to `image`; `GET /models/{name}` has their shapes.
    """
    engine = models.get(name)
    address = ImageUrl("decoder.onnx", name)
    tag = tag_text(engine, "decoder")
    fields = cache_fields(request, address, tag)
    if fresh := answer_fresh(request, engine, address, tag, fields):
        return fresh
    answer = ModelResponse(engine.model.bundle.decoder, OCTETS, engine.manifest, call)
    answer.raw_headers += fields
    return answer


def _describe(request: Request, models: Registry, engine: Engine) -> dict[str, Any]:
    manifest = engine.manifest
    reference = f"{manifest.name}@{manifest.version}"
    is_current = engine is models.served.engines.get(manifest.name)
    base = f"{request.scope.get('root_path', '')}/models/{manifest.name if is_current else reference}"
    versions = models.served.list_versions(manifest.name)
    image = manifest.image.model_dump(include=set(ImageInfo.model_fields))
    return {
        "name": manifest.name,
        "version": manifest.version,
        "reference": reference,
        "default": is_current and manifest.name == models.default,
        "latent_dim": manifest.latent_dim,
        "image": ImageInfo(**image),
        "classes": [entry.label for entry in manifest.classes],
        "conditional": bool(manifest.labels),
        "metrics": manifest.metrics,
        "dataset": manifest.dataset,
        "runtime": RuntimeInfo(**engine.model.runtime._asdict()),
        "warm": not engine.failed,
        "created": manifest.created,
        "kept": [f"{manifest.name}@{version}" for version in versions[1:]],
        "links": {
            "self": base,
            "card": f"{base}/card",
            "latents": f"{base}/latents",
            "decoder": f"{base}/decoder.onnx",
        },
    }
