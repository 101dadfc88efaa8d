"""Requests about the loaded models, and whether the service is ready."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from service.client import parse
from service.client.requests.base import Request
from service.client.results import Latents, ModelDetails, ModelInfo

M = TypeVar("M", bound=ModelInfo)


def models() -> Request[tuple[ModelInfo, ...]]:
    """List the loaded models, sorted by name."""
    return Request("GET", "models", _read_models)


def model(name: str) -> Request[ModelDetails]:
    """Describe a model, with its manifest and its card."""
    return Request("GET", f"models/{quote(name, safe='@')}", _read_model)


def latents(name: str) -> Request[Latents]:
    """Return a model's atlas: the latent vectors of the test split."""
    return Request("GET", f"models/{quote(name, safe='@')}/latents", parse.read_latents, format="json")


def ready() -> Request[bool]:
    """Ask whether the service is ready."""
    return Request("GET", "health/ready", _read_ready)


def _read_models(response: httpx.Response) -> tuple[ModelInfo, ...]:
    return tuple(_to_model(ModelInfo, fields) for fields in response.json()["models"])


def _read_model(response: httpx.Response) -> ModelDetails:
    return _to_model(ModelDetails, response.json())


def _read_ready(response: httpx.Response) -> bool:
    return bool(response.json()["status"] == "ready")


def _to_model(kind: type[M], fields: dict[str, Any]) -> M:
    names = {field.name for field in dataclasses.fields(kind)}
    known = {name: value for name, value in fields.items() if name in names}
    lists: dict[str, Any] = {name: tuple(known[name]) for name in ("classes", "kept") if name in known}
    return kind(**{**known, **lists})
