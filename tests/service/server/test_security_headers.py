from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from service.core.errors import StartupError
from service.core.settings import Settings, load_settings
from service.inference.registry import Registry
from service.server.app import Application, create_app, create_fast_path
from service.server.security_headers import list_security_headers
from service.server.worker import make_config
from tests.live import serve
from tests.service.wire import connect, play_for_real

USUAL = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "frame-ancestors 'self'",
}
# Each is answered in another place: the fast path, an error, FastAPI, a page, CORS, the connection.
REQUESTS = {
    "a picture": (b"GET /decode.png?z=0,0 HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    "a picture the client has": (
        b"GET /decode.png?z=0,0 HTTP/1.1\r\nhost: x\r\nif-none-match: *\r\n\r\n",
        304,
    ),
    "no body": (b"HEAD /decode.png?z=0,0 HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    "a wrong value": (b"GET /decode.png?z=0 HTTP/1.1\r\nhost: x\r\n\r\n", 422),
    "a wrong path": (b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n", 404),
    "a wrong method": (b"DELETE /decode HTTP/1.1\r\nhost: x\r\n\r\n", 405),
    "the protocol": (b"GET /v2/models/nothing HTTP/1.1\r\nhost: x\r\n\r\n", 404),
    "metrics": (b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    "the playground": (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    "the documentation": (b"GET /docs HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    "a question of a browser": (
        b"OPTIONS /decode HTTP/1.1\r\nhost: x\r\norigin: https://a.example\r\n"
        b"access-control-request-method: POST\r\n\r\n",
        200,
    ),
    "no HTTP": (b"nonsense\r\n\r\n", 400),
    "a head too large": (b"GET / HTTP/1.1\r\nhost: x\r\nx: " + 70_000 * b"x" + b"\r\n\r\n", 431),
}


def write_lines(headers: dict[str, str]) -> set[str]:
    return {f"{name.lower()}: {value}" for name, value in headers.items()}


@pytest.fixture(scope="module")
def app() -> Iterator[Application]:
    registry = Registry(Settings(deadline_ms=60_000))
    registry.start()
    app = create_app(Settings(cors_origins=("https://a.example",)), registry)
    app.api.state.registry = registry
    yield app
    registry.close()


@pytest.mark.parametrize("way", ["fast path", "ASGI"])
@pytest.mark.parametrize("kind", REQUESTS)
def test_every_answer_has_them_once(app: Application, kind: str, way: str) -> None:
    path = create_fast_path(Settings(), app.direct) if way == "fast path" else None
    content, status = REQUESTS[kind]

    async def scene() -> bytes:
        connection = connect(app, path, headers=list_security_headers(Settings()))
        await connection.send(content)
        if status in (400, 431):
            return connection.transport.sent
        return await connection.read()

    head = play_for_real(scene).partition(b"\r\n\r\n")[0].decode("latin-1")
    assert head.startswith(f"HTTP/1.1 {status} ")
    lines = head.split("\r\n")[1:]
    assert write_lines(USUAL) <= set(lines)
    names = [line.partition(":")[0] for line in lines]
    for name in USUAL:
        # A page has a policy of its own beside the one for frames.
        policies = 2 if kind in ("the playground", "the documentation") else 1
        assert names.count(name.lower()) == (policies if name.startswith("Content") else 1), name


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, USUAL),
        ({"FRAME_ANCESTORS": "none"}, {"Content-Security-Policy": "frame-ancestors 'none'"}),
        (
            {"FRAME_ANCESTORS": "self, https://Page.example:443"},
            {"Content-Security-Policy": "frame-ancestors 'self' https://page.example"},
        ),
        ({"RESOURCE_POLICY": "Same-Site"}, {"Cross-Origin-Resource-Policy": "same-site"}),
        ({"TIMING_ORIGINS": "*"}, {"Timing-Allow-Origin": "*"}),
        (
            {"TIMING_ORIGINS": "https://a.example https://b.example"},
            {"Timing-Allow-Origin": "https://a.example, https://b.example"},
        ),
    ],
)
def test_operators_choose(
    variables: dict[str, str], expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"CVAE_{name}", value)
    assert dict(list_security_headers(load_settings())) == {**USUAL, **expected}


def test_who_lets_all_frame_sends_no_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CVAE_FRAME_ANCESTORS", "*")
    assert "Content-Security-Policy" not in dict(list_security_headers(load_settings()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRAME_ANCESTORS", "none, self"),
        ("FRAME_ANCESTORS", "page.example"),
        ("FRAME_ANCESTORS", "https://a.example; script-src *"),
        ("RESOURCE_POLICY", "all"),
        ("TIMING_ORIGINS", "a.example"),
    ],
)
def test_a_value_that_browsers_would_not_understand_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"CVAE_{name}", value)
    with pytest.raises(StartupError, match=f"^CVAE_{name}: .*{re.escape(repr(value))}$"):
        load_settings()


def test_the_server_is_told() -> None:
    settings = Settings(timing_origins=("*",))
    assert make_config(settings, None).headers == list_security_headers(settings)


@pytest.mark.slow
@pytest.mark.parametrize("fast_path", ["auto", "off"])
def test_a_service_sends_them(tmp_path_factory: pytest.TempPathFactory, fast_path: str) -> None:
    log = tmp_path_factory.mktemp("service") / "log"
    with serve(log, CVAE_FAST_PATH=fast_path) as address:
        for path in ("/decode.png?z=0,0", "/nothing", "/docs", "/v2/models/nothing"):
            headers = httpx.get(f"http://{address}{path}").headers
            for name, value in USUAL.items():
                assert value in headers.get_list(name), path
