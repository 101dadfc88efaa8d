from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from service.core.media_types import FORMATS, JSON, MOVING, PNG, STILL, WEBP
from service.core.settings import Settings
from service.http import problems
from service.http.openapi import errors
from service.server.app import create_app
from tests.service import fake

SCHEMA: dict[str, Any] = create_app(Settings()).api.openapi()
METHODS = {"get", "post"}


@pytest.fixture(scope="module")
def labelled(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with a model that takes labels, which /restyle needs, beside the one that answers."""
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    fake.write_bundle(folder / "labelled", conditional=True)
    with TestClient(create_app(settings.model_copy(update={"models_dir": folder}))) as running:
        yield running


INFER = "/v2/models/fake.decoder/infer"
JSON_TYPE = {"content-type": "application/json"}
# What makes each operation answer with the error that its entry shows, but for what all have in common.
CAUSES: dict[str, dict[int, tuple[str, dict[str, Any]]]] = {
    "decode": {422: ("/decode", {"content": b'{"z":[0, NaN]}', "headers": JSON_TYPE})},
    "sample": {422: ("/sample", {"json": {"n": 2000}})},
    "interpolate": {422: ("/interpolate", {"json": {"from": {}, "to": {"digit": 1}}})},
    "reconstruct": {422: ("/reconstruct", {"json": {"pixels": [[255.0] * 28] * 28}})},
    "restyle": {422: ("/restyle", {"json": {"pixels": [[0, 1]], "labels": 7}})},
    "encode": {422: ("/encode", {"json": {"pixels": [[0, 1], [0, 1]]}})},
    "decode_url": {422: ("/decode.png?z=1,2,3", {})},
    "draw_digit_url": {404: ("/digits/12.png", {}), 422: ("/digits/7.png?temperature=11", {})},
    "draw_digit": {404: ("/digits/12", {}), 422: ("/digits/7?temperature=11", {})},
    "sample_url": {422: ("/sample.png?sed=3", {})},
    "interpolate_url": {422: ("/interpolate.gif?from=digit3&to=digit:1", {})},
    "draw_manifold_url": {422: ("/manifold.png?n=2&dims=0,5", {})},
    "draw_latent_map_url": {422: ("/latent-map.png?size=10", {})},
    "draw_vectors": {422: ("/decode?z=1,2,3", {})},
    "draw_samples": {422: ("/sample?sed=3", {})},
    "draw_interpolation": {422: ("/interpolate?from=digit3&to=digit:1", {})},
    "draw_manifold": {422: ("/manifold?n=2&dims=0,5", {})},
    "draw_latent_map": {422: ("/latent-map?size=10", {})},
    "infer": {
        400: (INFER, {"content": b'{"z":'}),
        404: (INFER.replace("fake", "mnist-3d"), {"content": b"{}"}),
        413: (INFER, {"content": b" " * 400_001}),
        415: (INFER, {"content": b"{}", "headers": {"content-encoding": "br"}}),
    },
    "list_graph_states": {
        400: ("/v2/repository/index", {"content": b'{"z":'}),
        413: ("/v2/repository/index", {"content": b" " * 400_001}),
        415: ("/v2/repository/index", {"content": b"{}", "headers": {"content-encoding": "br"}}),
    },
    "describe_graph": {404: ("/v2/models/mnist-3d.decoder", {})},
    "check_graph_ready": {404: ("/v2/models/mnist-3d.decoder/ready", {})},
    "read_graph_statistics": {404: ("/v2/models/mnist-3d.decoder/stats", {})},
    "describe_graph_config": {404: ("/v2/models/mnist-3d.decoder/config", {})},
    "list_latents": {422: ("/models/fake/latents?array=z", {})},
}


def resolve(entry: dict[str, Any]) -> dict[str, Any]:
    """Follows a reference to a component."""
    if "$ref" not in entry:
        return entry
    _, _, kind, name = entry["$ref"].split("/")
    return SCHEMA["components"][kind][name]  # type: ignore[no-any-return]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in SCHEMA["paths"].items():
        for method in sorted(METHODS & set(item)):
            yield method, path, item[method]


def named(operation: tuple[str, str, dict[str, Any]]) -> str:
    return f"{operation[0]} {operation[1]}"


def validate(instance: Any, schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**schema, "components": SCHEMA["components"]}).validate(instance)


def examples(operation: dict[str, Any], where: str) -> dict[str, Any]:
    """The example of each parameter that has one."""
    found = {}
    for parameter in map(resolve, operation.get("parameters", [])):
        if parameter["in"] == where and "example" in parameter:
            found[parameter["name"]] = parameter["example"]
            validate(parameter["example"], parameter["schema"])
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
    labelled: TestClient, operation: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, entry = operation
    found = set()
    for request, media_type in itertools.product(requests(entry), entry["responses"]["200"]["content"]):
        url, params = fill(path, entry, media_type), examples(entry, "query")
        answer = labelled.request(method, url, headers={"accept": media_type}, params=params, **request)
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
    for parameter in map(resolve, entry.get("parameters", [])):
        assert parameter.get("description"), parameter["name"]
    for status, answer in entry["responses"].items():
        assert resolve(answer)["description"] not in ("", "Successful Response"), status
        for header in map(resolve, resolve(answer)["headers"].values()):
            assert header["description"]
            validate(header["example"], header["schema"])


def test_operations_have_names_for_functions() -> None:
    names = [entry["operationId"] for _, _, entry in operations()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names), names


@pytest.mark.parametrize("operation", list(operations()), ids=named)
def test_every_error_is_typed_with_an_example(operation: tuple[str, str, dict[str, Any]]) -> None:
    _, path, entry = operation
    protocol = path.startswith("/v2")
    for status, reference in entry["responses"].items():
        answer = resolve(reference)
        if status == "304":
            assert "content" not in answer
        elif status != "200":
            ((media_type, content),) = answer["content"].items()
            assert media_type == ("application/json" if protocol else "application/problem+json")
            validate(content["example"], content["schema"])
            if protocol:
                assert list(content["example"]) == ["error"]
            else:
                assert content["example"]["status"] == int(status)


def test_whatever_can_be_refused_for_its_client_says_so(settings: Settings) -> None:
    """Where a key is asked for, and requests without one are too many."""
    changes = {"api_keys": "correct-horse-battery-staple", "rate_limit": "1/hour"}
    with TestClient(create_app(settings.model_copy(update=changes))) as client:
        assert client.get("/models").status_code == 401
        for method, path, entry in operations():
            refused = client.request(method, re.sub("{.*?}", "1", path)).status_code
            shown = {"401", "403", "429"} & entry["responses"].keys()
            expected = set() if refused != 429 else {"401", "403", "429"}
            assert shown == expected, (method, path)


def test_pictures_are_declared_as_pictures_and_come_first() -> None:
    found = {
        f"{method} {path}": list(entry["responses"]["200"]["content"]) for method, path, entry in operations()
    }
    drawing = {name: media_types for name, media_types in found.items() if "image/png" in media_types}
    assert len(drawing) == 17
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
    for status, fault in errors.EXAMPLES.items():
        if not isinstance(fault, str):
            assert_says(causes[status], status, fault.model_dump())


def assert_says(answer: Any, status: int, fault: dict[str, str]) -> None:
    """Checks an answer against an example, whose model and limits are others."""
    assert answer.status_code == status
    (found,) = answer.json()["errors"]
    for part, text in fault.items():
        assert normal(found[part]) == normal(text)


def normal(text: str) -> str:
    return re.sub(r"\d+", "0", text.replace("fake", "mnist-2d"))


@pytest.mark.parametrize("operation", list(operations()), ids=named)
def test_each_operation_gives_the_errors_that_it_shows(
    client: TestClient, operation: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, entry = operation

    own = {int(status): answer for status, answer in entry["responses"].items() if "content" in answer}
    shown = {status: answer["content"] for status, answer in own.items() if status != 200}
    url = fill(path, entry, PNG)
    params = examples(entry, "query")
    no_html = {"params": params, "headers": {"accept": "text/html"}, **next(requests(entry))}
    causes = {
        406: (url, no_html),
        415: (url, {"content": b"{}", "headers": {"content-type": "text/plain"}}),
        **CAUSES.get(entry["operationId"], {}),
    }
    for status, content in shown.items():
        if isinstance(errors.EXAMPLES[status], str):  # of the service's state, not of a request
            continue
        target, request = causes[status]
        answer = client.request(method, target, **request)
        ((media_type, body),) = content.items()
        if media_type == problems.MEDIA_TYPE:
            assert_says(answer, status, body["example"]["errors"][0])
        else:
            assert answer.status_code == status
            assert normal(answer.json()["error"]) == normal(body["example"]["error"])


def test_the_request_headers_that_are_shown_are_looked_at(client: TestClient) -> None:
    for method, path, entry in operations():
        names = {parameter["name"] for parameter in map(resolve, entry.get("parameters", []))}
        url, params = fill(path, entry, PNG), examples(entry, "query")
        if "If-None-Match" in names:
            tag = client.get(url, params=params).headers["etag"]
            again = client.get(url, params=params, headers={"if-none-match": tag})
            assert again.status_code == 304, path
            assert {name for name, header in declared(entry, "304").items() if header["required"]} <= set(
                again.headers
            )
        if "X-Request-Timeout-Ms" in names:
            late = {"x-request-timeout-ms": "soon"}
            refused = client.request(method, url, params=params, headers=late, **next(requests(entry)))
            body = refused.json()
            said = body["error"] if path.startswith("/v2") else body["errors"][0]["field"]
            assert said.startswith("X-Request-Timeout-Ms"), path


def declared(entry: dict[str, Any], status: str) -> dict[str, dict[str, Any]]:
    """The headers of an answer, by their names in lower case."""
    headers = resolve(entry["responses"][status])["headers"]
    return {name.lower(): {"required": False, **resolve(header)} for name, header in headers.items()}


@pytest.mark.parametrize("operation", list(operations()), ids=named)
def test_every_header_of_an_answer_is_shown(
    labelled: TestClient, operation: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, entry = operation
    params = examples(entry, "query") | ({"download": True} if "image urls" in entry["tags"] else {})
    seedless = {name: value for name, value in params.items() if name != "seed"}
    shown = declared(entry, "200")
    for query in (params, seedless):
        url = fill(path, entry, PNG if "." in path else "application/json")
        answer = labelled.request(method, url, params=query, **next(requests(entry)))
        assert answer.status_code == 200, answer.text
        assert set(answer.headers) - {"content-length", "content-type", "vary"} <= set(shown)
        for name, header in shown.items():
            if header["required"] or name in answer.headers:
                value = answer.headers[name]
                kind = header["schema"]["type"]
                validate(int(value) if kind == "integer" else value, header["schema"])
