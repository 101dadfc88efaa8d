"""POST /admin/reload: what operators get."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.inference.registry import Registry
from service.server.app import create_app
from service.server.processes.reloading import LocalReloads
from tests.service.fake import sign, write_bundle


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "fake")


@pytest.fixture
def client(folder: pathlib.Path) -> Iterator[TestClient]:
    settings = Settings(models_dir=folder.parent, admin="on")
    registry = Registry(settings)
    registry.start()
    app = create_app(settings, registry)
    app.api.state.reload = LocalReloads(registry).reload
    with TestClient(app) as client:
        yield client


def change(folder: pathlib.Path) -> str:
    manifest = json.loads((folder / "model.json").read_text())
    manifest["classes"][0]["count"] += 1
    sign(folder, manifest)
    return str(manifest["version"])


def test_it_says_what_has_become_of_each_model(client: TestClient, folder: pathlib.Path) -> None:
    before = client.get("/models/fake").json()["version"]
    after = change(folder)
    answer = client.post("/admin/reload")
    told = {"name": "fake", "status": "loaded", "version": after, "previous_version": before}
    assert (answer.status_code, answer.json()) == (200, {"models": [told]})
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/decode.png?z=0,0").headers["cvae-model"] == f"fake@{after}"
    told |= {"status": "unchanged", "previous_version": after}
    assert client.post("/admin/reload").json() == {"models": [told]}


def test_a_refusal_is_a_problem_with_its_reason(client: TestClient, folder: pathlib.Path) -> None:
    before = client.get("/models/fake").json()["version"]
    change(folder)
    (folder / "decoder.onnx").write_bytes(b"junk")
    answer = client.post("/admin/reload")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    problem = answer.json()
    (model,) = problem["models"]
    assert (model["status"], model["version"], model["previous_version"]) == ("refused", before, before)
    assert "decoder.onnx: sha256: expected" in model["reason"]
    assert problem["detail"] == f"fake: refused, fake@{before} goes on: {model['reason']}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert client.get("/decode.png?z=0,0").headers["cvae-model"] == f"fake@{before}"


def test_it_is_described_and_only_post_is_taken(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/admin/reload"]["post"]
    assert {"200", "409", "503"} <= operation["responses"].keys()
    known = document["components"]["schemas"]
    references = [part.split('"')[0] for part in json.dumps(operation).split("#/components/schemas/")[1:]]
    assert set(references) <= known.keys()
    assert client.get("/admin/reload").status_code == 405


def test_where_nothing_can_be_reloaded_it_says_so(folder: pathlib.Path) -> None:
    with TestClient(create_app(Settings(models_dir=folder.parent, admin="on"))) as client:
        assert client.post("/admin/reload").status_code == 503


def test_unless_it_is_turned_on_it_is_not_there(folder: pathlib.Path) -> None:
    with TestClient(create_app(Settings(models_dir=folder.parent))) as client:
        assert client.post("/admin/reload").status_code == 404
        assert "/admin/reload" not in client.get("/openapi.json").json()["paths"]
