"""The table of direct routes against FastAPI's own router, and what all answers have in common."""

from __future__ import annotations

import asyncio
import collections
import gc
import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from service.core.errors import InferenceError, TooLargeError
from service.core.settings import Settings
from service.http.bodies.limits import HeldBodies
from service.http.caching import BRIEF
from service.http.direct_route import DirectRoute
from service.http.dispatch import KEPT_CHARACTERS, DirectApplication, Dispatcher
from service.http.header_fields import VARY, negotiate
from service.observability.metrics import Metrics
from service.server.app import Application, create_app
from tests.service.http.asking import exchange

METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")
VALUES = {"digit": "7", "extension": "png", "model": "a.b", "version": "1", "name": "a@1.2"}
# What tells of the service and its models is FastAPI's to answer, but for atlases and inference.
TELLING = re.compile(r"/(metrics|models|v2)(?!.*/(latents|infer)$)")
ODD = (
    *("/", "//", "/nothing", "/digits", "/digits/", "/digits/7/png", "/digits/7.5.png", "/digits/.png"),
    *("/digits/7.", "/decode.", "/decode.png/", "/decode.png.png", "/Decode", "/health", "/v2/", "/docs"),
    *("/openapi.json", "/v2/models/a/b/c/d", "/models/a/b", "/digits/\n", "/digits/7\n", "/" + "x" * 9999),
)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Application:
    """The service, whose routes answer with their own path and what they found in the request's."""

    async def tell(route: DirectRoute, request: Request) -> Response:
        return Response(f"{route.path} {request.method} {request.path_params}")

    monkeypatch.setattr(DirectRoute, "answer", tell)
    return create_app(Settings(playground="off"))


def list_paths(app: Application) -> Iterator[str]:
    """Every path of the document, in several spellings, and some that lead nowhere."""
    yield from ODD
    for template in app.api.openapi()["paths"].keys() - {"/metrics"}:
        path = re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], template)
        yield from (path, path + "/", path + ".png", path + "/more", path[:-1], path + "x" * KEPT_CHARACTERS)


async def tell(app: Any, path: str, method: str) -> tuple[int, set[Any], bytes]:
    start, *rest = await exchange(app, path, method, headers=[(b"x-request-id", b"mine")])
    return start["status"], set(start["headers"]), b"".join(message["body"] for message in rest)


def test_a_path_leads_where_fastapi_would_lead_it(app: Application) -> None:
    found: collections.Counter[int] = collections.Counter()

    async def scene() -> None:
        for path, method in itertools.product(sorted(set(list_paths(app))), METHODS):
            expected = await tell(app.direct._rest, path, method)
            for _ in range(2):  # found, and kept
                assert await tell(app.direct, path, method) == expected, (method, path)
            found[expected[0]] += 1

    asyncio.run(scene())
    assert found.keys() == {200, 307, 404, 405, 503}
    assert found[200] > 2 * len(app.api.openapi()["paths"])


def test_every_path_of_the_document_leads_straight_to_its_route(app: Application) -> None:
    for template, operations in app.api.openapi()["paths"].items():
        for method in operations:
            path = re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], template)
            scope: dict[str, Any] = {"method": method.upper(), "path": path, "root_path": "", "headers": []}
            route = app.dispatcher.enter(scope)
            assert (route is None) == bool(TELLING.match(template))
            assert route is None or (isinstance(route, DirectRoute) and route.path_format == template)


def test_a_path_below_a_root_is_the_same_path(app: Application) -> None:
    scope: dict[str, Any] = {
        "method": "GET",
        "path": "/cvae/health/live",
        "root_path": "/cvae",
        "headers": [],
    }
    route = app.dispatcher.enter(scope)
    assert isinstance(route, DirectRoute)
    assert route.path == "/health/live"


