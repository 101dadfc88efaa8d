from __future__ import annotations

import re

from fastapi.testclient import TestClient


def count(client: TestClient, route: str, status: int) -> float:
    labels = re.escape(f'route="{route}",status="{status}"')
    found = re.search(
        rf"^cvae_request_duration_seconds_count{{{labels}}} (.*)$", client.get("/metrics").text, re.M
    )
    return float(found[1]) if found else 0


def test_answers_are_counted_by_route_and_status(client: TestClient) -> None:
    for path, route, status in (
        ("/digits/7?seed=1", "/digits/{digit}", 200),
        ("/digits/7?seed=x", "/digits/{digit}", 422),
        ("/digits/99?seed=1", "/digits/{digit}", 404),
        ("/models/fake", "/models/{name}", 200),
        ("/decode", "/decode", 422),
        ("/encode", "/encode", 405),
        ("/no/such/path", "none", 404),
    ):
        before = count(client, route, status)
        assert client.get(path).status_code == status
        assert count(client, route, status) == before + 1, path


def test_it_is_in_prometheus_text_format(client: TestClient) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE cvae_request_duration_seconds histogram" in answer.text
