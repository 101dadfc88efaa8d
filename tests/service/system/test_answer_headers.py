"""What every answer has, whichever part of the service gives it, and what changes under a proxy's path."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.http.caching import BRIEF, LOOSE, NEVER
from service.server.app import create_app
from tests.service.http.openapi.test_document import examples, fill, operations

GETS = [(path, entry) for method, path, entry in operations() if method.upper() == "GET"]
NOW = (
    "/health/live",
    "/health/ready",
    "/metrics",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{model}/ready",
    "/v2/models/stats",
    "/v2/models/{model}/stats",
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
        ("PUT", "/decode", 405),
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
    monkeypatch.setattr("service.inference.registry.Registry.ready", False)
    for path in NOW:
        answer = client.get(path.format(model="fake.decoder"))
        assert answer.headers["cache-control"] == NEVER
        assert answer.status_code == (503 if path.endswith("ready") else 200)


@pytest.fixture(scope="module")
def below(models_dir: pathlib.Path) -> Iterator[TestClient]:
    """A service that a proxy serves under /cvae."""
    settings = Settings(models_dir=models_dir, root_path="/cvae", cors_origins=("https://page.example",))
    with TestClient(create_app(settings), follow_redirects=False) as running:
        yield running


@pytest.fixture(params=["", "/cvae"], ids=["stripped", "whole"])
def prefix(request: pytest.FixtureRequest) -> str:
    """What is left of the prefix where the request arrives."""
    return str(request.param)


def test_what_leads_elsewhere_leads_through_the_proxy(below: TestClient, prefix: str) -> None:
    assert 'href="/cvae/docs"' in below.get(f"{prefix}/").text
    page = below.get(f"{prefix}/docs").text
    assert set(re.findall(r"['\"](/[^'\"]+\.(?:json|js|css|png))", page)) == {
        "/cvae/openapi.json",
        *(
            f"/cvae/static-offline-docs/{name}"
            for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
        ),
    }
    assert below.get(f"{prefix}/static-offline-docs/swagger-ui.css").status_code == 200
    assert below.get(f"{prefix}/openapi.json").json()["servers"] == [{"url": "/cvae"}]
    links = below.get(f"{prefix}/models/fake").json()["links"]
    assert {below.get(link).status_code for link in links.values()} == {200}
    assert links["self"] == "/cvae/models/fake"


@pytest.mark.parametrize("path", ["/sample.png?n=2", "/digits/7", "/digits/3.webp?scale=2"])
def test_the_place_of_a_picture_is_behind_the_proxy(below: TestClient, prefix: str, path: str) -> None:
    first = below.get(prefix + path)
    place = first.headers["content-location"]
    assert place.startswith("/cvae" + path.partition("?")[0] + "?")
    assert below.get(place).content == first.content


def test_pictures_uploads_and_errors_are_as_without_a_proxy(
    client: TestClient, below: TestClient, prefix: str
) -> None:
    for path in ("/decode.png?z=0.5,-1.0", "/health/ready", "/v2/models/fake.decoder", "/cvae/nothing"):
        here, there = client.get(path), below.get(prefix + path)
        assert (there.status_code, there.headers["content-type"]) == (
            here.status_code,
            here.headers["content-type"],
        )
        if here.status_code == 200:
            assert there.content == here.content
    picture = client.get("/digits/3.png?seed=1").content
    answer = below.post(
        f"{prefix}/encode", files={"file": picture}, headers={"origin": "https://page.example"}
    )
    assert answer.json() == client.post("/encode", files={"file": picture}).json()
    assert answer.headers["access-control-allow-origin"] == "https://page.example"
    assert below.get(f"{prefix}/v2/models/nothing").json().keys() == {"error"}
    assert below.get(f"{prefix}/nothing").json()["detail"] == "there is nothing at /cvae/nothing"


def test_the_prefix_alone_is_the_root(below: TestClient) -> None:
    assert 'href="/cvae/docs"' in below.get("/cvae").text
