"""Owns what routes ask for: the registry, room in its queues, and JSON that is declared to be JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from service.batching.context import RequestContext
from service.core.choices import Graph
from service.core.errors import InvalidValueError, NotReadyError
from service.core.headers import REQUEST_TIMEOUT
from service.http.caching import NEVER
from service.http.header_fields import read_field
from service.inference.registry import Registry

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
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


async def get_call(models: Models, request: Request) -> RequestContext:
    """Begins a call, with the client's deadline if the request has one.

    Raises:
        InvalidValueError: The header is no number of milliseconds.
    """
    text = read_field(request, REQUEST_TIMEOUT)
    if text is None:
        return models.open_call()
    if not DEADLINE.fullmatch(text):
        raise InvalidValueError(REQUEST_TIMEOUT, "milliseconds, an integer above 0", text)
    return models.open_call(int(text))


Calls = Annotated[RequestContext, Depends(get_call)]


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
