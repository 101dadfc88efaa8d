"""Owns what routes ask for: the registry, and JSON bodies that are declared to be JSON."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute

from service.errors import MediaTypeError, NotReadyError, Text
from service.registry import Registry

JSON = "application/json"


def get_registry(request: Request) -> Registry:
    """Gives the loaded models.

    Raises:
        NotReadyError: They are not loaded yet.
    """
    registry = getattr(request.app.state, "registry", None)
    if registry is None:
        raise NotReadyError("the models are not loaded yet")
    return registry  # type: ignore[no-any-return]


Models = Annotated[Registry, Depends(get_registry)]


def media_type(request: Request) -> str:
    """Gives the body's media type, in lower case and without parameters; empty if not declared."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def require(request: Request, accepted: tuple[str, ...]) -> str:
    """Gives the body's media type if it is one of those accepted.

    Raises:
        MediaTypeError: It is another, or none.
    """
    found = media_type(request)
    if found not in accepted:
        raise MediaTypeError("Content-Type", " or ".join(accepted), Text(found or "none"))
    return found


class JsonRoute(APIRoute):
    """A route whose body is JSON; others are refused before they are read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Puts the check before FastAPI's own handler."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            require(request, (JSON,))
            return await handle(request)

        return checked
