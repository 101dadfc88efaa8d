from __future__ import annotations

import logging

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.inference.registry import Registry
from service.observability import families
from service.observability.families import name_key
from service.server.app import Application, create_app
from service.server.cross_origin import EXPOSED, CrossOrigin

PAGE, METHOD = "https://page.example", "access-control-request-method"


def build(registry: Registry, *, access_log: bool) -> Application:
    app = create_app(Settings(cors_origins=(PAGE,), access_log=access_log), registry)
    app.api.state.registry = registry
    return app


def count(app: Application, route: str, status: int) -> float:
    values = app.api.state.metrics.collect().get(
        name_key(families.DURATION, (route, str(status))), [0.0, 0.0]
    )
    return float(sum(values[:-1]))


@pytest.mark.parametrize("access_log", [False, True])
def test_preflights_are_counted_and_logged_once(
    registry: Registry, caplog: pytest.LogCaptureFixture, access_log: bool
) -> None:
    app = build(registry, access_log=access_log)
    client = TestClient(app)
    with caplog.at_level(logging.INFO, "service.access"):
        for origin, method, status in (
            (PAGE, "POST", 200),
            ("https://b.example", "POST", 400),
            (PAGE, "PUT", 400),
        ):
            assert client.options("/decode", headers={"origin": origin, METHOD: method}).status_code == status
    assert [count(app, "none", 200), count(app, "none", 400)] == [1, 2]
    assert len(caplog.records) == (3 if access_log else 0)


ORIGIN = ("Origin", "one of CVAE_CORS_ORIGINS", "'https://b.example'")
PUT = ("Access-Control-Request-Method", "GET, HEAD or POST", "'PUT'")
PRIVATE = ("Access-Control-Request-Private-Network", "nothing", "'true'")


@pytest.mark.parametrize(
    ("headers", "faults"),
    [
        ({"origin": "https://b.example", METHOD: "GET"}, [ORIGIN]),
        ({"origin": PAGE, METHOD: "PUT"}, [PUT]),
        ({"origin": PAGE, METHOD: "GET", PRIVATE[0]: "true"}, [PRIVATE]),
        ({"origin": "https://b.example", METHOD: "PUT", PRIVATE[0]: "true"}, [ORIGIN, PUT, PRIVATE]),
    ],
)
def test_a_refused_preflight_says_why(
    registry: Registry, headers: dict[str, str], faults: list[tuple[str, str, str]]
) -> None:
    client = TestClient(build(registry, access_log=False))
    answer = client.options("/decode", headers={**headers, "x-request-id": "abc"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    body = answer.json()
    assert [(fault["field"], fault["expected"], fault["received"]) for fault in body["errors"]] == faults
    field, expected, received = faults[0]
    assert body["detail"] == f"{field}: expected {expected}, received {received}"
    assert (body["title"], body["request_id"]) == ("Bad Request", "abc")
    assert answer.headers["x-request-id"] == "abc"
    allowed = PAGE if headers["origin"] == PAGE else None
    assert answer.headers.get("access-control-allow-origin") == allowed
    assert len(answer.content) == int(answer.headers["content-length"])


def test_a_refused_preflight_below_v2_speaks_its_protocol(registry: Registry) -> None:
    client = TestClient(build(registry, access_log=False))
    answer = client.options("/v2/models/mnist-2d/infer", headers={"origin": PAGE, METHOD: "PUT"})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "Access-Control-Request-Method: expected GET, HEAD or POST, received 'PUT'"
    }


@pytest.mark.parametrize(
    ("method", "headers", "route", "status"),
    [
        ("GET", {"origin": PAGE}, "/models", 200),
        ("GET", {"origin": PAGE, METHOD: "GET"}, "/models", 200),
        ("OPTIONS", {"origin": PAGE}, "/models", 405),
        ("OPTIONS", {METHOD: "GET"}, "/models", 405),
    ],
)
def test_what_is_no_preflight_is_counted_once_too(
    registry: Registry, method: str, headers: dict[str, str], route: str, status: int
) -> None:
    app = build(registry, access_log=False)
    assert TestClient(app).request(method, "/models", headers=headers).status_code == status
    assert count(app, route, status) == 1
    numbers = app.api.state.metrics.collect()
    assert sum(sum(values[:-1]) for key, values in numbers.items() if families.DURATION.name in key) == 1


NAMED = (b"access-control-allow-origin", PAGE.encode())
ANYONE = (b"access-control-allow-origin", b"*")
VARY = (b"vary", b"Origin")


@pytest.mark.parametrize(
    ("origins", "origin", "added"),
    [
        ((PAGE,), None, [VARY]),
        ((PAGE,), PAGE, [EXPOSED, NAMED, VARY]),
        ((PAGE,), "https://b.example", [EXPOSED, VARY]),
        ((PAGE,), f"{PAGE}, {PAGE}", [EXPOSED, VARY]),
        ((PAGE,), "*", [EXPOSED, VARY]),
        (("*",), None, [VARY]),
        (("*",), "https://b.example", [ANYONE, EXPOSED, VARY]),
        ((PAGE, "*"), PAGE, [ANYONE, EXPOSED, VARY]),
    ],
)
def test_an_answer_says_which_pages_may_read_it(
    origins: tuple[str, ...], origin: str | None, added: list[tuple[bytes, bytes]]
) -> None:
    headers = [] if origin is None else [(b"origin", origin.encode())]
    fields = [(b"etag", b'"1"')]
    CrossOrigin(origins).complete({"headers": headers}, fields)
    assert fields == [(b"etag", b'"1"'), *added]


def test_an_answer_that_varies_varies_by_origin_too() -> None:
    fields = [(b"vary", b"Accept"), (b"etag", b'"1"'), (b"vary", b"Range"), (b"age", b"1")]
    CrossOrigin((PAGE,)).complete({"headers": []}, fields)
    assert fields == [(b"vary", b"Accept, Range, Origin"), (b"etag", b'"1"'), (b"age", b"1")]
