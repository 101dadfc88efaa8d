from __future__ import annotations

import json
import pathlib

import pytest
from fastapi.testclient import TestClient

from service.bundles.manifest import version_of
from service.core.settings import Settings
from service.http.caching import PINNED
from service.server.app import create_app


def test_a_model_says_what_it_is_and_what_runs_it(client: TestClient) -> None:
    body = client.get("/models/fake").json()
    assert body["name"] == "fake"
    assert body["default"] is True
    assert body["latent_dim"] == 2
    assert body["image"] == {"height": 28, "width": 28, "channels": 1, "polarity": "light-on-dark"}
    assert body["classes"] == list(range(10))
    assert body["metrics"] == {"negative_elbo": 100.0}
    assert body["runtime"]["provider"] == "CPUExecutionProvider"
    assert body["runtime"]["intra_op_threads"] == 1


def test_the_list_holds_every_model(client: TestClient) -> None:
    details = client.get("/models/fake").json()
    assert details.pop("manifest")["name"] == "fake"
    assert details.pop("card") == "# A fake\n"
    assert client.get("/models").json() == {"models": [details], "default": "fake", "default_from": "order"}


def test_the_list_says_when_the_default_is_the_one_that_was_set(models_dir: pathlib.Path) -> None:
    with TestClient(create_app(Settings(models_dir=models_dir, default_model="fake"))) as client:
        answer = client.get("/models").json()
    assert (answer["default"], answer["default_from"]) == ("fake", "setting")


def test_a_model_says_where_to_look_further(client: TestClient) -> None:
    body = client.get("/models/fake").json()
    assert body["warm"] is True
    assert body["reference"] == f"fake@{body['version']}"
    assert [client.get(link).status_code for link in body["links"].values()] == [200, 200, 200, 200]
    card = client.get(body["links"]["card"])
    assert card.headers["content-type"].startswith("text/markdown")
    assert card.text == "# A fake\n"


def test_a_model_is_described_alike_while_the_service_stops(models_dir: pathlib.Path) -> None:
    app = create_app(Settings(models_dir=models_dir))
    with TestClient(app) as client:
        before = client.get("/models/fake").content
        app.api.state.registry.drain()
        assert client.get("/health/ready").status_code == 503
        assert client.get("/models/fake").content == before


def test_an_unknown_model_is_a_problem(client: TestClient) -> None:
    answer = client.get("/models/other")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"field": "model", "expected": "one of fake", "received": "'other'"}]


@pytest.mark.parametrize("name", ["mnist-2d", "mnist-16d-conditional"])
def test_the_manifest_is_the_file_from_which_the_version_is_computed(name: str) -> None:
    models = pathlib.Path(__file__).parents[4] / "models"
    with TestClient(create_app(Settings(models_dir=models))) as client:
        body = client.get(f"/models/{name}").json()
    assert body["manifest"] == json.loads((models / name / "model.json").read_text())
    assert version_of(body["manifest"]) == body["version"]


def test_a_decoder_is_the_bundle_s_very_file(client: TestClient, models_dir: pathlib.Path) -> None:
    answer = client.get("/models/fake/decoder.onnx")
    assert answer.content == (models_dir / "fake" / "decoder.onnx").read_bytes()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cvae-model"].startswith("fake@")


def test_a_decoder_that_one_has_is_not_sent_again(client: TestClient) -> None:
    answer = client.get("/models/fake/decoder.onnx")
    again = client.get("/models/fake/decoder.onnx", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_version_s_decoder_keeps_for_a_year(client: TestClient) -> None:
    reference = client.get("/models/fake").json()["reference"]
    assert client.get(f"/models/{reference}/decoder.onnx").headers["cache-control"] == PINNED
    assert client.get("/models/fake@000000000000/decoder.onnx").status_code == 404
