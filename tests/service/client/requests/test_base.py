"""What the client asks for is what the API describes."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import numpy as np
import pytest

from service.client.requests import encoding, image_urls, models, pictures
from service.client.requests.base import Request

API = json.loads((pathlib.Path(__file__).parents[4] / "openapi.json").read_text())
X = np.zeros((1, 28, 28), np.uint8)


@pytest.mark.parametrize(
    "request_",
    [
        pictures.decode([0.5, 1.0]),
        pictures.interpolate(3, 4),
        pictures.sample(2),
        pictures.draw(3),
        pictures.manifold(4),
        encoding.encode(X),
        encoding.reconstruct(X),
        encoding.restyle(X),
        models.models(),
        models.model("fake"),
        models.latents("fake"),
        models.ready(),
        image_urls.decode([0.5, 1.0]),
        image_urls.draw(3),
        image_urls.sample(2),
        image_urls.interpolate(3, 4),
        image_urls.manifold(4),
        image_urls.latent_map(),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
def test_every_request_is_one_that_the_api_describes(request_: Request[Any]) -> None:
    path, params = request_.target
    described = [
        operations[request_.method.lower()]
        for template, operations in API["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", r"[^/.]+", template), f"/{path}")
        and request_.method.lower() in operations
    ]
    assert len(described) == 1
    parameters = (_resolve(one) for one in described[0].get("parameters", []))
    known = {one["name"] for one in parameters if one["in"] == "query"}
    assert {name for name, _ in params} <= known


def _resolve(parameter: dict[str, str]) -> dict[str, str]:
    if "$ref" not in parameter:
        return parameter
    shared: dict[str, str] = API["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
    return shared
