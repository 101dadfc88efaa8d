"""The OpenAPI entries of the Open Inference Protocol: bodies and answers of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.openapi.models import Example

from service.core.headers import LENGTH_HEADER
from service.core.media_types import JSON, OCTETS
from service.http.bodies.compression import ENCODINGS
from service.http.openapi import headers
from service.v2.schemas import PARAMETERS, IndexRequest, InferAnswer, InferRequest

# The bodies and answers that routes read and write themselves, so that FastAPI does not see them.
BODIES = (InferRequest, InferAnswer, IndexRequest)
PARTS = (PARAMETERS,)
INFER = (400, 404, 413, 415, 429, 503, 504)


def tensors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes tensors in JSON, or as bytes after it."""
    length = {
        "name": LENGTH_HEADER,
        "required": False,
        "in": "header",
        "description": "Bytes of the body that are JSON, if tensors follow it. 0: the body is one row of the "
        "only input.",
        "schema": {"type": "integer", "minimum": 0},
    }
    content = {
        JSON: {"schema": {"$ref": "#/components/schemas/InferRequest"}, "examples": dict(examples)},
        OCTETS: {"schema": {"type": "string", "format": "binary", "minLength": 1}},
    }
    return {"parameters": [length], "requestBody": {"required": True, "content": content}}


def tensors() -> dict[str, Any]:
    """Return the 200 entry of a route that answers with tensors in JSON, or as bytes after it."""
    content = {
        JSON: {"schema": {"$ref": "#/components/schemas/InferAnswer"}},
        OCTETS: {"schema": {"type": "string", "format": "binary"}},
    }
    packed = {
        LENGTH_HEADER: {
            "description": "Bytes that are JSON, if tensors follow.",
            "schema": {"type": "integer", "minimum": 1},
            "example": 171,
        },
        "Content-Encoding": {
            "description": "If you accept one and it pays.",
            "schema": {"type": "string", "enum": list(ENCODINGS)},
            "example": ENCODINGS[0],
        },
    }
    known = {**headers.name(*headers.OF_MODEL), **packed}
    return {"description": "The outputs", "content": content, "headers": known}


def index_body() -> dict[str, Any]:
    """Return the `openapi_extra` of the list of graphs, whose body is optional."""
    content = {
        "schema": {"$ref": "#/components/schemas/IndexRequest"},
        "examples": {"all": Example(summary="All", value={})},
    }
    return {"requestBody": {"content": {JSON: content}}}
