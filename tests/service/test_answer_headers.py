"""What caches are told of every answer, whichever part of the service gives it."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from service.caching import BRIEF, LOOSE, NEVER
from tests.service.routes.test_openapi import examples, fill, operations

GETS = [(path, entry) for method, path, entry in operations() if method.upper() == "GET"]
NOW = (
    "/health/live",
    "/health/ready",
    "/metrics",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{model}/ready",
)


@pytest.mark.parametrize(("path", "entry"), GETS, ids=[path for path, _ in GETS])
def test_every_get_says_for_how_long_it_is_good(
    client: TestClient, path: str, entry: dict[str, object]
) -> None:
    answer = client.get(fill(path, entry, "image/png"), params=examples(entry, "query"))
    assert answer.status_code == 200
    kept = LOOSE if "if-none-match" in str(entry).lower() else BRIEF
    assert answer.headers["cache-control"] == (NEVER if path in NOW else kept)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/static-offline-docs/swagger-ui.css",
        "/v2/",
        "/models/fake/card",
    ],
)
def test_what_describes_the_service_is_good_for_a_moment(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code in (200, 307)
    assert (
        answer.headers["cache-control"] == client.head(path, follow_redirects=False).headers["cache-control"]
    )
    assert answer.headers["cache-control"] == BRIEF


def test_the_state_of_a_version_is_of_this_moment_too(client: TestClient) -> None:
    version = client.get("/models/fake").json()["version"]
    answer = client.get(f"/v2/models/fake.decoder/versions/{version}/ready")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, NEVER)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static-offline-docs/nothing", 404),
        ("GET", "/models/nothing", 404),
        ("GET", "/decode.png?z=0,0&model=fake@000000000000", 404),
        ("GET", "/decode.png?z=0", 422),
        ("GET", "/decode", 405),
        ("GET", "/digits/3?seed=1", 406),
        ("POST", "/decode", 415),
        ("DELETE", "/health/live", 405),
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/models/nothing", 404),
        ("GET", "/v2/models/fake.decoder/versions/0", 404),
        ("POST", "/v2/models/fake.decoder/infer", 400),
    ],
)
def test_no_error_is_kept(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["cache-control"]) == (status, NEVER)


def test_a_service_that_is_not_ready_says_so_to_no_cache(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.registry.Registry.ready", False)
    for path in NOW:
        answer = client.get(path.format(model="fake.decoder"))
        assert answer.headers["cache-control"] == NEVER
        assert answer.status_code == (503 if path.endswith("ready") else 200)
