"""The dependencies of endpoints: the loaded models, and the request context."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response

from service.batching.context import RequestContext
from service.core.errors import InvalidValueError, NotReadyError
from service.core.headers import REQUEST_TIMEOUT
from service.http.caching import NEVER
from service.http.header_fields import read_field
from service.inference.registry import Registry
from service.observability.metrics import CALL

T = TypeVar("T")
# The name under which the application's state holds the models.
REGISTRY = "registry"
# Twelve digits are 30 years; more are no deadline.
DEADLINE = re.compile("0*[1-9][0-9]{0,11}")


def depend(read: Callable[[Request], T]) -> Any:
    """Return a dependency for FastAPI, with the function itself for routes that do without FastAPI's solving.

    Args:
        read: Returns an endpoint's argument from a request. FastAPI would call a plain function in a thread.
    """

    async def solve(request: Request) -> T:
        return read(request)

    solve.direct = read  # type: ignore[attr-defined]
    return Depends(solve)


def find_state(request: Request) -> dict[str, Any]:
    """Return the application's state by name: to look for an attribute of it takes five times as long."""
    state: dict[str, Any] = request.scope["app"].state._state
    return state


def get_registry(request: Request) -> Registry:
    """Return the loaded models.

    Raises:
        NotReadyError: They are not loaded yet.
    """
    registry: Registry | None = find_state(request).get(REGISTRY)
    if registry is None:
        raise NotReadyError("the models are not loaded yet")
    return registry


Models = Annotated[Registry, depend(get_registry)]


async def never_keep(response: Response) -> None:
    """Add `Cache-Control: no-store` to an answer that is only true at the moment."""
    response.headers["Cache-Control"] = NEVER


def open_context(request: Request) -> RequestContext:
    """Return a new request context, with the client's deadline if the request has one.

    Raises:
        InvalidValueError: The header is no number of milliseconds.
    """
    models, text = get_registry(request), read_field(request, REQUEST_TIMEOUT)
    if text is not None and not DEADLINE.fullmatch(text):
        raise InvalidValueError(REQUEST_TIMEOUT, "milliseconds, an integer above 0", text)
    call = request.scope[CALL] = models.open_call(None if text is None else int(text))
    return call


Calls = Annotated[RequestContext, depend(open_context)]
