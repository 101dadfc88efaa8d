from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Request, Response

from service.core.errors import InvalidValueError, QueueFullError
from service.http.dependencies import depend
from service.http.direct_route import DecoderRoute, DirectRoute, EncoderRoute, read_signature
from tests import pauses


def fail_first(_: Request) -> str:
    raise InvalidValueError("first", "no fault", "one")


def fail_second(_: Request) -> str:
    raise InvalidValueError("second", "no fault", "one")


def read_method(request: Request) -> str:
    return str(request.method)


First = Annotated[str, depend(fail_first)]
Second = Annotated[str, depend(fail_second)]
Method = Annotated[str, depend(read_method)]
Number = Annotated[int, Path()]
Still = Annotated[Literal["png", "webp"], Path()]


async def echo(number: Number, request: Request, method: Method, still: Still) -> Response:
    return Response(f"{number!r} {still} {method} {request.url.path}")


def ask(app: Any, target: str) -> tuple[int, bytes]:
    reply = asyncio.run(pauses.ask(app, "GET", target))
    return reply.status, reply.content


def make(endpoint: Any, path: str = "/{number}.{still}", kind: type[DirectRoute] = DirectRoute) -> Any:
    api, router = FastAPI(), APIRouter(route_class=kind)
    router.get(path)(endpoint)
    api.include_router(router)
    return api


def test_an_endpoint_gets_what_its_signature_names() -> None:
    status, body = ask(make(echo), "/07.png")
    assert (status, body) == (200, b"7 png GET /07.png")


def test_arguments_are_read_in_order_and_those_of_the_path_at_last() -> None:
    async def endpoint(number: Number, second: Second, first: First) -> None: ...

    readers, of_path = read_signature(endpoint)
    assert (list(readers), list(of_path)) == (["second", "first"], ["number"])
    for path in ("/1.png", "/x.png"):
        with pytest.raises(InvalidValueError, match="second"):
            ask(make(endpoint, "/{number}.png"), path)


def test_a_parameter_of_the_path_that_is_none_is_named() -> None:
    status, body = ask(make(echo), "/x.png")
    (fault,) = json.loads(body)["detail"]
    assert status == 422
    assert (fault["loc"], fault["type"], fault["input"]) == (["path", "number"], "int_parsing", "x")


def test_all_parameters_of_the_path_that_are_none_are_named() -> None:
    faults = json.loads(ask(make(echo), "/x.gif")[1])["detail"]
    assert [fault["loc"] for fault in faults] == [["path", "number"], ["path", "still"]]


@pytest.mark.parametrize("kind", [DirectRoute, DecoderRoute, EncoderRoute])
def test_what_is_checked_is_checked_before_anything_is_read(
    kind: type[DirectRoute], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Any] = []

    class Models:
        def check(self, graph: str) -> None:
            checked.append(graph)
            raise QueueFullError(1)

    async def endpoint(first: First) -> None: ...

    monkeypatch.setattr("service.http.direct_route.get_registry", lambda _: Models())
    expected = InvalidValueError if kind is DirectRoute else QueueFullError
    with pytest.raises(expected):
        ask(make(endpoint, "/", kind), "/")
    assert checked == {DirectRoute: [], DecoderRoute: ["decoder"], EncoderRoute: ["encoder"]}[kind]


def test_a_dependency_that_only_fastapi_can_solve_is_refused_at_once() -> None:
    async def endpoint(value: Annotated[str, Depends(read_method)]) -> None: ...

    with pytest.raises(AttributeError, match="direct"):
        read_signature(endpoint)


def test_fastapi_describes_what_it_does_not_solve() -> None:
    operation = make(echo).openapi()["paths"]["/{number}.{still}"]["get"]
    assert [(entry["name"], entry["in"]) for entry in operation["parameters"]] == [
        ("number", "path"),
        ("still", "path"),
    ]
