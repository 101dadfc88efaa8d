"""Read JSON bodies into pydantic models, within limits."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from service.batching.context import RequestContext
from service.core.errors import MediaTypeError, Text
from service.core.json.reader import Limit, parse
from service.http.bodies.limits import find_budget, validate
from service.http.bodies.reading import find_body, read_body
from service.http.dependencies import get_registry
from service.http.header_fields import find_fields
from service.inference.registry import Registry

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
# Longer bodies are parsed in a thread. The costliest of this length, of nothing but empty lists, takes 1 ms.
# All that are ready are parsed in one turn of the event loop: of 64 KiB each, 32 held it for 0.2 s.
INLINE_BYTES = 16_384
# A body of a few numbers and names.
SMALL_BYTES = 16_384


def media_type(request: Request) -> str:
    """Return the body's media type, in lower case and without parameters; empty if not declared.

    If several are declared, all are returned, as one text that no endpoint accepts.
    """
    return _strip(find_fields(request).get(b"content-type", b""))


@functools.lru_cache(256)
def _strip(value: bytes) -> str:
    parts = value.decode("latin-1").split(",")
    return ", ".join(part.split(";")[0].strip().lower() for part in parts)


def require(request: Request, accepted: tuple[str, ...]) -> str:
    """Return the body's media type if it is one of those accepted.

    Raises:
        MediaTypeError: It is another, or none.
    """
    found = media_type(request)
    if found not in accepted:
        raise MediaTypeError("Content-Type", " or ".join(accepted), Text(found or "none"))
    return found


async def read_json(
    request: Request, model: type[M], call: RequestContext, instead: str = "", most: int | None = None
) -> M:
    """Read a JSON body, with the errors that FastAPI would raise.

    Args:
        request: A request whose body is declared to be JSON.
        model: The model that the body must fit.
        call: The request's context.
        instead: Formats that may be larger than JSON, for the error.
        most: Bytes that the body may have, if no large one makes sense; unset: the limit of all JSON bodies.

    Raises:
        ServiceError: It cannot be unpacked; see `read_body`.
        RequestValidationError: It is not JSON, or does not fit the model.
        TooLargeError: It is longer than it may be, or holds more.
        HTTPException: 400; it cannot be read as JSON at all.
    """
    limit = limit_json(get_registry(request), instead, most)
    limit_body(request, limit)
    content = find_body(request)
    if content is None:
        content = await read_body(request, call)
    if len(content) <= INLINE_BYTES:
        return parse_json(content, model, limit)
    return await parse_apart(request, len(content), lambda: parse_json(content, model, limit), call)


def limit_json(models: Registry, instead: str = "", most: int | None = None) -> Limit:
    """Return the limit of a JSON body; see `read_json`."""
    return _limit(models.settings.max_json_bytes, instead, most)


@functools.lru_cache(64)
def _limit(allowed: int, instead: str, most: int | None) -> Limit:
    if most is not None and most < allowed:
        return Limit(most)
    return Limit(allowed, " (CVAE_MAX_JSON_BYTES)" + (f"; {instead} may be larger" if instead else ""))


def limit_body(request: Request, limit: Limit) -> None:
    """Lower the limit of a body that is all JSON, before it is read.

    Raises:
        TooLargeError: It is declared to be longer.
    """
    if budget := find_budget(request.scope):
        budget.lower(limit.max_bytes, limit.expected)


async def parse_apart(request: Request, size: int, parse: Callable[[], T], call: RequestContext) -> T:
    """Parse a body: a short one at once, a long one in a thread.

    Long ones are parsed one at a time: with several threads, each may hold the interpreter for as long as a
    step takes, and the event loop would wait for all of them.

    Args:
        request: The request; its application has the lock for long bodies.
        size: Bytes that are parsed.
        parse: Parses them.
        call: The request's context.

    Returns:
        The result of `parse`.

    Raises:
        DeadlineError: The deadline passed before it was this body's turn, or before it was parsed.
    """
    if size <= INLINE_BYTES:
        return parse()
    parsing: asyncio.Lock = request.app.state.parsing
    turn = asyncio.ensure_future(parsing.acquire())
    try:
        await call.wait(turn, "the body was read")
    except BaseException:
        if turn.done() and not turn.cancelled():  # the lock was acquired as this request was cancelled
            parsing.release()
        raise
    try:
        return await call.run(parse)
    finally:
        parsing.release()


def parse_json(content: bytes, model: type[M], limit: Limit) -> M:
    """Parse a body, or the part of one that is JSON; see `read_json` for the errors."""
    if not content:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "input": None}])
    try:
        fields: Any = parse(content, limit)
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "ctx": {"error": error.msg}}
        raise RequestValidationError([fault]) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "There was an error parsing the body") from error
    try:
        return validate(fields, model)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from error