def test_what_one_request_does_to_its_parameters_is_not_the_nexts(app: Application) -> None:
    for _ in range(2):
        scope: dict[str, Any] = {"method": "GET", "path": "/digits/7", "root_path": "", "headers": []}
        app.dispatcher.enter(scope)
        assert scope["path_params"] == {"digit": "7"}
        scope["path_params"].clear()


class House:
    """A small application of direct routes, its bodies and what goes elsewhere."""

    def __init__(self, **endpoints: Any) -> None:
        api, router = FastAPI(), APIRouter(route_class=DirectRoute)
        for name, endpoint in endpoints.items():
            router.add_api_route(f"/{name}", endpoint, methods=["GET", "POST"])
        self.elsewhere: list[str] = []
        self.bodies = HeldBodies(max_body_bytes=20, max_held_bytes=30)
        self.metrics = Metrics()
        dispatcher = Dispatcher(api, [router], self.metrics)
        self.app = DirectApplication(dispatcher, self.bodies, self._rest)

    async def _rest(self, scope: Any, _receive: Any, _send: Any) -> None:
        self.elsewhere.append(scope["method"])
        if scope["type"] == "http":
            await Response()(scope, _receive, _send)

    def ask(self, target: str, method: str = "GET", **more: Any) -> tuple[int, list[Any], bytes]:
        start, *rest = asyncio.run(exchange(self.app, target, method, **more))
        return start["status"], start["headers"], b"".join(message.get("body", b"") for message in rest)

    def counts(self) -> list[tuple[str, str, float]]:
        text = self.metrics.render()[0].decode()
        found = re.findall(r'_count\{route="(.*)",status="(.*)"\} (.*)', text)
        return [(route, status, float(number)) for route, status, number in found]


def values(headers: list[Any], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


async def hello() -> Response:
    return Response("hello", headers={"ETag": '"a"'})


async def fail() -> Response:
    raise ZeroDivisionError("a fault of ours")


async def read(request: Request) -> Response:
    return Response(await request.body())


def test_head_is_answered_as_get_without_a_body() -> None:
    house = House(hello=hello)
    ids = [(b"x-request-id", b"mine")]
    whole, head = (house.ask("/hello", method, headers=ids) for method in ("GET", "HEAD"))
    assert head == (*whole[:2], b"")
    assert whole[2] == b"hello"
    assert house.counts() == [("/hello", "200", 2)]


def test_what_is_not_ours_goes_elsewhere_as_it_came() -> None:
    house = House(hello=hello)
    for target, method in (("/other", "HEAD"), ("/hello", "PUT"), ("/hello/", "GET")):
        house.ask(target, method)
    assert house.elsewhere == ["HEAD", "PUT", "GET"]
    assert house.counts() == []


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [("GET", None, [BRIEF.encode()]), ("GET", "no-store", [b"no-store"]), ("POST", None, [])],
)
def test_a_get_that_says_nothing_of_caches_is_brief(
    method: str, given: str | None, expected: list[bytes]
) -> None:
    async def endpoint() -> Response:
        return Response(headers={"Cache-Control": given} if given else {})

    assert values(House(it=endpoint).ask("/it", method)[1], b"cache-control") == expected


def test_an_answer_that_was_chosen_by_a_header_says_so_unless_it_failed() -> None:
    async def endpoint(request: Request) -> Response:
        negotiate(request, None, ("image/png",))
        assert request.scope[VARY] == "Accept"
        return Response(status_code=404 if request.url.query else 200)

    house = House(it=endpoint)
    assert values(house.ask("/it")[1], b"vary") == [b"Accept"]
    assert values(house.ask("/it?bad")[1], b"vary") == []
    assert house.ask("/it", headers=[(b"accept", b"text/html")])[0] == 406


