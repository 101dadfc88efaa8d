"""The response bodies about the loaded models and the health of the service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field


class ImageInfo(BaseModel):
    """What a model's pictures are."""

    height: int
    width: int
    channels: int
    polarity: str


class RuntimeInfo(BaseModel):
    """What a model runs on."""

    provider: Annotated[str, Field(description="onnxruntime's execution provider.")]
    intra_op_threads: int
    inter_op_threads: int
    onnxruntime: str


class ModelInfo(BaseModel):
    """A loaded model."""

    name: str
    version: str
    reference: Annotated[str, Field(description="name@version: for `model` in a URL that never changes.")]
    default: Annotated[bool, Field(description="Whether it answers requests that name no model.")]
    latent_dim: int
    image: ImageInfo
    classes: Annotated[list[int], Field(description="Labels that /digits and /interpolate know.")]
    conditional: Annotated[bool, Field(description="Whether z needs a `label` beside it, one of `classes`.")]
    metrics: Annotated[dict[str, Any], Field(description="On the test split; losses in nats per image.")]
    dataset: dict[str, Any]
    runtime: RuntimeInfo
    warm: Annotated[bool, Field(description="Whether it has run and can answer now.")]
    created: str
    kept: Annotated[
        list[str],
        Field(
            description="name@version of its earlier versions that can still be asked for, the latest first."
        ),
    ]
    links: Annotated[dict[str, str], Field(description="Where to look further, by what it is.")]


class ModelDetails(ModelInfo):
    """A loaded model, its manifest and its card."""

    manifest: Annotated[dict[str, Any], Field(description="`model.json`, as docs/bundle.md describes it.")]
    card: Annotated[str | None, Field(description="The model card, Markdown; null if the bundle has none.")]


class ModelList(BaseModel):
    """The loaded models, by name, and which of them answers requests that name none."""

    models: list[ModelInfo]
    default: Annotated[str, Field(description="The name of the default model.")]
    default_from: Annotated[
        Literal["setting", "order"],
        Field(
            description="Why it is: `setting`, CVAE_DEFAULT_MODEL; `order`, the first by name, as the folder "
            "has no model that this setting's own default names."
        ),
    ]


class Health(BaseModel):
    """A health check's answer."""

    status: Literal["live", "ready"]


class Workers(BaseModel):
    """How many processes serve."""

    ready: Annotated[int, Field(description="Those that answer.")]
    wanted: Annotated[int, Field(description="Those that the settings ask for: others are being replaced.")]


class Readiness(Health):
    """A readiness check's answer."""

    workers: Annotated[Workers | None, Field(description="Left out where one process serves.")] = None
