"""The OpenAPI document: what FastAPI derives, completed with what all routes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.core.headers import REQUEST_ID
from service.core.media_types import JSON, PNG
from service.http import query_params
from service.http.openapi import errors, headers, security
from service.http.openapi.schemas import REFERENCE, Schema, drop_null, name_parts, tell_defaults
from service.http.problems import Problem, ProtocolError


def name_operation(route: APIRoute) -> str:
    """Return the `operationId` of a route, which client generators turn into a function's name."""
    return route.name


class Unseen(NamedTuple):
    """What routes read and write themselves, so that FastAPI does not see it.

    Attributes:
        models: Bodies and answers.
        forms: By name.
        parts: Of all of these and of FastAPI's own: see `schemas.name_parts`.
        late: Names of query parameters to list last, in this order: those that most requests leave alone.
    """

    models: Sequence[type[BaseModel]]
    forms: Mapping[str, Schema]
    parts: Sequence[Schema]
    late: Sequence[str]


def install(
    app: FastAPI, routers: Sequence[APIRouter], unseen: Unseen, is_open: Callable[[str], bool]
) -> None:
    """Make `app.openapi` complete the schema that FastAPI derives from these routers' routes.

    Args:
        app: The application that has the routers.
        routers: All of them.
        unseen: What FastAPI cannot derive.
        is_open: Whether a path never needs a key.
    """

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
                servers=app.servers,
            )
            for path, method, parameters in query_params.describe(routers):
                schema["paths"][path][method].setdefault("parameters", []).extend(parameters)
            security.describe(schema, is_open)
            app.openapi_schema = _complete(schema, unseen)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(schema: dict[str, Any], unseen: Unseen) -> dict[str, Any]:
    components = schema["components"]
    _complete_schemas(components["schemas"], unseen)
    components["schemas"] = name_parts(components["schemas"], unseen.parts)
    for entry in components["schemas"].values():
        tell_defaults(entry)
    shared = {str(status): entry for status, entry in errors.responses(*errors.EXAMPLES).items()}
    named = {errors.NAMES[int(status)]: entry for status, entry in shared.items()}
    components |= {"responses": named, "headers": headers.ANSWERS, "parameters": headers.REQUESTS}
    for path in schema["paths"].values():
        for method, operation in path.items():
            if method == "get":
                operation["responses"]["200"].setdefault("headers", {}).update(headers.name("Cache-Control"))
            _complete_responses(operation["responses"], shared)
            _complete_parameters(operation, unseen.late)
    for entry in shared.values():
        entry["headers"] = {**headers.name(REQUEST_ID), **entry.get("headers", {})}
    return schema


def _complete_schemas(schemas: dict[str, Any], unseen: Unseen) -> None:
    answers: list[type[BaseModel]] = [Problem, ProtocolError]
    for model in (*answers, *unseen.models):
        mode: Literal["serialization", "validation"] = "serialization" if model in answers else "validation"
        entry = model.model_json_schema(ref_template=REFERENCE + "{model}", mode=mode)
        schemas |= entry.pop("$defs", {})
        schemas[model.__name__] = entry
    schemas |= unseen.forms
    # FastAPI adds its own 422 to every route with a parameter; ours are declared where they can happen.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _complete_responses(responses: dict[str, Any], shared: Mapping[str, Any]) -> None:
    if JSON in responses.get("422", {}).get("content", {}):
        del responses["422"]
    responses.setdefault("500", shared["500"])
    for status, entry in sorted(responses.items()):
        # By status, and by reference where it is what all routes say.
        responses[status] = responses.pop(status)
        if entry == shared.get(status):
            responses[status] = {"$ref": f"#/components/responses/{errors.NAMES[int(status)]}"}
        else:
            entry["headers"] = {**headers.name(REQUEST_ID), **entry.get("headers", {})}
    content = responses["200"].get("content", {})
    if PNG in content:
        # Swagger UI asks for the first, and so shows the picture.
        for media_type in [media_type for media_type in content if media_type != PNG]:
            content[media_type] = content.pop(media_type)


def _complete_parameters(operation: dict[str, Any], late: Sequence[str]) -> None:
    known = operation.get("parameters", [])
    for parameter in known:
        drop_null(parameter["schema"])
        for repeated in ("title", "description"):
            parameter["schema"].pop(repeated, None)
        if examples := parameter["schema"].pop("examples", None):
            parameter["example"] = examples[0]  # which Swagger UI fills in

    def rank(parameter: Mapping[str, Any]) -> tuple[bool, bool, int]:
        name = parameter["name"]
        return (
            parameter["in"] != "path",
            not parameter["required"],
            late.index(name) + 1 if name in late else 0,
        )

    parameters = [*sorted(known, key=rank), *headers.parameters(operation)]
    if parameters:
        operation["parameters"] = parameters
