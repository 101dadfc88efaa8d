"""What HTTP itself refuses is counted by its reason, and says what would be right."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError
from fastapi.testclient import TestClient
from starlette.requests import Request

from service.core import errors
from service.core.settings import Settings
from service.http import error_handlers
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


def describe(*entries: dict[str, Any], path: str = "/decode") -> tuple[int, dict[str, Any]]:
    """The answer to what pydantic says."""
    request = Request({"type": "http", "path": path, "headers": [], "state": {"request_id": "1"}})
    answer = asyncio.run(error_handlers.answer_error(request, RequestValidationError(entries)))
    return answer.status_code, json.loads(bytes(answer.body))


def entry(kind: str, *where: str | int, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "loc": ("body", *where),
        "msg": "Input should be a valid integer",
        "input": 1.5,
        **more,
    }


@pytest.mark.parametrize(
    ("said", "field", "expected", "received"),
    [
        (entry("int_type", "n"), "n", "a valid integer", "1.5"),
        (entry("int_type", "z", 3, "x", 1), "z[3].x[1]", "a valid integer", "1.5"),
        (entry("int_type", 2, "x"), "[2].x", "a valid integer", "1.5"),
        (entry("int_type"), "body", "a valid integer", "1.5"),
        (entry("int_type", ""), '""', "a valid integer", "1.5"),
        (entry("int_type", "a" * 90), "a" * 79 + "…", "a valid integer", "1.5"),
        (
            entry("int_parsing", "n", msg="Input should be a valid integer, unable to parse", input="x"),
            "n", "a valid integer", "'x'",
        ),
        (entry("missing", "z"), "z", "a value", "nothing"),
        (entry("extra_forbidden", "zz", input="y"), "zz", "no field of this name", "one"),
        (entry("too_long", "z", ctx={"max_length": 4}, input=[1] * 5), "z", "at most 4 entries", "5"),
        (entry("too_long", "z", ctx={"max_length": 4}, input=None), "z", "at most 4 entries", "more"),
        (
            entry("string_too_long", "z", ctx={"max_length": 4}, input="12345"),
            "z", "at most 4 characters", "5",
        ),
        (
            entry("numbers", "z", ctx={"at": "[1][0]", "expected": "a number", "received": "x" * 99}),
            "z[1][0]", "a number", "x" * 79 + "…",
        ),
        (entry("model_type", "from", input=3), "from", "a JSON object", "3"),
        (entry("model_attributes_type", "from", input=3), "from", "a JSON object", "3"),
        (entry("dict_type", "from", input=3), "from", "a JSON object", "3"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_our_words(
    said: dict[str, Any], field: str, expected: str, received: str
) -> None:
    status, problem = describe(said)
    assert status == problem["status"] == 422
    assert problem["errors"] == [{"field": field, "expected": expected, "received": received}]
    assert problem["detail"] == f"{field}: expected {expected}, received {received}"


def test_eight_faults_are_listed_and_the_first_is_the_sentence() -> None:
    _, problem = describe(*(entry("missing", f"x{i}") for i in range(9)))
    assert [fault["field"] for fault in problem["errors"]] == [f"x{i}" for i in range(8)]
    assert problem["detail"] == "x0: expected a value, received nothing"


def test_what_is_no_json_is_malformed() -> None:
    said = entry("json_invalid", 17, ctx={"error": "Expecting value"})
    status, problem = describe(said)
    text = "a text that breaks at character 17 (Expecting value)"
    assert (status, problem["title"]) == (400, "Bad Request")
    assert problem["errors"] == [{"field": "body", "expected": "JSON", "received": text}]
    assert problem["detail"] == f"body: expected JSON, received {text}"


@pytest.mark.parametrize(
    ("path", "ours"), [("/v2", False), ("/v2/models", False), ("/v2x", True), ("/", True)]
)
def test_below_the_protocol_an_error_is_in_its_words(path: str, ours: bool) -> None:
    status, body = describe(entry("missing", "z"), path=path)
    if ours:
        assert (status, body["request_id"], body["type"]) == (422, "1", "about:blank")
    else:
        assert (status, body) == (400, {"error": "z: expected a value, received nothing"})


def test_reasons_are_the_names_of_errors() -> None:
    for kind, reason in (
        ("QueueFullError", "queue_full"),
        ("TooLargeError", "too_large"),
        ("DeadlineError", "deadline"),
    ):
        assert error_handlers._REASONS[getattr(errors, kind)] == reason
