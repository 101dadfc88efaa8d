from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.core import errors
from service.core.settings import Settings
from service.http.error_handlers import STATUSES
from service.inference.registry import Registry
from service.server.app import Application, create_app
from tests.pauses import ask

JSON = {"content-type": "application/json"}


def leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    for sub in kind.__subclasses__():
        yield from leaves(sub) if sub.__subclasses__() else [sub]


def test_every_error_a_client_can_meet_has_a_status() -> None:
    met = [*leaves(errors.ClientError), errors.NotReadyError, errors.QueueFullError, errors.DeadlineError]
    assert set(STATUSES) == set(met)


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 422, "body"),
        (b"{", 400, "body"),
        (b'{"z":[1,', 400, "body"),
        (b"\xff\xfe{}", 400, "body"),
        (b"[" * 60_000, 400, "body"),
        (b"[" * 65_537, 413, "body"),
        (b'{"z":[' + b"[" * 1000 + b"]" * 1000 + b"]}", 422, "z"),
        (b'{"z":[1' + b"0" * 5000 + b",1]}", 422, "z[0]"),
        (b"[1]", 422, "body"),
        (b"null", 422, "body"),
        (b"{}", 422, "z"),
        (b'{"z":[NaN,1]}', 422, "z[0]"),
        (b'{"z":[1,-Infinity]}', 422, "z[1]"),
        (b'{"z":[1e999,1]}', 422, "z[0]"),
        (b'{"z":[1e30,1]}', 422, "z"),
        (b'{"z":["1",1]}', 422, "z[0]"),
        (b'{"z":[true,1]}', 422, "z[0]"),
        (b'{"z":[]}', 422, "z"),
        (b'{"z":[[]]}', 422, "z[0]"),
        (b'{"z":[[1,2],[3]]}', 422, "z[1]"),
        (b'{"z":[1,2,3]}', 422, "z"),
        (b'{"z":[1,2],"Model":"fake"}', 422, "Model"),
        (b'{"z":[1,2],"model":7}', 422, "model"),
        (b'{"z":[1,2],"model":"other"}', 404, "model"),
        (b'{"z":[1,2],"model":"\\ud800"}', 404, "model"),
        (json.dumps({"z": [[0, 0]] * 65}).encode(), 422, "z"),
    ],
)
def test_a_bad_body_is_answered_with_its_field(
    client: TestClient, content: bytes, status: int, field: str
) -> None:
    body = check_problem(client.post("/decode", content=content, headers=JSON), status)
    assert [fault["field"] for fault in body["errors"]] == [field]
    assert all(len(fault["received"]) <= 120 for fault in body["errors"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "image/png", ""])
def test_a_body_that_is_not_said_to_be_json_is_refused(client: TestClient, content_type: str) -> None:
    answer = client.post("/decode", content=b'{"z":[0,0]}', headers={"content-type": content_type})
    assert check_problem(answer, 415)["errors"][0]["field"] == "Content-Type"


def test_a_content_type_may_have_parameters(client: TestClient) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert client.post("/decode", content=b'{"z":[0,0]}', headers=headers).status_code == 200


def test_a_large_body_is_refused_by_its_declared_length(client: TestClient) -> None:
    answer = client.post("/decode", content=b" " * 400_001, headers=JSON)
    assert check_problem(answer, 413)["errors"] == [
        {"field": "body", "expected": "at most 400000 bytes", "received": "400001"}
    ]


@pytest.mark.parametrize("path", ["/decode", "/encode", "/v2/models/fake.decoder/infer"])
@pytest.mark.parametrize("content_type", ["application/json", "image/png", "multipart/form-data; boundary=x"])
def test_a_large_body_of_unknown_length_is_refused_as_it_comes(
    client: TestClient, path: str, content_type: str
) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        while True:
            yield b" " * 10_000

    # Not by the test client, which would first read all there is.
    answer = asyncio.run(ask(client.app, "POST", path, endless(), {"content-type": content_type}))
    body = json.loads(answer.content)
    if path == "/decode" and content_type != "application/json":
        assert (answer.status, answer.reads) == (415, 0)
        return
    assert answer.status == 413
    assert answer.reads == 1 + 400_000 // 10_000
    assert (body["error"] if path.startswith("/v2") else body["detail"]).endswith("bytes, received more")


