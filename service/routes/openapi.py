"""Owns the OpenAPI entries that FastAPI cannot derive: picture answers, upload bodies, their examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.models import Example
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service.messages import IndexRequest, InferAnswer, InferRequest, ProtocolError
from service.negotiation import JSON, NPY, OCTETS, PNG
from service.schemas import (
    DecodeRequest,
    EncodeRequest,
    InterpolateForm,
    InterpolateRequest,
    Problem,
    ReconstructRequest,
    SampleRequest,
)
from service.tensors import LENGTH_HEADER

# What routes read by themselves, and FastAPI does not see.
BODIES = (
    DecodeRequest,
    EncodeRequest,
    InterpolateRequest,
    ReconstructRequest,
    SampleRequest,
    InferRequest,
    InferAnswer,
    IndexRequest,
    ProtocolError,
)
# What a route can answer that takes a body; that is a URL; that gives an atlas.
BODY = (400, 404, 406, 413, 415, 422, 429, 503, 504)
URL = (404, 406, 422, 429, 503, 504)
LATENTS = (404, 406, 422, 503)
INFER = (400, 404, 413, 415, 429, 503, 504)

REFERENCE = "#/components/schemas/"
BINARY = {"type": "string", "format": "binary"}
TEXT = {"schema": {"type": "string"}}
MODEL_HEADERS = {
    "CVAE-Model": {"description": "name@version of the model", **TEXT},
    "Server-Timing": {"description": "Milliseconds of queue, inference and encode", **TEXT},
}
SEED = {"description": "The seed that draws it again", "schema": {"type": "integer"}}


def pictures(description: str, media_types: Sequence[str]) -> dict[str, Any]:
    """Gives the 200 entry of a route that answers with pictures, in one of several media types."""
    content = {
        media_type: {"schema": {**BINARY, "contentMediaType": media_type}}
        for media_type in media_types
        if media_type != JSON
    }
    return {"description": description, "content": content, "headers": dict(MODEL_HEADERS)}


def arrays(description: str) -> dict[str, Any]:
    """Gives the 200 entry of a route that answers with JSON or with an .npy file."""
    return pictures(description, (NPY,))


def seeded(entry: dict[str, Any]) -> dict[str, Any]:
    """Adds the header that names the seed."""
    return {**entry, "headers": {**entry["headers"], "CVAE-Seed": SEED}}


def json_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that reads a JSON body by itself."""
    return _body({JSON: _json(model, examples)})


def vectors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes vectors as JSON or as an .npy file."""
    return _body({JSON: _json(DecodeRequest, examples), NPY: {"schema": BINARY}})


def upload_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes files, raw or in a form, or pixels as JSON."""
    files = {"type": "array", "minItems": 1, "items": BINARY}
    form = {"type": "object", "required": ["file"], "properties": {"file": files}}
    content = {
        "multipart/form-data": {"schema": form},
        "image/png": {"schema": BINARY},
        "image/jpeg": {"schema": BINARY},
        JSON: _json(model, examples),
    }
    return _body(content)


def path_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes two ends, as JSON or in a form."""
    end = {"anyOf": [{"type": "string"}, BINARY], "description": "`digit:3`, `0.5,-1.0`, or a picture."}
    options = InterpolateForm.model_json_schema()["properties"]
    form = {
        "type": "object",
        "required": ["from", "to"],
        "properties": {"from": end, "to": end, **options},
        "additionalProperties": False,
    }
    return _body({JSON: _json(InterpolateRequest, examples), "multipart/form-data": {"schema": form}})


def _json(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    return {"schema": {"$ref": REFERENCE + model.__name__}, "examples": dict(examples)}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def tensors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes tensors in JSON, or as bytes behind it."""
    length = {
        "name": LENGTH_HEADER,
        "in": "header",
        "description": "Bytes of the body that are JSON, if tensors follow it. 0: the body is one row of the "
        "only input.",
        "schema": {"type": "integer", "minimum": 0},
    }
    content = {
        JSON: {"schema": {"$ref": "#/components/schemas/InferRequest"}, "examples": dict(examples)},
        OCTETS: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"parameters": [length], "requestBody": {"required": True, "content": content}}


def tensors() -> dict[str, Any]:
    """Gives the 200 entry of a route that answers with tensors, as `tensors_body` takes them."""
    content = {
        JSON: {"schema": {"$ref": "#/components/schemas/InferAnswer"}},
        OCTETS: {"schema": {"type": "string", "format": "binary"}},
    }
    length = {"description": "Bytes that are JSON, if tensors follow", "schema": {"type": "integer"}}
    return {"description": "The outputs", "content": content, "headers": {LENGTH_HEADER: length}}


def index_body() -> dict[str, Any]:
    """Gives the `openapi_extra` of the list of graphs, whose body may be empty."""
    content = {
        "schema": {"$ref": "#/components/schemas/IndexRequest"},
        "examples": {"all": Example(summary="All", value={})},
    }
    return {"requestBody": {"content": {JSON: content}}}


def install(app: FastAPI) -> None:
    """Makes `app.openapi` add the schemas that are only referred to, and show pictures first."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    summary=app.summary,
                    description=app.description,
                    routes=app.routes,
                    tags=app.openapi_tags,
                )
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema["components"]["schemas"]
    for model in (Problem, *BODIES):
        entry = model.model_json_schema(ref_template=REFERENCE + "{model}")
        components |= entry.pop("$defs", {})
        components[model.__name__] = entry
    # FastAPI adds its own 422 to every route with a parameter; ours are declared where they can happen.
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    for path in schema["paths"].values():
        for operation in path.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
            content = operation["responses"].get("200", {}).get("content", {})
            if PNG in content:
                # Swagger UI asks for the first, and so shows the picture.
                for media_type in list(content):
                    if media_type != PNG:
                        content[media_type] = content.pop(media_type)
    return schema
