"""What HTTP itself refuses is counted by its reason, and says what would be right."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.inference.registry import Registry
from service.observability import families
from service.observability.families import name_key
from service.server.app import Application, create_app

JSON = {"content-type": "application/json"}
Z = json.dumps({"z": [0.0, 0.0]})


def count(app: Application, reason: str) -> float:
    numbers = app.api.state.metrics.collect()
    return float(numbers.get(name_key(families.REFUSALS, (reason,)), [0.0])[0])


def ask(registry: Registry, method: str, target: str, body: str, rate_limit: str) -> tuple[Application, int]:
    app = create_app(Settings(max_held_body_bytes=20, max_body_bytes=50, rate_limit=rate_limit), registry)
    app.api.state.registry = registry
    return app, TestClient(app).request(method, target, headers=JSON, content=body).status_code


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "reason"),
    [
        ("GET", "/nothing", "", 404, "not_found"),
        ("GET", "/v2/nothing", "", 404, "not_found"),
        ("PUT", "/decode", "", 405, "wrong_method"),
        ("POST", "/docs", "x" * 51, 413, "too_large"),
        ("POST", "/decode", Z + " " * 10, 503, "bodies_full"),
    ],
)
@pytest.mark.parametrize("rate_limit", ["", "100/s"])
def test_what_http_itself_refuses_is_counted(
    registry: Registry, method: str, target: str, body: str, status: int, reason: str, rate_limit: str
) -> None:
    app, received = ask(registry, method, target, body, rate_limit)
    assert received == status
    assert count(app, reason) == 1


@pytest.mark.parametrize(
    ("method", "target", "allowed", "expected"),
    [
        ("PUT", "/decode", "GET, HEAD, POST", "GET, HEAD or POST"),
        ("GET", "/encode", "POST", "POST"),
        ("POST", "/openapi.json", "GET, HEAD", "GET or HEAD"),
    ],
)
def test_another_method_is_told_which_there_are(
    client: TestClient, method: str, target: str, allowed: str, expected: str
) -> None:
    answer = client.request(method, target)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["detail"] == f"method: expected {expected}, received {method}"
    assert answer.json()["errors"] == [{"field": "method", "expected": expected, "received": method}]
