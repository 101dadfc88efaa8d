"""GET /models and GET /models/{name}: what is loaded, and what it runs on."""

from __future__ import annotations

import dataclasses
from typing import Annotated

from fastapi import APIRouter, Path

from service.engine import Engine
from service.routes.dependencies import Models
from service.routes.problems import responses
from service.schemas import ImageInfo, ModelInfo, ModelList, RuntimeInfo

router = APIRouter(tags=["models"])


@router.get("/models", summary="List the models", responses=responses(503))
async def list_models(models: Models) -> ModelList:
    """Every loaded model, by name."""
    return ModelList(models=[_describe(engine, models.default) for engine in models])


@router.get("/models/{name}", summary="Describe a model", responses=responses(404, 503))
async def describe_model(
    name: Annotated[str, Path(description="A name from `GET /models`.", examples=["mnist-2d"])],
    models: Models,
) -> ModelInfo:
    """Its shapes, figures and version, and the provider and threads it runs on."""
    return _describe(models.get(name), models.default)


def _describe(engine: Engine, default: str) -> ModelInfo:
    manifest = engine.manifest
    image = manifest.image.model_dump(include=set(ImageInfo.model_fields))
    return ModelInfo(
        name=manifest.name,
        version=manifest.version,
        default=manifest.name == default,
        latent_dim=manifest.latent_dim,
        image=ImageInfo(**image),
        classes=[entry.label for entry in manifest.classes],
        conditional=bool(manifest.labels),
        metrics=manifest.metrics,
        dataset=manifest.dataset,
        runtime=RuntimeInfo(**dataclasses.asdict(engine.model.runtime)),
        created=manifest.created,
    )
