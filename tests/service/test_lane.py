"""The fast lane against the way round it: the same requests through both, everything observable compared."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.types import Message

from service import lane
from service.app import Application, create_app
from service.registry import Registry
from service.settings import Settings

JSON = (b"content-type", b"application/json")
BODY = b'{"z":[0.5,-1.0]}'


@dataclasses.dataclass(frozen=True)
class Case:
    """A request as a server hands it on: each part of the body is a message."""

    parts: tuple[bytes, ...] = (BODY,)
    headers: tuple[tuple[bytes, bytes], ...] = (JSON,)
    method: str = "POST"
    path: str = "/decode"
    query: bytes = b""


FAST = {
    "a vector": Case(),
    "spaces": Case((b' { "z" : [ 0.5 , -1.0 ] } ',)),
    "integers": Case((b'{"z":[1,-2]}',)),
    "exponents": Case((b'{"z":[1e-3,2E0]}',)),
    "the largest": Case((b'{"z":[10000,-10000.0]}',)),
    "denormal": Case((b'{"z":[5e-324,1e-45]}',)),
    "the last of two": Case((b'{"z":[9,9],"z":[0.5,-1.0]}',)),
    "any type is welcome": Case(headers=(JSON, (b"accept", b"*/*"))),
    "pictures are welcome": Case(headers=(JSON, (b"accept", b"image/*"))),
    "png is welcome": Case(headers=(JSON, (b"accept", b"image/png"))),
    "an id": Case(headers=(JSON, (b"x-request-id", b"mine-1"))),
    "an id that is not believed": Case(headers=(JSON, (b"x-request-id", b"a b"))),
    "other headers": Case(headers=(JSON, (b"user-agent", b"x"), (b"content-encoding", b"identity"))),
    "a page elsewhere": Case(headers=(JSON, (b"origin", b"https://page.example"))),
}
SLOW = {
    "several vectors": Case((b'{"z":[[0.5,-1.0],[1,1]]}',)),
    "one vector in a list": Case((b'{"z":[[0.5,-1.0]]}',)),
    "two parts": Case((b'{"z":[0.5', b",-1.0]}")),
    "parts and an empty end": Case((BODY, b"")),
    "a model": Case((b'{"z":[0.5,-1.0],"model":"fake"}',)),
    "another model": Case((b'{"z":[0.5,-1.0],"model":"none"}',)),
    "another field": Case((b'{"z":[0.5,-1.0],"seed":1}',)),
    "no field": Case((b"{}",)),
    "a list": Case((b"[0.5,-1.0]",)),
    "a number": Case((b"3",)),
    "null": Case((b'{"z":null}',)),
    "nothing": Case((b"",)),
    "no JSON": Case((b'{"z":',)),
    "not a number": Case((b'{"z":[NaN,0]}',)),
    "infinite": Case((b'{"z":[1e999,0]}',)),
    "beyond 64 bits": Case((b'{"z":[123456789012345678901234567890,0]}',)),
    "too far": Case((b'{"z":[10001,0]}',)),
    "a text": Case((b'{"z":["0.5",0]}',)),
    "true": Case((b'{"z":[true,0]}',)),
    "too many": Case((b'{"z":[1,2,3]}',)),
    "too few": Case((b'{"z":[1]}',)),
    "empty": Case((b'{"z":[]}',)),
    "no UTF-8": Case((b'{"z":[0.5,-1.0],"\xff":1}',)),
    "UTF-16": Case(('{"z":[0.5,-1.0]}'.encode("utf-16"),)),
    "too long": Case((b" " * 400_001,)),
    "too long, declared": Case(headers=(JSON, (b"content-length", b"400001"))),
    "no type": Case(headers=()),
    "another type": Case(headers=((b"content-type", b"text/plain"),)),
    "two types": Case(headers=(JSON, JSON)),
    "a type with a parameter": Case(headers=((b"content-type", b"application/json; charset=utf-8"),)),
    "JSON is wanted": Case(headers=(JSON, (b"accept", b"application/json"))),
    "JSON is wanted more": Case(headers=(JSON, (b"accept", b"image/png;q=0.5, application/json"))),
    "nothing there is wanted": Case(headers=(JSON, (b"accept", b"text/html"))),
    "a format": Case(query=b"format=json"),
    "a format that is none": Case(query=b"format=gif"),
    "GET": Case(method="GET"),
    "HEAD": Case(method="HEAD"),
    "OPTIONS": Case(method="OPTIONS"),
    "elsewhere": Case(path="/decode/"),
}


@pytest.fixture(scope="module")
def registry(models_dir: pathlib.Path) -> Iterator[Registry]:
    registry = Registry(Settings(models_dir=models_dir))
    registry.start()
    yield registry
    registry.close()


@pytest.fixture(scope="module")
def app(registry: Registry) -> Application:
    app = create_app(Settings(max_body_bytes=400_000, cors_origins=("https://page.example",)), registry)
    app.api.state.registry = registry
    return app


def ask(app: Application, case: Case) -> list[Message]:
    """Sends one request; all messages it is answered with."""
    sent: list[Message] = []
    waiting = [
        {"type": "http.request", "body": part, "more_body": i + 1 < len(case.parts)}
        for i, part in enumerate(case.parts)
    ]

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": case.method,
        "scheme": "http",
        "path": case.path,
        "raw_path": case.path.encode(),
        "query_string": case.query,
        "root_path": "",
        "headers": list(case.headers),
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    return sent


def without_ids(messages: list[Message]) -> list[Message]:
    """What must be equal: all but the random id, in the header and in a problem's text."""
    (start,), rest = messages[:1], messages[1:]
    headers = [h for h in start["headers"] if h[0] != b"x-request-id" or h[1] == b"mine-1"]
    (request_id,) = (value for name, value in start["headers"] if name == b"x-request-id")
    body = b"".join(message.get("body", b"") for message in rest).replace(request_id, b"")
    return [{**start, "headers": headers}, {"type": "body", "body": body}]


