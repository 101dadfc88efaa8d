"""The OpenAPI entries of our resources that FastAPI cannot derive: picture answers and bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.openapi.models import Example
from pydantic import BaseModel

from service.api.schemas.query import SequenceQuery
from service.api.schemas.requests import (
    DecodeRequest,
    EncodeRequest,
    InterpolateForm,
    InterpolateRequest,
    ReconstructRequest,
    SampleRequest,
)
from service.core.headers import SEED_HEADER
from service.core.headers import SERVER_TIMING as TIMING
from service.core.media_types import JSON, NDJSON, NPY
from service.http.openapi import headers
from service.http.openapi.document import REFERENCE, drop_null
from service.latent.parsing import POINT_PATTERN

# The bodies that routes read themselves, so that FastAPI does not see them.
BODIES = (DecodeRequest, EncodeRequest, InterpolateRequest, ReconstructRequest, SampleRequest)
# The parameters that most requests leave alone, listed last.
LATE_PARAMETERS = ("model", "format", *SequenceQuery.model_fields, "download")
# Statuses of the errors that routes can answer: those with a body, image URLs, and lists of latent vectors.
BODY = (400, 404, 406, 413, 415, 422, 429, 503, 504)
URL = (404, 422, 429, 503, 504)
LATENTS = (404, 406, 422, 503)
BINARY = {"type": "string", "format": "binary"}
FILES = "image/png, image/jpeg"
EXTENSION = "What to answer with, whatever `Accept` says."
LINES = "A line a picture: `index`, its vector `z`, and `image`, its rows of pixels."


def pictures(description: str, media_types: Sequence[str], *further: str) -> dict[str, Any]:
    """Return the 200 entry of a route that answers with pictures.

    Args:
        description: What the pictures show.
        media_types: The formats that they are offered in.
        *further: Headers beside those of every model, keys of `headers.ANSWERS`.
    """
    notes = {NDJSON: {"description": LINES}}
    content = {
        media_type: {"schema": {**BINARY, "contentMediaType": media_type, **notes.get(media_type, {})}}
        for media_type in media_types
        if media_type != JSON
    }
    entry = {"description": description, "headers": headers.name(*headers.OF_MODEL, *further)}
    return {**entry, "content": content} if content else entry


def seeded(description: str, media_types: Sequence[str]) -> dict[str, Any]:
    """Return the 200 entry of a route that draws from a seed."""
    return pictures(description, media_types, SEED_HEADER)


def cached(entry: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return the 200 and 304 entries of an image URL.

    Args:
        entry: The 200 entry without headers for caching.
    """
    of_url = headers.name(*headers.OF_URL)
    elsewhere = headers.name("Content-Location") if SEED_HEADER in entry["headers"] else {}
    known = {header: value for header, value in entry["headers"].items() if header != TIMING}
    return {
        200: {**entry, "headers": {**entry["headers"], **of_url, **elsewhere}},
        304: {
            "description": "You have it: `If-None-Match` names its tag.",
            "headers": {**known, **of_url},
        },
    }


def json_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads a JSON body itself."""
    return _body({JSON: _json(model, examples)})


def vectors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes vectors as JSON or as an .npy file."""
    return _body({JSON: _json(DecodeRequest, examples), NPY: {"schema": BINARY}})


def upload_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes files, raw or in a form, or pixels as JSON or npy."""
    files = {"type": "array", "minItems": 1, "items": BINARY, "description": "Each a PNG or JPEG."}
    content = {
        JSON: _json(model, examples),
        "image/png": {"schema": BINARY},
        "image/jpeg": {"schema": BINARY},
        "multipart/form-data": _form({"file": files}, {"file": {"contentType": FILES}}),
        NPY: {"schema": BINARY},
    }
    return _body(content)


def path_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that interpolates, between ends in JSON or in a form."""
    end = {
        "anyOf": [{"type": "string", "pattern": POINT_PATTERN}, BINARY],
        "description": "`digit:3`, `0.5,-1.0`, or a PNG or JPEG file.",
    }
    options = InterpolateForm.model_json_schema()["properties"]
    for option in options.values():
        drop_null(option)
    encoding = {"contentType": f"text/plain, {FILES}"}
    form = _form({"from": end, "to": end}, {"from": encoding, "to": encoding}, options)
    return _body({JSON: _json(InterpolateRequest, examples), "multipart/form-data": form})


def _json(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    return {"schema": {"$ref": REFERENCE + model.__name__}, "examples": dict(examples)}


def _form(
    required: dict[str, Any], encoding: dict[str, Any], optional: dict[str, Any] | None = None
) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }
    return {"schema": schema, "encoding": encoding}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
