"""Owns the OpenAPI entries that FastAPI cannot derive: picture answers, bodies, what all routes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.models import Example
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.core.headers import REQUEST_ID, SEED_HEADER
from service.core.headers import SERVER_TIMING as TIMING
from service.core.media_types import JSON, NDJSON, NPY, PNG
from service.http import query_params
from service.http.openapi import errors, headers
from service.http.problems import Problem, ProtocolError
from service.latent.parsing import POINT_PATTERN
from service.messages import IndexRequest, InferAnswer, InferRequest
from service.queries import SequenceQuery
from service.schemas import (
    DecodeRequest,
    EncodeRequest,
    InterpolateForm,
    InterpolateRequest,
    ReconstructRequest,
    SampleRequest,
)

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
URL = (404, 422, 429, 503, 504)
LATENTS = (404, 406, 422, 503)

REFERENCE = "#/components/schemas/"
BINARY = {"type": "string", "format": "binary"}
FILES = "image/png, image/jpeg"
EXTENSION = "What to answer with, whatever `Accept` says."
LINES = "A line a picture: `index`, its vector `z`, and `image`, its rows of pixels."
# What most requests leave alone comes after what they are about.
LATE_PARAMETERS = ("model", "format", *SequenceQuery.model_fields, "download")


def pictures(description: str, media_types: Sequence[str], *further: str) -> dict[str, Any]:
    """Gives the 200 entry of a route that answers with pictures.

    Args:
        description: What they are.
        media_types: That they can be had as.
        *further: Headers beside those of every model, keys of `headers.ANSWERS`.

    Returns:
        For the `responses` of a route.
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
    """Gives the 200 entry of a route that draws from a seed."""
    return pictures(description, media_types, SEED_HEADER)


def cached(entry: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Gives the 200 and 304 entries of an image URL.

    Args:
        entry: 200, without the headers of caching.

    Returns:
        For the `responses` of a route.
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
    """Gives the `openapi_extra` of a route that reads a JSON body by itself."""
    return _body({JSON: _json(model, examples)})


def vectors_body(examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes vectors as JSON or as an .npy file."""
    return _body({JSON: _json(DecodeRequest, examples), NPY: {"schema": BINARY}})


def upload_body(model: type[BaseModel], examples: Mapping[str, Example]) -> dict[str, Any]:
    """Gives the `openapi_extra` of a route that takes files, raw or in a form, or pixels as JSON or npy."""
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
    """Gives the `openapi_extra` of a route that takes two ends, as JSON or in a form."""
    end = {
        "anyOf": [{"type": "string", "pattern": POINT_PATTERN}, BINARY],
        "description": "`digit:3`, `0.5,-1.0`, or a PNG or JPEG file.",
    }
    options = InterpolateForm.model_json_schema()["properties"]
    for option in options.values():
        _drop_null(option)
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


def name_operation(route: APIRoute) -> str:
    """Gives the `operationId` of a route, which client generators make a function's name of."""
    return route.name


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Makes `app.openapi` complete the schema that FastAPI gives of these routers' routes."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                license_info=app.license_info,
                routes=app.routes,
                tags=app.openapi_tags,
            )
            for path, method, parameters in query_params.describe(routers):
                schema["paths"][path][method].setdefault("parameters", []).extend(parameters)
            app.openapi_schema = _complete(schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema["components"]
    for model in (Problem, *BODIES):
        entry = model.model_json_schema(ref_template=REFERENCE + "{model}")
        components["schemas"] |= entry.pop("$defs", {})
        components["schemas"][model.__name__] = entry
    # FastAPI adds its own 422 to every route with a parameter; ours are declared where they can happen.
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] = dict(sorted(components["schemas"].items()))
    shared = {str(status): entry for status, entry in errors.responses(*errors.EXAMPLES).items()}
    components |= {"responses": shared, "headers": headers.ANSWERS, "parameters": headers.REQUESTS}
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method == "get":
                operation["responses"]["200"].setdefault("headers", {}).update(headers.name("Cache-Control"))
            _complete_operation(operation, shared)
    for entry in shared.values():
        entry["headers"] = {**headers.name(REQUEST_ID), **entry.get("headers", {})}
    return schema


def _complete_operation(operation: dict[str, Any], shared: Mapping[str, Any]) -> None:
    answers = operation["responses"]
    if JSON in answers.get("422", {}).get("content", {}):
        del answers["422"]
    answers.setdefault("500", shared["500"])
    for status, entry in sorted(answers.items()):
        # In order, and what all say alike by reference.
        answers[status] = answers.pop(status)
        if entry == shared.get(status):
            answers[status] = {"$ref": f"#/components/responses/{status}"}
        else:
            entry["headers"] = {**headers.name(REQUEST_ID), **entry.get("headers", {})}
    content = answers["200"].get("content", {})
    if PNG in content:
        # Swagger UI asks for the first, and so shows the picture.
        for media_type in [media_type for media_type in content if media_type != PNG]:
            content[media_type] = content.pop(media_type)
    known = operation.get("parameters", [])
    for parameter in known:
        _drop_null(parameter["schema"])
        for repeated in ("title", "description"):
            parameter["schema"].pop(repeated, None)
        if examples := parameter["schema"].pop("examples", None):
            parameter["example"] = examples[0]  # which Swagger UI fills in
    parameters = [*sorted(known, key=_place), *headers.parameters(operation)]
    if parameters:
        operation["parameters"] = parameters


def _place(parameter: Mapping[str, Any]) -> tuple[bool, bool, int]:
    name = parameter["name"]
    late = LATE_PARAMETERS.index(name) + 1 if name in LATE_PARAMETERS else 0
    return parameter["in"] != "path", not parameter["required"], late


def _drop_null(schema: dict[str, Any]) -> None:
    """Says of what is left out by not being there that it may be left out, not that it may be null."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        del schema["anyOf"]
        schema |= options[0]
    if schema.get("default", ...) is None:
        del schema["default"]
