"""The OpenAPI entries of our resources that FastAPI cannot derive: picture answers and bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.openapi.models import Example
from pydantic import BaseModel

from service.api.schemas.look import SequenceQuery
from service.api.schemas.requests import (
    DecodeRequest,
    EncodeRequest,
    InterpolateForm,
    InterpolateRequest,
    ReconstructRequest,
    SampleRequest,
)
from service.api.schemas.restyle import RestyleRequest
from service.api.schemas.shapes import PARTS
from service.core.headers import SEED_HEADER
from service.core.headers import SERVER_TIMING as TIMING
from service.core.media_types import JSON, NDJSON, NPY, OCTETS, PNG
from service.http.bodies.forms import FORM
from service.http.openapi import headers
from service.http.openapi.document import Unseen
from service.http.openapi.schemas import REFERENCE, Schema, drop_null
from service.latent.parsing import POINT_PATTERN

# The bodies that routes read themselves, so that FastAPI does not see them.
BODIES = (
    DecodeRequest,
    EncodeRequest,
    InterpolateRequest,
    ReconstructRequest,
    RestyleRequest,
    SampleRequest,
)
# The parameters that most requests leave alone, listed last.
LATE_PARAMETERS = ("model", "format", *SequenceQuery.model_fields, "download")
# Statuses of the errors that routes can answer: those with a body, image URLs, and lists of latent vectors.
BODY = (400, 404, 406, 413, 415, 422, 429, 503, 504)
URL = (404, 422, 429, 503, 504)
LATENTS = (404, 406, 422, 503)
BINARY = {"type": "string", "format": "binary"}
FILES = "image/*"
UPLOAD_FORM = {
    "title": "UploadForm",
    "description": "Pictures as files.",
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "array", "minItems": 1, "items": BINARY, "description": "Each a picture."}
    },
    "additionalProperties": False,
}
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


def unseen(models: Sequence[type[BaseModel]], parts: Sequence[Schema]) -> Unseen:
    """Return what FastAPI does not see of our resources, and further bodies, answers and their parts."""
    forms = {"UploadForm": UPLOAD_FORM, "InterpolateForm": _describe_path_form()}
    return Unseen((*BODIES, *models), forms, (*PARTS, *parts), LATE_PARAMETERS)


def json_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads a JSON body itself."""
    return _body({JSON: _json(model, examples)})


def vectors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes vectors as JSON or as an .npy file."""
    return _body({JSON: _json(DecodeRequest, examples), NPY: {"schema": BINARY}})


def upload_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes files, raw or in a form, or pixels as JSON or npy."""
    # The first is what Swagger UI opens on: a button that chooses a file.
    content = {
        PNG: {"schema": BINARY},
        "image/jpeg": {"schema": BINARY},
        OCTETS: {"schema": BINARY},
        FORM: _form("UploadForm", {"file": {"contentType": FILES}}),
        JSON: _json(model, examples),
        NPY: {"schema": BINARY},
    }
    return _body(content)


def path_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that interpolates, between ends in JSON or in a form."""
    encoding = {"contentType": f"text/plain, {FILES}"}
    form = _form("InterpolateForm", {"from": encoding, "to": encoding})
    return _body({JSON: _json(InterpolateRequest, examples), FORM: form})


def _describe_path_form() -> Schema:
    end = {
        "anyOf": [{"type": "string", "pattern": POINT_PATTERN}, BINARY],
        "description": "`digit:3`, `0.5,-1.0`, or a picture's file.",
    }
    form = InterpolateForm.model_json_schema()
    for option in form["properties"].values():
        drop_null(option)
    return {**form, "required": ["from", "to"], "properties": {"from": end, "to": end, **form["properties"]}}


def _json(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    return {"schema": {"$ref": REFERENCE + model.__name__}, "examples": dict(examples)}


def _form(name: str, encoding: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"$ref": REFERENCE + name}, "encoding": encoding}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