@pytest.mark.parametrize("pieces", [1, 2, 7])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_may_have_as_many_bytes_as_the_limit_says(
    client: TestClient, pieces: int, declared: bool
) -> None:
    def send(size: int) -> int:
        content = b"x" * size
        parts = [content[i * size // pieces : (i + 1) * size // pieces] for i in range(pieces)]
        headers = {"content-type": "image/png"} | ({"content-length": str(size)} if declared else {})
        return asyncio.run(ask(client.app, "POST", "/encode", iter(parts), headers)).status

    assert send(400_000) == 400  # read, and no picture
    assert send(400_001) == 413


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/decode", "application/json"),
        ("/decode", "application/x-npy"),
        ("/interpolate", "application/json"),
        ("/encode", "application/json"),
        ("/encode", "image/png"),
        ("/encode", "multipart/form-data; boundary=x"),
        ("/v2/models/fake.decoder/infer", "application/octet-stream"),
    ],
)
def test_a_client_that_goes_while_it_sends_is_no_failure(
    client: TestClient, caplog: pytest.LogCaptureFixture, path: str, content_type: str
) -> None:
    begun = {"type": "http.request", "body": b"-", "more_body": True}
    messages = iter([begun, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(_: Any) -> None:
        pass

    route = path.replace("fake.decoder", "{model}")

    def count() -> float:
        failed = (
            line for line in client.get("/metrics").text.splitlines() if f'"{route}",status="499"' in line
        )
        return sum(float(line.split()[1]) for line in failed if "_count{" in line)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1"}
    headers = [(b"content-type", content_type.encode()), (b"content-length", b"99")]
    before = count()
    asyncio.run(client.app({**scope, "headers": headers}, receive, send))  # type: ignore[arg-type]
    assert caplog.text == ""
    assert count() == before + 1


def test_an_unknown_path_and_method_are_problems(client: TestClient) -> None:
    assert check_problem(client.get("/nothing"), 404)["detail"] == "there is nothing at /nothing"
    answer = client.get("/encode")
    check_problem(answer, 405)
    assert answer.headers["allow"] == "POST"
    assert client.put("/decode").headers["allow"] == "GET, HEAD, POST"
    assert client.post("/digits/7").headers["allow"] == "GET, HEAD"


def test_the_documentation_needs_no_other_host(client: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        page = client.get(path)
        assert page.status_code == 200
        assert "://" not in page.text
        assert "unsafe" not in page.headers["content-security-policy"]


def test_nothing_is_served_before_the_models_are_loaded(settings: Settings) -> None:
    client = TestClient(create_app(settings))  # no lifespan
    assert client.get("/health/live").status_code == 200
    check_problem(client.get("/health/ready"), 503)
    check_problem(client.post("/decode", json={"z": [0, 0]}), 503)


def test_a_registry_that_is_given_is_used_and_closed(settings: Settings) -> None:
    registry = Registry(settings)
    registry.start()
    with TestClient(create_app(settings, registry)) as client:
        assert client.get("/health/ready").json() == {"status": "ready"}
        app = client.app
        assert isinstance(app, Application)
        assert app.api.state.registry is registry
    assert not registry.ready


def test_a_stopping_service_is_live_and_not_ready(settings: Settings) -> None:
    registry = Registry(settings)
    registry.start()
    with TestClient(create_app(settings, registry)) as client:
        registry.close()
        assert client.get("/health/live").status_code == 200
        check_problem(client.get("/health/ready"), 503)
        check_problem(client.post("/decode", json={"z": [0, 0]}), 503)


def test_cors_is_off_unless_origins_are_named(client: TestClient, settings: Settings) -> None:
    origin = {"Origin": "https://a.example"}
    assert "access-control-allow-origin" not in client.get("/health/live", headers=origin).headers
    named = settings.model_copy(update={"cors_origins": ("https://a.example",)})
    with TestClient(create_app(named)) as open_client:
        headers = open_client.get("/digits/1", headers=origin).headers
        assert headers["access-control-allow-origin"] == "https://a.example"
        exposed = set(headers["access-control-expose-headers"].split(", "))
        picture = {"pixels": [[0.5] * 28] * 28}
        answer = open_client.post("/reconstruct", json=picture, headers=origin)
        named_by_us = {name for name in (*headers, *answer.headers) if name.startswith(("cvae-", "x-"))}
        assert len(named_by_us) == 4
        told = {"server-timing", "etag", "content-location", "retry-after", "inference-header-content-length"}
        assert named_by_us | told <= {name.lower() for name in exposed}
        other = open_client.get("/digits/1", headers={"Origin": "https://b.example"})
        assert "access-control-allow-origin" not in other.headers
        preflight = {
            **origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        assert open_client.options("/decode", headers=preflight).status_code == 200


def test_its_threads_are_as_many_as_its_cores(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.server.app.count_cores", lambda: 3)
    app = create_app(settings)

    async def scene() -> set[str]:
        async with app.api.router.lifespan_context(app.api):
            barrier = threading.Barrier(3)

            def name() -> str:
                barrier.wait(10)  # three at once, or a failure
                return threading.current_thread().name

            return set(await asyncio.gather(*(asyncio.to_thread(name) for _ in range(9))))

    assert len(asyncio.run(scene())) == 3
