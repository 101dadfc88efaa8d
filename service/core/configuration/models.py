"""The settings of which models are served, and of how they are reloaded."""

from __future__ import annotations

import pathlib
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

from service.core.shipped_models.folders import MODELS_DIR, list_bundles


class ModelSettings(BaseSettings):
    """What an operator may choose of models; a part of `Settings`."""

    models_dir: pathlib.Path = Field(
        default=MODELS_DIR,
        description="Folder of model bundles; without any in models, the shipped ones.",
    )
    shipped_models: bool = Field(default=False, description="Also serve the package's own, beside those.")
    default_model: str = Field(
        default="mnist-2d",
        description="Model of requests that name none; if unset and not there, the first by name.",
    )
    watch_models: Literal["on", "off"] = Field(
        default="off", description="on: reload bundles a second after the last change in their folder."
    )
    keep_versions: int = Field(
        default=1,
        ge=0,
        le=16,
        description="Earlier versions of each model that a reload leaves, to be asked for as name@version.",
    )
    max_models_memory: int = Field(
        default=0,
        ge=0,
        description="Bytes that the models of each worker may take, old and new together; 0: no limit.",
    )

    @property
    def demanded_model(self) -> str | None:
        """The default model if the operator named one, which must then be there."""
        return self.default_model if "default_model" in self.model_fields_set else None

    @property
    def bundles(self) -> list[pathlib.Path]:
        """The folders of the bundles to serve, sorted by name."""
        return list_bundles(self.models_dir, shipped=self.shipped_models)
