"""Read all query parameters of a request at once, by a model such as those of `service.api.schemas.query`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.exceptions import HTTPException

from service.core.errors import InvalidValueError, shorten
from service.http.bodies.limits import validate
from service.http.dependencies import depend


class Query(BaseModel):
    """Query parameters: no other names, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Q = TypeVar("Q", bound=Query)
M = TypeVar("M", bound=BaseModel)
# How many parsed queries are kept, because they come again, and how long such a query may be.
KEPT, KEPT_BYTES = 1024, 1024
# Of one query. A vector is one parameter, and as many as a request may have by default are a quarter of this.
MOST_BYTES, MOST_PARAMETERS = 65_536, 4096
MARK = "asked"
# As pydantic says it of other texts.
WORDS = {"integer": "a valid integer", "number": "a valid number"}


def asks(model: type[Q]) -> Any:
    """Return the dependency of a route that has these parameters.

    FastAPI itself would look up each of them separately, which took a fifth of a request's processor time.
    """

    def read(request: Request) -> Q:
        text = request.scope["query_string"]
        return _read_kept(model, text) if len(text) <= KEPT_BYTES else _read_long(model, text)

    dependency = depend(read)
    setattr(dependency.dependency, MARK, model)
    return dependency


def describe(routers: Iterable[APIRouter]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield path, method and OpenAPI parameters of each route that reads its query by `asks`."""
    for route in itertools.chain.from_iterable(router.routes for router in routers):
        if isinstance(route, APIRoute) and route.include_in_schema:
            for dependency in route.dependant.dependencies:
                if model := getattr(dependency.call, MARK, None):
                    for method in route.methods or ():
                        yield route.path_format, method.lower(), _describe(model)


def _describe(model: type[Query]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": entry,
            **({"description": entry["description"]} if "description" in entry else {}),
        }
        for name, entry in schema["properties"].items()
    ]


@functools.lru_cache(KEPT)
def _read_kept(model: type[Q], text: bytes) -> Q:
    return _read(model, text)


def _read_long(model: type[Q], text: bytes) -> Q:
    # A query that is kept has neither so many bytes nor so many parameters.
    _check_extent(text)
    return _read(model, text)


def _read(model: type[Q], text: bytes) -> Q:
    lists = _find_kinds(model).lists
    fields: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for name, _, value in _split(text.decode("latin-1")):
        if name in lists:
            fields.setdefault(name, []).append(value)
        elif name in fields:
            counts[name] = counts.get(name, 1) + 1
        else:
            fields[name] = value
    # An underscore may be escaped.
    faults = list(_find_repeated(model, counts)) if counts else []
    if b"_" in text or b"%" in text:
        faults += _find_underscores(model, fields, "query")
    return _validate(model, fields, "query", faults)


def read_texts(model: type[M], fields: dict[str, Any], place: str) -> M:
    """Read texts as those of a query are read, each given once.

    Args:
        model: Knows all names.
        fields: Texts by name; a value may also be the bytes of a file.
        place: Where they stand: "query" or "body".

    Raises:
        RequestValidationError: They do not fit the model.
    """
    return _validate(model, fields, place, list(_find_underscores(model, fields, place)))


def _validate(model: type[M], fields: dict[str, Any], place: str, faults: list[Any]) -> M:
    try:
        made = validate(fields, model)
    except ValidationError as error:
        faults += [{**fault, "loc": (place, *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from error
    if faults:
        raise RequestValidationError(faults)
    return made


def _find_repeated(model: type[Query], counts: dict[str, int]) -> Iterator[Any]:
    for name, count in counts.items():
        if name in _find_kinds(model).names:
            context = {"expected": "one value", "received": str(count), "at": ""}
            yield {"type": "repeated", "loc": ("query", name), "ctx": context}


def _find_underscores(model: type[BaseModel], fields: dict[str, Any], place: str) -> Iterator[Any]:
    """Yield a fault for each number such as `1_0`, which pydantic would read as 10."""
    numbers = _find_kinds(model).numbers
    for name, value in fields.items():
        if name in numbers and isinstance(value, str) and "_" in value:
            context = {"expected": numbers[name], "received": shorten(value), "at": ""}
            yield {"type": "underscore", "loc": (place, name), "ctx": context}


def _split(text: str) -> list[tuple[str, str, str]]:
    """Return each parameter's name and value, with what stands between them."""
    if "%" in text or "+" in text:
        return [(name, "=", value) for name, value in parse_qsl(text, keep_blank_values=True)]
    # The same, without searching each part for escapes that are not there.
    return [part.partition("=") for part in text.split("&") if part]


def _check_extent(text: bytes) -> None:
    if len(text) > MOST_BYTES:
        raise HTTPException(414, f"query: expected at most {MOST_BYTES} bytes, received {len(text)}")
    if (count := text.count(b"&") + 1) > MOST_PARAMETERS:
        raise InvalidValueError("query", f"at most {MOST_PARAMETERS} parameters", count)


class _Kinds(NamedTuple):
    """The parameters of a model by what their texts are: all, lists of texts, and what numbers must be."""

    names: frozenset[str]
    lists: frozenset[str]
    numbers: dict[str, str]


@functools.cache
def _find_kinds(model: type[BaseModel]) -> _Kinds:
    properties: dict[str, Any] = model.model_json_schema()["properties"]
    kinds = {
        name: {option.get("type") for option in (entry, *entry.get("anyOf", ()))} - {None, "null"}
        for name, entry in properties.items()
    }
    lists = frozenset(name for name, found in kinds.items() if "array" in found)
    numbers = {name: WORDS[kind] for name, (kind, *more) in kinds.items() if kind in WORDS and not more}
    return _Kinds(frozenset(kinds), lists, numbers)
