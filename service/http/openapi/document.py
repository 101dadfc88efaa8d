"""Owns the OpenAPI entries that FastAPI cannot derive: picture answers, bodies, what all routes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from service.api.schemas.query import SequenceQuery
from service.api.schemas.requests import (
    DecodeRequest,
    EncodeRequest,
    InterpolateRequest,
    ReconstructRequest,
    SampleRequest,
)
from service.core.headers import REQUEST_ID
from service.core.media_types import JSON, PNG
from service.http import query_params
from service.http.openapi import errors, headers
from service.http.problems import Problem, ProtocolError
from service.v2.schemas import IndexRequest, InferAnswer, InferRequest

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

REFERENCE = "#/components/schemas/"
# What most requests leave alone comes after what they are about.
LATE_PARAMETERS = ("model", "format", *SequenceQuery.model_fields, "download")


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
