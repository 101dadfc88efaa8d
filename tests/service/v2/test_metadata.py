from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service import __version__
from service.core.settings import Settings
from service.inference.registry import Registry
from service.server.app import Application, create_app
from tests.service import fake


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "v1.2-conditional", conditional=True)
    fake.write_bundle(folder / "plain")
    return folder


@pytest.fixture(scope="module")
def client(both: pathlib.Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=both)), follow_redirects=False) as running:
        yield running


def version(client: TestClient, name: str = "plain") -> str:
    return str(client.get(f"/models/{name}").json()["version"])


def check_error(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return str(answer.json()["error"])


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_service_names_its_extensions(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "cvae-service",
        "version": __version__,
        "extensions": ["binary_tensor_data", "model_configuration", "statistics"],
    }


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready"])
def test_health_says_both_words(client: TestClient, path: str) -> None:
    assert client.get(path).json() == {"live": True, "ready": True}


def test_every_bundle_is_two_models(client: TestClient) -> None:
    names = ["plain.encoder", "plain.decoder", "v1.2-conditional.encoder", "v1.2-conditional.decoder"]
    assert client.get("/v2/models").json() == {"models": names}
    index = client.post("/v2/repository/index")  # without a body, as Triton's client has it
    assert [entry["name"] for entry in index.json()] == names
    assert index.json()[0] == {
        "name": "plain.encoder",
        "version": version(client),
        "state": "READY",
        "reason": "",
    }


def test_a_graph_names_its_tensors(client: TestClient) -> None:
    answer = client.get("/v2/models/v1.2-conditional.decoder").json()
    assert answer["name"] == "v1.2-conditional.decoder"
    assert answer["versions"] == [version(client, "v1.2-conditional")]
    assert answer["platform"] == "onnxruntime_onnx"
    assert answer["inputs"] == [
        {"name": "z", "datatype": "FP32", "shape": [-1, 2]},
        {"name": "label", "datatype": "FP32", "shape": [-1, 10]},
    ]
    assert answer["outputs"] == [
        {"name": "image", "datatype": "FP32", "shape": [-1, 28, 28, 1]},
        {"name": "png", "datatype": "BYTES", "shape": [-1]},
    ]
    assert answer["properties"]["latent_dim"] == "2"
    encoder = client.get("/v2/models/plain.encoder").json()
    assert encoder["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 28, 28, 1]}]
    assert [tensor["name"] for tensor in encoder["outputs"]] == ["z_mean", "z_log_var"]


def test_a_graph_is_configured_in_tritons_words(client: TestClient) -> None:
    answer = client.get("/v2/models/plain.decoder/config").json()
    assert answer["max_batch_size"] == 1024
    assert answer["input"] == [{"name": "z", "data_type": "TYPE_FP32", "dims": [2]}]
    assert answer["output"][0] == {"name": "image", "data_type": "TYPE_FP32", "dims": [28, 28, 1]}
    assert answer["dynamic_batching"]["default_queue_policy"]["default_timeout_microseconds"] == 5_000_000


@pytest.mark.parametrize("what", ["", "/ready", "/config"])
def test_a_version_may_be_named(client: TestClient, what: str) -> None:
    path = "/v2/models/plain.decoder"
    same = client.get(f"{path}/versions/{version(client)}{what}")
    assert same.status_code == 200
    assert same.json() == client.get(f"{path}{what}").json()
    error = check_error(client.get(f"{path}/versions/1{what}"), 404)
    assert error == f"version: expected {version(client)}, which is loaded, received '1'"


@pytest.mark.parametrize(
    "name", ["plain", "plain.", ".decoder", "plain.Decoder", "plain@1.decoder", "decoder"]
)
@pytest.mark.parametrize("what", ["", "/ready", "/config"])
def test_an_unknown_graph_is_an_error(client: TestClient, name: str, what: str) -> None:
    error = check_error(client.get(f"/v2/models/{name}{what}"), 404)
    assert error.startswith("model: expected one of plain.encoder, plain.decoder, ")
    assert error.endswith(f"received '{name}'")


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/v2/nothing", 404, "there is nothing at /v2/nothing"),
        ("GET", "/v2/models/", 404, "there is nothing at /v2/models/"),
        ("GET", "/v2/models/plain.decoder/", 404, "there is nothing at /v2/models/plain.decoder/"),
        ("POST", "/v2", 405, "method: expected GET or HEAD, received POST"),
        ("GET", "/v2/models/plain.decoder/infer", 405, "method: expected POST, received GET"),
    ],
)
def test_errors_are_the_protocols(
    client: TestClient, method: str, path: str, status: int, error: str
) -> None:
    assert check_error(client.request(method, path), status) == error


