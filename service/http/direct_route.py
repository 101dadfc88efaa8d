"""Routes that call their endpoint directly: FastAPI only describes them in OpenAPI.

An endpoint's signature says what it needs, as FastAPI reads it for OpenAPI: the request, parameters of the
path, and dependencies made by `depend`, which are functions of the request alone. FastAPI's own solving of
them took two fifths of a request's processor time.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from service.core.choices import Graph
from service.http.dependencies import get_registry

T = TypeVar("T")
Reader = Callable[[Request], Any]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
DIRECT = "direct"
# The key under which a scope holds the endpoint's arguments of its path.
ARGUMENTS = "cvae_arguments"


class Signature(NamedTuple):
    """How the arguments of an endpoint are read.

    Attributes:
        readers: Functions of the request, by argument.
        of_path: Types of the parameters of the path, by argument.
    """

    readers: dict[str, Reader]
    of_path: dict[str, TypeAdapter[Any]]


def read_signature(endpoint: Callable[..., Any]) -> Signature:
    """Return how each argument of an endpoint is read."""
    hints = get_type_hints(endpoint, include_extras=True)
    readers: dict[str, Reader] = {}
    of_path: dict[str, TypeAdapter[Any]] = {}
    for name in inspect.signature(endpoint).parameters:
        annotation = hints[name]
        dependency = _find_dependency(annotation)
        if annotation is Request:
            readers[name] = _read_request
        elif dependency is not None:
            readers[name] = dependency
        else:
            of_path[name] = TypeAdapter(annotation)
    return Signature(readers, of_path)


class DirectRoute(APIRoute):
    """A route that reads from the request what its endpoint's signature names, and calls the endpoint."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        readers, self._of_path = read_signature(endpoint)
        self.readers = tuple(readers.items())
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        """Return the function that FastAPI calls with a request."""

        async def answer(request: Request) -> Response:
            return await self.answer(request)

        return answer

    def check(self, request: Request) -> None:
        """Refuse a request that could not be answered now, before any of it is read."""

    def answer(self, request: Request) -> Awaitable[Response]:
        """Call the endpoint, and return its response to be awaited.

        Raises:
            RequestValidationError: A parameter is not what it must be; further errors are the endpoint's.
        """
        self.check(request)
        arguments = {name: read(request) for name, read in self.readers}
        if self._of_path:
            # Those of a path that comes again are there already, unless they are invalid.
            arguments |= request.scope.get(ARGUMENTS) or self._read_path(request.scope["path_params"])
        response: Awaitable[Response] = self.endpoint(**arguments)
        return response

    def convert(self, parameters: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the endpoint's arguments of a path's parameters, or None if one is not what it must be."""
        try:
            return self._read_path(parameters)
        except RequestValidationError:
            return None

    def _read_path(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        try:
            return {name: kind.validate_python(parameters[name]) for name, kind in self._of_path.items()}
        except ValidationError as error:
            raise RequestValidationError(list(_find_faults(self._of_path, parameters))) from error


class DecoderRoute(DirectRoute):
    """A route that runs a decoder. While no decoder has room, it refuses requests unread."""

    graph: ClassVar[Graph] = "decoder"

    def check(self, request: Request) -> None:
        """Refuse a request that no model has room for now."""
        get_registry(request).check(self.graph)


class EncoderRoute(DecoderRoute):
    """A route that runs an encoder. While no encoder has room, it refuses requests unread."""

    graph = "encoder"


def _read_request(request: Request) -> Request:
    return request


def _find_dependency(annotation: Any) -> Reader | None:
    for entry in get_args(annotation)[1:] if get_origin(annotation) is Annotated else ():
        if isinstance(entry, type(Depends())):
            reader: Reader = getattr(entry.dependency, DIRECT)
            return reader
    return None


def _find_faults(adapters: Mapping[str, TypeAdapter[Any]], texts: Mapping[str, Any]) -> Iterator[Any]:
    for name, adapter in adapters.items():
        try:
            adapter.validate_python(texts[name])
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                yield {**fault, "loc": ("path", name, *fault["loc"])}
