"""Requests in the log, over the fast path and over ASGI: the same lines must come of the same requests."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.connections import forwarded
from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.inference.registry import Registry
from service.observability.exchange import EXCHANGE, Exchange
from service.observability.logs.access import AccessLog
from service.observability.logs.formats import make_formatter
from service.server.app import Application, create_app, create_fast_path
from tests.service.wire import connect, play_for_real

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LOGGED = Settings(access_log=True, cache_bytes=0)
VECTORS = b'{"z": [[0, 0], [1, 1]]}'


def build(registry: Registry, settings: Settings = LOGGED) -> tuple[Application, FastPath | None]:
    app = create_app(settings, registry)
    app.api.state.registry = registry
    return app, create_fast_path(settings, app.direct)


def write(head: str, *lines: str, body: bytes = b"") -> bytes:
    length = [f"content-length: {len(body)}"] if body else []
    return "\r\n".join([f"{head} HTTP/1.1", "host: a", *length, *lines, "", ""]).encode() + body


def ask(app: Application, path: FastPath | None, content: bytes, times: int = 1) -> bytes:
    async def scene() -> bytes:
        connection = connect(app, path)
        for i in range(times):
            await connection.send(content)
            await connection.read(i + 1)
        return connection.transport.sent

    answer: bytes = play_for_real(scene)
    return answer


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Gives a function that returns the lines so far, as objects."""
    formatter = make_formatter("json")
    with caplog.at_level("INFO", "service.access"):
        yield lambda: [
            json.loads(formatter.format(record))
            for record in caplog.records
            if record.name == "service.access"
        ]


Lines = Callable[[], list[dict[str, Any]]]
TIMES = {"time", "duration_ms", "queue_ms", "inference_ms", "encode_ms", "request_id"}