@pytest.fixture
def answered_fast(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry for each picture that the fast lane sends."""
    calls: list[int] = []
    original = lane._send_png

    async def counted(*arguments: Any) -> None:
        calls.append(1)
        await original(*arguments)

    monkeypatch.setattr(lane, "_send_png", counted)
    return calls


def ask_both(app: Application, case: Case, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    fast = ask(app, case)
    with monkeypatch.context() as patch:
        patch.setattr(lane.FastLane, "_is_plain", lambda *_: False)
        slow = ask(app, case)
    assert without_ids(fast) == without_ids(slow)
    return fast


@pytest.mark.parametrize("name", FAST)
def test_what_the_fast_lane_answers_is_what_the_other_would(
    name: str, app: Application, monkeypatch: pytest.MonkeyPatch, answered_fast: list[int]
) -> None:
    start = ask_both(app, FAST[name], monkeypatch)[0]
    assert start["status"] == 200
    assert (b"content-type", b"image/png") in start["headers"]
    assert answered_fast == [1]


@pytest.mark.parametrize("name", SLOW)
def test_what_it_does_not_answer_is_passed_on_whole(
    name: str, app: Application, monkeypatch: pytest.MonkeyPatch, answered_fast: list[int]
) -> None:
    ask_both(app, SLOW[name], monkeypatch)
    assert answered_fast == []


def test_before_the_models_are_loaded_both_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask_both(create_app(Settings()), Case(), monkeypatch)[0]["status"] == 503


def test_a_full_queue_is_429_with_when_to_come_again(
    app: Application, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.get()._decoder, "waiting_rows", 4096)
    start = ask_both(app, Case(), monkeypatch)[0]
    assert start["status"] == 429
    assert int(dict(start["headers"])[b"retry-after"]) >= 1


def test_a_deadline_that_passed_is_504(
    app: Application, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.get(), "_deadline", lambda: 0.0)
    assert ask_both(app, Case(), monkeypatch)[0]["status"] == 504


def test_a_model_that_fails_is_500_and_says_nothing_of_why(
    app: Application, registry: Registry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(registry.get()._decoder, "run", fail)
    start, *rest = ask_both(app, Case(), monkeypatch)
    assert start["status"] == 500
    assert b"luck" not in b"".join(message["body"] for message in rest)
    assert "out of luck" in caplog.text


def test_a_client_that_goes_while_others_run_leaves_the_queue(
    app: Application, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(registry.get()._decoder), "busy", True)
    batcher = registry.get()._decoder
    monkeypatch.setattr(batcher, "_wake", lambda: None)  # the others never end
    messages: list[Message] = [
        {"type": "http.request", "body": BODY, "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        assert message.get("status", 499) == 499

    scope = {"type": "http", "method": "POST", "path": "/decode", "query_string": b"", "headers": [JSON]}
    asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    assert [job.future.cancelled() for job in batcher._queue] == [True]
    batcher._queue.clear()
    batcher.waiting_rows = 0


def test_both_lanes_draw_the_same_bytes_for_any_vector(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    for z in np.random.RandomState(0).normal(0, 2, (20, 2)):
        ask_both(app, Case((b'{"z":[%r,%r]}' % (z[0].item(), z[1].item()),)), monkeypatch)