def test_errors_elsewhere_are_problems(client: TestClient) -> None:
    for path in ("/v2x", "/v3/models", "/models/v2"):
        assert client.get(path).headers["content-type"] == "application/problem+json"


def test_errors_know_the_protocol_behind_a_proxys_path(both: pathlib.Path) -> None:
    app = create_app(Settings(models_dir=both))
    with TestClient(app, root_path="/cvae") as client:
        check_error(client.get("/v2/models/x"), 404)
        check_error(client.get("/cvae/v2/models/x"), 404)
        assert client.get("/models/x").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"ready": 1}'])
def test_a_wrong_question_for_the_index_is_an_error(client: TestClient, content: bytes) -> None:
    check_error(client.post("/v2/repository/index", content=content), 400)


def test_what_has_failed_is_listed_as_unavailable(
    both: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(models_dir=both))
    with TestClient(app) as client:
        failed = app.api.state.registry.get("plain")
        monkeypatch.setattr(type(failed), "failed", property(lambda engine: engine is failed))
        states = {e["name"]: (e["state"], e["reason"]) for e in client.post("/v2/repository/index").json()}
        assert states["plain.decoder"] == ("UNAVAILABLE", "it has failed")
        assert states["v1.2-conditional.decoder"] == ("READY", "")
        ready = client.post("/v2/repository/index", json={"ready": True}).json()
        assert {entry["name"] for entry in ready} == {"v1.2-conditional.encoder", "v1.2-conditional.decoder"}
        assert check_error(client.get("/v2/models/plain.decoder/ready"), 503) == "plain.decoder cannot answer"
        check_error(client.get("/v2/health/ready"), 503)
        assert client.get("/v2/health/live").json() == {"live": True, "ready": False}


def test_what_can_answer_says_so(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == client.get("/v2/health/ready").json()
    assert client.get("/v2/health/ready").json() == {"live": True, "ready": True}
    for path in ("plain.decoder", "v1.2-conditional.encoder"):
        assert client.get(f"/v2/models/{path}/ready").json() == {"name": path, "ready": True}


def test_before_the_models_are_loaded_it_is_live_and_not_ready(both: pathlib.Path) -> None:
    client = TestClient(create_app(Settings(models_dir=both)))  # no lifespan
    assert client.get("/v2/health/live").json() == {"live": True, "ready": False}
    for path in ("/v2/health/ready", "/v2/models", "/v2/models/plain.decoder"):
        check_error(client.get(path), 503)
    check_error(client.post("/v2/models/plain.decoder/infer", content=b"{}"), 503)


def test_a_stopping_service_is_not_ready(both: pathlib.Path) -> None:
    registry = Registry(Settings(models_dir=both))
    registry.start()
    app: Application = create_app(registry.settings, registry)
    with TestClient(app) as client:
        registry.close()
        check_error(client.get("/v2/models/plain.decoder/ready"), 503)
        check_error(client.get("/v2/health/ready"), 503)


def test_metadata_are_never_packed(client: TestClient) -> None:
    for path in ("/v2", "/v2/models/plain.decoder", "/v2/models/plain.decoder/config", "/v2/models/x"):
        headers = client.get(path, headers={"accept-encoding": "gzip, deflate, br"}).headers
        assert "content-encoding" not in headers