REQUESTS = {
    "a picture": write("GET /decode.png?z=0.5,-1&scale=2"),
    "vectors": write("POST /decode", "content-type: application/json", body=VECTORS),
    "in parts": write(
        "POST /decode", "content-type: application/json", "accept: application/zip", body=VECTORS
    ),
    "a stream": write("GET /interpolate.ndjson?from=0,0&to=1,1&steps=70"),
    "a traced one": write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT}"),
    "a HEAD": write("HEAD /decode.png?z=0,0"),
    "one that is refused": write("GET /decode.png?z=secret"),
    "one that is not there": write("GET /nothing?key=secret"),
    "one by another method": write("DELETE /decode.png"),
    "the models": write("GET /models"),
    "a body that is too long": write("POST /decode", "content-length: 99999999"),
    "with an id": write("GET /health/live", "x-request-id: mine"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_both_ways_log_the_same_line(registry: Registry, lines: Lines, name: str) -> None:
    app, path = build(registry)
    content = REQUESTS[name]
    answer = ask(app, path, content)
    ask(app, None, content)
    fast, usual = lines()
    assert {key: value for key, value in fast.items() if key not in TIMES} == {
        key: value for key, value in usual.items() if key not in TIMES
    }
    assert fast.keys() == usual.keys()
    assert "secret" not in json.dumps(fast)
    assert f" {fast['status']} " in str(answer.split(b"\r\n")[0], "ascii") + " "
    assert f"x-request-id: {fast['request_id']}".encode() in answer


def test_a_line_says_what_came_what_went_and_where_the_time_went(registry: Registry, lines: Lines) -> None:
    app, path = build(registry)
    content = write(
        "POST /decode", "content-type: application/json", f"traceparent: {TRACEPARENT}", body=VECTORS
    )
    answer = ask(app, path, content)
    (line,) = lines()
    assert (line["level"], line["logger"]) == ("info", "service.access")
    assert line["message"].endswith('"POST /decode HTTP/1.1" 200')
    assert (line["method"], line["route"], line["status"], line["rows"]) == ("POST", "/decode", 200, 2)
    assert line["bytes_in"] == len(VECTORS)
    assert line["bytes_out"] == len(answer.partition(b"\r\n\r\n")[2]) > 0
    assert line["trace_id"] == TRACEPARENT.split("-")[1]
    assert f"cvae-model: {line['model']}\r\n".encode() in answer
    found = re.search(rb"queue;dur=([0-9.]+), inference;dur=([0-9.]+), encode;dur=([0-9.]+)", answer)
    assert found is not None
    assert [line["queue_ms"], line["inference_ms"], line["encode_ms"]] == [
        float(part) for part in found.groups()
    ]
    assert line["duration_ms"] >= line["queue_ms"] + line["inference_ms"] + line["encode_ms"]


def test_text_says_the_same_in_one_line(registry: Registry, caplog: pytest.LogCaptureFixture) -> None:
    app, path = build(registry)
    with caplog.at_level("INFO", "service.access"):
        ask(app, path, write("GET /decode.png?z=0,0", "x-request-id: mine"))
    (message,) = (record.getMessage() for record in caplog.records if record.name == "service.access")
    assert re.search(
        r'- "GET /decode\.{extension} HTTP/1\.1" 200 duration_ms=\S+ bytes_in=0 bytes_out=\d+ ', message
    )
    assert message.endswith("request_id=mine")


def test_a_line_cannot_be_forged(registry: Registry, lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    app, path = build(registry)
    ask(app, path, write("GET /a%0A2026-01-01%20INFO%20all%20is%20well"))
    assert lines()[0]["path"] == "/a%0A2026-01-01%20INFO%20all%20is%20well"
    assert "\n" not in caplog.records[-1].getMessage()


def test_each_replayed_head_has_its_line(registry: Registry, lines: Lines) -> None:
    app, path = build(registry)
    assert path is not None
    ask(app, path, write("GET /decode.png?z=0,0"), times=3)
    assert len(path.heads._gets) == 1
    assert [line["bytes_out"] for line in lines()] == [lines()[0]["bytes_out"]] * 3
    assert len({line["request_id"] for line in lines()}) == 3


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_connection_that_rests_keeps_no_answer(registry: Registry, share: float) -> None:
    app, path = build(registry, LOGGED.model_copy(update={"access_log_sample": share}))

    async def scene() -> Any:
        connection = connect(app, path)
        await connection.send(write("GET /decode.png?z=0,0"))
        await connection.read()
        return connection.protocol.cycle.scope

    assert EXCHANGE not in play_for_real(scene)


def test_under_a_root_path_and_before_pages_elsewhere_each_has_one_line(
    registry: Registry, lines: Lines
) -> None:
    app, _ = build(registry, LOGGED.model_copy(update={"root_path": "/cvae", "cors_origins": ("http://a",)}))
    ask(app, None, write("HEAD /cvae/decode.png?z=0,0"))
    ask(app, None, write("OPTIONS /decode", "origin: http://a", "access-control-request-method: POST"))
    head, preflight = lines()
    assert (head["method"], head["route"], head["bytes_out"]) == ("HEAD", "/decode.{extension}", 0)
    assert (preflight["method"], preflight["status"], preflight["path"]) == ("OPTIONS", 200, "/cvae/decode")


@pytest.mark.parametrize("target", ["/decode.png?z=0,0", "/interpolate.ndjson?from=0,0&to=1,1&steps=70"])
@pytest.mark.parametrize(("trusted", "client"), [("*", "192.0.2.7:0"), ("10.0.0.0/8", "")])
def test_the_client_is_whom_a_trusted_proxy_names(
    registry: Registry, lines: Lines, target: str, trusted: str, client: str
) -> None:
    app, path = build(registry, LOGGED.model_copy(update={"trusted_proxies": (trusted,)}))
    ask(app, path, write(f"GET {target}", "x-forwarded-for: 192.0.2.7"))
    assert lines()[0]["client"] == client


@pytest.mark.parametrize("rate_limit", ["", "9/s"])
def test_a_proxy_is_asked_once_who_the_client_is(
    registry: Registry, lines: Lines, monkeypatch: pytest.MonkeyPatch, rate_limit: str
) -> None:
    make = forwarded._make_middleware
    made: list[tuple[str, ...]] = []

    def note(trusted: tuple[str, ...]) -> ProxyHeadersMiddleware:
        made.append(trusted)
        return make(trusted)

    monkeypatch.setattr(forwarded, "_make_middleware", note)
    app, path = build(
        registry, LOGGED.model_copy(update={"trusted_proxies": ("*",), "rate_limit": rate_limit})
    )
    ask(app, path, write("GET /decode.png?z=0,0", "x-forwarded-for: 192.0.2.7"))
    assert made == [("*",)]
    assert lines()[0]["client"] == "192.0.2.7:0"


@pytest.mark.parametrize("way", ["fast", "asgi"])
def test_a_client_that_went_is_logged_as_499(registry: Registry, lines: Lines, way: str) -> None:
    app, path = build(registry)

    async def scene() -> None:
        connection = connect(app, path if way == "fast" else None)
        await connection.send(
            write("POST /decode", "content-type: application/json", "content-length: 99")[:-1]
        )
        connection.protocol.data_received(b"\n{")
        connection.protocol.connection_lost(None)
        while not lines():
            await asyncio.sleep(0.001)

    play_for_real(scene)
    (line,) = lines()
    assert (line["status"], line["route"], line["bytes_out"]) == (499, "/decode", 0)


def test_what_fails_has_its_traceback_beside_its_line(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app, path = build(registry)
    monkeypatch.setitem(app.api.state._state, "registry", object())
    for way in (path, None):
        caplog.clear()
        with caplog.at_level("INFO"):
            ask(app, way, write("GET /decode.png?z=0,0", f"traceparent: {TRACEPARENT}", "x-request-id: mine"))
        error, line = (json.loads(make_formatter("json").format(record)) for record in caplog.records)
        assert error["exception"].startswith("Traceback")
        assert line["status"] == 500
        for entry in (error, line):
            assert (entry["request_id"], entry["trace_id"]) == ("mine", TRACEPARENT.split("-")[1])


class Clock:
    """What `AccessLog` is asked, without requests."""

    def __init__(self, **settings: Any) -> None:
        self.log = AccessLog(Settings(**settings))

    def share(self, status: int = 200, seconds: float = 0.01) -> float:
        return sum(self.log.wants(status, seconds) for _ in range(2000)) / 2000


def test_a_share_is_logged_and_all_that_failed() -> None:
    some = Clock(access_log=True, access_log_sample=0.25)
    assert some.share() == pytest.approx(0.25, abs=0.06)
    assert some.share(status=503) == 1
    assert some.share(status=429) < 0.5
    assert Clock(access_log=True).share() == 1
    assert Clock(access_log=True, access_log_sample=0).share() == 0


def test_what_is_slow_is_logged_in_any_case() -> None:
    for access_log in (True, False):
        slow = Clock(access_log=access_log, access_log_sample=0, slow_request_ms=50)
        assert slow.share(seconds=0.05) == 1
        assert slow.share(seconds=0.049) == 0
    assert Clock(slow_request_ms=50).share(status=500) == 0


def test_what_is_slow_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    log = Clock(access_log=True, slow_request_ms=50).log
    scope = {"path": "/", "http_version": "1.1", "headers": [], "client": ("::1", 7), "state": {}}
    with caplog.at_level("WARNING", "service.access"):
        for seconds in (0.01, 0.06):
            log.log(dict(scope), 200, seconds, Exchange("GET"))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith('::1:7 - "GET / HTTP/1.1" 200 duration_ms=60.0 ')
    assert record.getMessage().endswith("slow=True")


@pytest.mark.parametrize(
    ("settings", "on"), [({}, False), ({"access_log": True}, True), ({"slow_request_ms": 5}, True)]
)
def test_nothing_watches_where_nobody_asked(registry: Registry, settings: dict[str, Any], on: bool) -> None:
    app, path = build(registry, Settings(**settings))
    assert path is not None
    assert path.is_reported == on
    assert (app.api.state.reports is not None) == on
    assert (app.dispatcher.metrics is app.api.state.metrics) != on
    assert (app.entrance is app.direct) != on


def test_a_mounted_application_logs_too(registry: Registry, lines: Lines) -> None:
    app, _ = build(registry)
    client = TestClient(app)
    answer = client.get("/decode.png?z=0,0")
    assert lines()[0]["bytes_out"] == len(answer.content)
