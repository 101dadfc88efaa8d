from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.negotiation import FORMATS, JSON, MOVING, PNG, STILL, WEBP
from service.routes import problems
from service.settings import Settings

SCHEMA: dict[str, Any] = create_app(Settings()).api.openapi()
METHODS = {"get", "post"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in SCHEMA["paths"].items():
        for method in METHODS & set(item):
            yield method, path, item[method]


def named(operation: tuple[str, str, dict[str, Any]]) -> str:
    return f"{operation[0]} {operation[1]}"


def validate(instance: Any, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**schema, "components": SCHEMA["components"]}).validate(instance)


def examples(operation: dict[str, Any], where: str) -> dict[str, Any]:
    """The first example of each parameter that has some."""
    found = {}
    for parameter in operation.get("parameters", []):
        given = parameter["schema"].get("examples", parameter.get("examples"))
        if parameter["in"] == where and given:
            found[parameter["name"]] = given[0]
    return found


def fill(path: str, operation: dict[str, Any], media_type: str) -> str:
    extensions = {kind: name for name, kind in FORMATS.items()}
    for name, example in examples(operation, "path").items():
        value = extensions[media_type] if name == "extension" else example
        path = path.replace("{" + name + "}", str(value))
    return path.replace("mnist-2d", "fake")


def requests(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    for example in content.get("examples", {}).values():
        validate(example["value"], content["schema"])
        yield {"json": {**example["value"], **({"model": "fake"} if "model" in example["value"] else {})}}
    if "requestBody" not in operation:
        yield {}


@pytest.mark.parametrize("operation", list(operations()), ids=named)
def test_every_example_runs_and_its_answers_fit_the_schema(
    client: TestClient, operation: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, entry = operation
    found = set()
    for request, media_type in itertools.product(requests(entry), entry["responses"]["200"]["content"]):
        url, params = fill(path, entry, media_type), examples(entry, "query")
        answer = client.request(method, url, headers={"accept": media_type}, params=params, **request)
        assert answer.status_code == 200, answer.text
        answered = answer.headers["content-type"].split(";")[0]
        found.add(answered)
        if "406" in entry["responses"]:
            assert answered == media_type
        if answered == "application/json":
            validate(answer.json(), entry["responses"]["200"]["content"][answered]["schema"])
    assert found == set(entry["responses"]["200"]["content"])


@pytest.mark.parametrize("operation", list(operations()), ids=named)
def test_every_operation_is_described(operation: tuple[str, str, dict[str, Any]]) -> None:
    _, _, entry = operation
    assert entry["summary"]
    assert entry["description"]
    assert entry["tags"]
    for parameter in entry.get("parameters", []):
        assert parameter.get("description"), parameter["name"]


@pytest.mark.parametrize("operation", list(operations()), ids=named)
def test_every_error_is_typed_with_an_example(operation: tuple[str, str, dict[str, Any]]) -> None:
    _, path, entry = operation
    protocol = path.startswith("/v2")
    for status, answer in entry["responses"].items():
        if status != "200":
            ((media_type, content),) = answer["content"].items()
            assert media_type == ("application/json" if protocol else "application/problem+json")
            validate(content["example"], content["schema"])
            if protocol:
                assert list(content["example"]) == ["error"]
            else:
                assert content["example"]["status"] == int(status)


def test_pictures_are_declared_as_pictures_and_come_first() -> None:
    found = {
        f"{method} {path}": list(entry["responses"]["200"]["content"]) for method, path, entry in operations()
    }
    drawing = {name: media_types for name, media_types in found.items() if "image/png" in media_types}
    assert len(drawing) == 11
    for name, media_types in drawing.items():
        assert media_types[0] == "image/png", name
        offered = MOVING if "interpolate" in name else (PNG, JSON, WEBP) if "map" in name else STILL
        assert set(media_types) == set(offered), name


def test_the_error_examples_are_what_the_service_says(client: TestClient) -> None:
    json_type = {"content-type": "application/json"}
    causes = {
        400: client.post("/decode", content=b'{"z":', headers=json_type),
        404: client.get("/models/mnist-3d"),
        406: client.post("/decode", json={"z": [0, 0]}, headers={"accept": "text/html"}),
        413: client.post("/decode", content=b" " * 400_001, headers=json_type),
        415: client.post("/decode", content=b"{}", headers={"content-type": "text/plain"}),
        422: client.post("/decode", content=b'{"z":[0, NaN]}', headers=json_type),
    }
    for status, fault in problems.EXAMPLES.items():
        if not isinstance(fault, str):
            (found,) = causes[status].json()["errors"]
            assert causes[status].status_code == status
            assert found["field"] == fault.field
            assert re.sub(r"\d+", "0", found["expected"]).replace("fake", "mnist-0d") == re.sub(
                r"\d+", "0", fault.expected
            )
            assert re.sub(r"\d+", "0", found["received"]) == re.sub(r"\d+", "0", fault.received)
