"""Owns the requests about what is loaded."""

from __future__ import annotations

from urllib.parse import quote

from service.client import readers
from service.client.replies import Latents, ModelDetails, ModelInfo
from service.client.request import Request


def models() -> Request[tuple[ModelInfo, ...]]:
    """Lists the loaded models, by name."""
    return Request("GET", "models", readers.read_models)


def model(name: str) -> Request[ModelDetails]:
    """Describes a model: the same, its manifest and its card."""
    return Request("GET", f"models/{quote(name, safe='@')}", readers.read_model)


def latents(name: str) -> Request[Latents]:
    """Gives a model's atlas: where the pictures of the test split lie."""
    return Request("GET", f"models/{quote(name, safe='@')}/latents", readers.read_latents, format="json")


def ready() -> Request[bool]:
    """Asks whether the service can answer."""
    return Request("GET", "health/ready", readers.read_ready)