def test_an_exception_nobody_expected_is_500_and_logged_with_its_id(caplog: pytest.LogCaptureFixture) -> None:
    house = House(fail=fail)
    status, headers, body = house.ask("/fail", headers=[(b"x-request-id", b"mine")])
    assert (status, values(headers, b"x-request-id")) == (500, [b"mine"])
    assert b"fault of ours" not in body
    assert "request mine failed: GET /fail" in caplog.text
    assert "ZeroDivisionError: a fault of ours" in caplog.text
    assert house.counts() == [("/fail", "500", 1)]


def test_an_error_without_a_status_of_its_own_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    async def endpoint() -> Response:
        raise InferenceError("rows are missing")

    status, _, body = House(it=endpoint).ask("/it")
    assert status == 500
    assert b"rows" not in body
    assert "rows are missing" in caplog.text


def test_a_client_that_has_gone_is_counted_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    house = House(read=read)
    house.ask("/read", "POST", messages=[{"type": "http.disconnect"}])
    assert house.counts() == [("/read", "499", 1)]
    assert not caplog.text


def test_a_body_that_is_declared_too_long_is_refused_before_it_is_read() -> None:
    house = House(read=read)
    status, _, body = house.ask("/read", "POST", headers=[(b"content-length", b"21")], messages=())
    assert status == 413
    assert b"at most 20 bytes" in body


def test_a_body_is_counted_while_it_is_held_and_no_longer() -> None:
    held: list[int] = []

    async def endpoint(request: Request) -> Response:
        held.extend([house.bodies.held_bytes async for _ in request.stream()])
        return Response()

    def pieces(*sizes: int) -> list[dict[str, Any]]:
        ends = [*([True] * (len(sizes) - 1)), False]
        return [
            {"type": "http.request", "body": b"x" * size, "more_body": more}
            for size, more in zip(sizes, ends, strict=True)
        ]

    house = House(it=endpoint)
    assert house.ask("/it", "POST", messages=pieces(5, 7))[0] == 200
    assert held == [5, 12, 12]
    assert house.ask("/it", "POST", messages=pieces(15, 15))[0] == 413
    house.bodies.held_bytes += 20
    assert house.ask("/it", "POST", messages=pieces(5, 7))[0] == 503
    assert house.bodies.held_bytes == 20


@pytest.mark.parametrize("endpoint", [fail, hello])
def test_the_room_of_a_body_is_given_back_however_it_ends(endpoint: Any) -> None:
    async def reading(request: Request) -> Response:
        await request.body()
        response: Response = await endpoint()
        return response

    house = House(it=reading)
    house.ask("/it", "POST", messages=[{"type": "http.request", "body": b"x" * 9}])
    assert house.bodies.held_bytes == 0


def test_an_answer_that_breaks_off_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def parts() -> Any:
        yield b"first"
        raise ZeroDivisionError("a fault of ours")

    async def endpoint() -> Response:
        return StreamingResponse(parts())

    house = House(it=endpoint)
    messages = asyncio.run(exchange(house.app, "/it", headers=[(b"x-request-id", b"mine")]))
    gc.collect()
    assert [message.get("body") for message in messages] == [None, b"first"]
    assert "request mine failed: GET /it" in caplog.text
    assert house.counts() == [("/it", "200", 1)]


def test_what_is_no_request_goes_elsewhere() -> None:
    house = House(hello=hello)

    async def scene() -> None:
        await house.app({"type": "lifespan", "method": "-"}, None, None)  # type: ignore[arg-type]

    asyncio.run(scene())
    assert house.elsewhere == ["-"]


def test_the_time_of_an_answer_counts_from_its_head() -> None:
    house, scope = House(hello=hello), {"method": "GET", "path": "/hello", "headers": [], "cvae_begun": 5.0}
    house.app.dispatcher.enter(scope)
    assert scope["cvae_begun"] == 5.0


def test_a_limit_says_what_it_expected() -> None:
    budget = HeldBodies(20, 30).open({"headers": []}, None).budget  # type: ignore[arg-type]
    with pytest.raises(TooLargeError, match="body: expected at most 20 bytes"):
        budget.take(21)
