"""Owns the OpenAPI entries that FastAPI cannot derive: picture answers, upload bodies, their examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.models import Example
from fastapi.openapi.utils import get_openapi

from service.negotiation import JSON, NPY, PNG
from service.schemas import DecodeRequest, EncodeRequest, Problem

# What any route with a JSON body can answer; with NEGOTIATED, one that also chooses a representation.
ENCODE = (400, 404, 413, 415, 422, 429, 503, 504)
JSON_BODY = (400, 404, 406, 413, 415, 422, 429, 503, 504)
DRAW = (404, 406, 422, 429, 503, 504)

PICTURE = {"schema": {"type": "string", "format": "binary", "contentMediaType": PNG}}
ARRAY = {"schema": {"type": "string", "format": "binary", "contentMediaType": NPY}}


def pictures(description: str) -> dict[str, Any]:
    """Gives the 200 entry of a route that answers with a PNG, with JSON or with an .npy file."""
    headers = {
        "CVAE-Model": {"description": "name@version of the model", "schema": {"type": "string"}},
    }
    return {"description": description, "content": {PNG: PICTURE, NPY: ARRAY}, "headers": headers}


def request_examples(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route whose JSON body has these examples."""
    return {"requestBody": {"content": {JSON: {"examples": dict(examples)}}}}


def vectors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes vectors as JSON or as an .npy file."""
    content = {
        JSON: {"schema": {"$ref": "#/components/schemas/DecodeRequest"}, "examples": dict(examples)},
        NPY: {"schema": {"type": "string", "format": "binary"}},
    }
    return {"requestBody": {"required": True, "content": content}}


def upload_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes files, raw or in a form, or pixels as JSON."""
    file = {"type": "string", "format": "binary"}
    form = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "array", "minItems": 1, "items": file}},
    }
    content = {
        "multipart/form-data": {"schema": form},
        "image/png": {"schema": file},
        "image/jpeg": {"schema": file},
        JSON: {"schema": {"$ref": "#/components/schemas/EncodeRequest"}, "examples": dict(examples)},
    }
    return {"requestBody": {"required": True, "content": content}}


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
    for model in (Problem, DecodeRequest, EncodeRequest):
        entry = model.model_json_schema(ref_template="#/components/schemas/{model}")
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
                for media_type in (JSON, NPY):
                    content[media_type] = content.pop(media_type)
    return schema
