"""Where the guard stands: once in the way of each request, by the fast path and through ASGI alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.inference.registry import Registry
from service.observability.metrics import NO_ROUTE, Metrics
from service.security.guard import Fields, Guard, Refusal, Visit
from service.server.app import Application, create_app, create_fast_path
from tests.service.wire import connect, play, without_ids

PROXY = "10.0.0.7"
LET_IN = b"x-let-in: yes\r\n"
REFUSAL = Refusal(403, "not you", "stranger", {"X-Why": "because"})
TARGETS = ("/digits/8?seed=3", "/health/live", "/docs", "/metrics", "/models", "/nothing", "/v2/models/fake")


class Door:
    """Lets in who says that he may come in, and notes who asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, visit: Visit) -> Refusal | None:
        self.asked.append((visit.path, visit.client))
        visit.edit_answer(self.mark)
        return None if b"x-let-in" in visit.fields else REFUSAL

    def mark(self, fields: Fields) -> None:
        fields.append((b"x-asked", b"%d" % len(self.asked)))


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def app(registry: Registry, door: Door, monkeypatch: pytest.MonkeyPatch) -> Application:
    monkeypatch.setattr("service.server.app.create_guard", lambda *_: Guard([door]))
    app = create_app(Settings(playground="off", trusted_proxies=(PROXY,)), registry)
    app.api.state.registry = registry
    return app


@pytest.fixture
def fast(app: Application) -> FastPath:
    path = create_fast_path(Settings(trusted_proxies=(PROXY,)), app.direct)
    assert path is not None
    return path


def ask(app: Application, fast: FastPath | None, *requests: bytes, client: str = "192.0.2.1") -> list[bytes]:
    """Send requests over one connection, each after the last answer; what came back for each."""

    async def scene() -> list[bytes]:
        connection = connect(app, fast)
        connection.protocol.client = (client, 7)
        answers: list[bytes] = []
        for request in requests:
            before = len(connection.transport.sent)
            await connection.send(request)
            answers.append((await connection.read(len(answers) + 1))[before:])
        return answers

    answers: list[bytes] = play(scene)
    return answers


def get(target: str, fields: bytes = b"", method: str = "GET") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nhost: service\r\n".encode() + fields + b"\r\n"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_all_are_asked_about_once_and_answered_alike(
    app: Application, fast: FastPath, door: Door, target: str, method: str
) -> None:
    request = get(target, method=method)
    (one,), (other,) = ask(app, fast, request), ask(app, None, request)
    assert without_ids(one).replace(b"asked: 1", b"asked: 2") == without_ids(other)
    assert door.asked == [(target.partition("?")[0], "192.0.2.1")] * 2
    head, _, body = one.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert b"x-why: because" in head
    assert b"cache-control: no-store" in head
    assert b"x-request-id: " in head
    if method != "HEAD":
        told = json.loads(body)
        assert told.get("detail", told.get("error")) == "not you"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("way", ["fast", "asgi"])
def test_who_is_let_in_is_asked_about_once_and_gets_what_the_checks_add(
    app: Application, fast: FastPath, door: Door, target: str, method: str, way: str
) -> None:
    (answer,) = ask(app, fast if way == "fast" else None, get(target, LET_IN, method))
    assert not answer.startswith(b"HTTP/1.1 403 ")
    assert answer.count(b"x-asked: 1\r\n") == 1
    assert len(door.asked) == 1


def test_a_head_that_is_known_opens_nothing_for_the_next(app: Application, fast: FastPath) -> None:
    let_in, refused = get("/digits/8?seed=3", LET_IN), get("/digits/8?seed=3")
    answers = ask(app, fast, let_in, let_in, refused, refused, let_in, refused)
    assert [answer.split()[1] for answer in answers] == [b"200", b"200", b"403", b"403", b"200", b"403"]
    assert len(fast.heads._gets) == 1  # nobody fills it with what was refused


BODY = b'{"z":[0.5,-1.0]}'


@pytest.mark.parametrize("way", ["fast", "asgi"])
@pytest.mark.parametrize("length", [len(BODY), 300_000, 10**9])
def test_who_is_refused_is_told_so_before_his_body_has_come(
    app: Application, fast: FastPath, way: str, length: int
) -> None:
    head = get("/decode", b"content-type: application/json\r\ncontent-length: %d\r\n" % length, "POST")
    (answer,) = ask(app, fast if way == "fast" else None, head)
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("way", ["fast", "asgi"])
def test_requests_behind_a_body_that_was_not_read_are_answered(
    app: Application, fast: FastPath, way: str
) -> None:
    fields = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(BODY)
    post = get("/decode", fields, "POST") + BODY
    answers = ask(app, fast if way == "fast" else None, post, get("/digits/8", LET_IN), post)
    assert [answer.split()[1] for answer in answers] == [b"403", b"200", b"403"]


@pytest.mark.parametrize("way", ["fast", "asgi"])
def test_requests_in_one_piece_are_answered_each_for_itself(
    app: Application, fast: FastPath, way: str
) -> None:
    fields = b"content-type: application/json\r\ncontent-length: %d\r\n" % len(BODY)
    post = get("/decode", fields, "POST") + BODY

    async def scene() -> bytes:
        connection = connect(app, fast if way == "fast" else None)
        await connection.send(post + get("/digits/8", LET_IN) + post + get("/digits/8") + get("/docs"))
        return await connection.read(5)

    answer: bytes = play(scene)
    assert [line[:3] for line in answer.split(b"HTTP/1.1 ")[1:]] == [b"403", b"200", b"403", b"403", b"403"]


@pytest.mark.parametrize("way", ["fast", "asgi"])
@pytest.mark.parametrize(
    ("sender", "named", "client"),
    [
        (PROXY, b"203.0.113.9", "203.0.113.9"),
        (PROXY, b"", PROXY),
        ("192.0.2.1", b"203.0.113.9", "192.0.2.1"),
    ],
)
def test_the_client_is_the_one_that_a_trusted_proxy_names(
    app: Application, fast: FastPath, door: Door, way: str, sender: str, named: bytes, client: str
) -> None:
    fields = b"x-forwarded-for: %b\r\n" % named if named else b""
    target = get("/digits/8?seed=3", fields)
    if way == "fast":
        ask(app, fast, target, client=sender)
    else:
        wrapped: Any = ProxyHeadersMiddleware(app, [PROXY])  # type: ignore[arg-type]
        ask(wrapped, None, target, client=sender)
    assert door.asked == [("/digits/8", client)]


@pytest.mark.parametrize("way", ["fast", "asgi"])
@pytest.mark.parametrize(("target", "route"), [("/digits/8", "/digits/{digit}"), ("/docs", NO_ROUTE)])
def test_refusals_are_counted(app: Application, fast: FastPath, way: str, target: str, route: str) -> None:
    metrics: Metrics = app.api.state.metrics
    ask(app, fast if way == "fast" else None, get(target))
    text = metrics.render()[0].decode()
    assert 'cvae_refusals_total{reason="stranger"} 1.0' in text
    assert f'cvae_request_duration_seconds_count{{route="{route}",status="403"}} 1.0' in text


def test_a_service_without_settings_for_it_has_no_guard(registry: Registry) -> None:
    app = create_app(Settings(), registry)
    assert app.guard is None
    fast = create_fast_path(Settings(), app.direct)
    assert fast is not None
    assert fast.enter == app.dispatcher.enter
