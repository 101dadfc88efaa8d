"""Owns what routes ask for: the registry, room in its queues, and JSON that is declared to be JSON."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar, TypeVar

import orjson
from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from service.caching import NEVER
from service.calls import DEADLINE_HEADER, Call
from service.engine import Graph
from service.errors import InvalidValueError, MediaTypeError, NotReadyError, Text
from service.registry import Registry
from service.routes.bodies import read_body
from service.routes.fields import read_field

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
M = TypeVar("M", bound=BaseModel)
# Twelve digits are 30,000 years; more are no deadline.
DEADLINE = re.compile("0*[1-9][0-9]{0,11}")


async def get_registry(request: Request) -> Registry:
    """Gives the loaded models; no coroutine by need, but FastAPI would call a function in a thread.

    Raises:
        NotReadyError: They are not loaded yet.
    """
    registry = getattr(request.app.state, "registry", None)
    if registry is None:
        raise NotReadyError("the models are not loaded yet")
    return registry  # type: ignore[no-any-return]


Models = Annotated[Registry, Depends(get_registry)]


async def never_keep(response: Response) -> None:
    """Tells caches not to keep an answer that says how things are now."""
    response.headers["Cache-Control"] = NEVER


async def get_call(models: Models, request: Request) -> Call:
    """Begins a call, with the client's deadline if the request has one.

    Raises:
        InvalidValueError: The header is no number of milliseconds.
    """
    text = read_field(request, DEADLINE_HEADER)
    if text is None:
        return models.open_call()
    if not DEADLINE.fullmatch(text):
        raise InvalidValueError(DEADLINE_HEADER, "milliseconds, an integer above 0", text)
    return models.open_call(int(text))


Calls = Annotated[Call, Depends(get_call)]


def media_type(request: Request) -> str:
    """Gives the body's media type, in lower case and without parameters; empty if not declared.

    Of several, all: nothing is read here that is two things.
    """
    lines = request.headers.getlist("content-type")
    return ", ".join(line.split(";")[0].strip().lower() for line in lines)


def require(request: Request, accepted: tuple[str, ...]) -> str:
    """Gives the body's media type if it is one of those accepted.

    Raises:
        MediaTypeError: It is another, or none.
    """
    found = media_type(request)
    if found not in accepted:
        raise MediaTypeError("Content-Type", " or ".join(accepted), Text(found or "none"))
    return found


async def read_json(request: Request, model: type[M], call: Call) -> M:
    """Reads a JSON body, with the errors that FastAPI would give.

    Args:
        request: Its body is JSON by its declared type.
        model: What the body must be.
        call: That it belongs to.

    Returns:
        The body.

    Raises:
        ServiceError: It cannot be unpacked; see `read_body`.
        RequestValidationError: It is not JSON, or not what it must be.
        HTTPException: 400; it cannot be read as JSON at all.
    """
    return parse_json(await read_body(request, call), model)


def parse_json(content: bytes, model: type[M]) -> M:
    """Parses a body, or the part of one that is JSON; see `read_json` for the errors."""
    if not content:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "input": None}])
    try:
        fields: Any = _parse(content)
    except json.JSONDecodeError as error:
        fault = {"type": "json_invalid", "loc": ("body", error.pos), "ctx": {"error": error.msg}}
        raise RequestValidationError([fault]) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "There was an error parsing the body") from error
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from error


def _parse(content: bytes) -> Any:
    # Four times as fast for what it takes; of the rest, the standard library says more exactly what is wrong.
    with contextlib.suppress(orjson.JSONDecodeError):
        return orjson.loads(content)
    return json.loads(content)


class DecoderRoute(APIRoute):
    """A route that runs a decoder; while no queue has room, it reads nothing of a request."""

    graph: ClassVar[Graph] = "decoder"

    def get_route_handler(self) -> Handler:
        """Puts the check before FastAPI's own handler."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            (await get_registry(request)).check(self.graph)
            return await handle(request)

        return checked


class EncoderRoute(DecoderRoute):
    """The same for an encoder."""

    graph = "encoder"
