"""After a reload: the earlier version of a model is answered wherever a model is named, and then goes."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from fastapi.testclient import TestClient

from service.core.reloads import agree
from service.core.settings import Settings
from service.inference.registry import Registry
from service.inference.reloading import Reload
from service.server.app import create_app
from tests.service.fake import sign, write_bundle

Z = {"z": [0.5, -1.0]}
PINNED = "public, max-age=31536000, immutable"


class Scene(NamedTuple):
    """A service whose model has been replaced once."""

    client: TestClient
    folder: pathlib.Path
    registry: Registry
    old: str
    new: str


def change(scene_folder: pathlib.Path, registry: Registry, count: int) -> str:
    manifest = json.loads((scene_folder / "model.json").read_text())
    manifest["classes"][0]["count"] = count
    sign(scene_folder, manifest)
    reload = Reload(registry)
    reload.swap(agree([reload.load()]))
    return str(manifest["version"])


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> Iterator[Scene]:
    settings = Settings(models_dir=tmp_path, keep_versions=1)
    folder = write_bundle(tmp_path / "fake")
    registry = Registry(settings)
    registry.start()
    with TestClient(create_app(settings, registry)) as client:
        old = client.get("/models/fake").json()["version"]
        yield Scene(client, folder, registry, old, change(folder, registry, 7))


def test_it_is_listed(scene: Scene) -> None:
    client, _, _, old, new = scene
    (listed,) = client.get("/models").json()["models"]
    assert (listed["version"], listed["kept"], listed["default"]) == (new, [f"fake@{old}"], True)
    kept = client.get(f"/models/fake@{old}").json()
    assert (kept["version"], kept["kept"], kept["default"]) == (old, [f"fake@{old}"], False)
    assert kept["manifest"]["classes"][0]["count"] == 5
    assert client.get(kept["links"]["self"]).json() == kept
    states = client.post("/v2/repository/index").json()
    assert {(state["name"], state["version"]) for state in states} == {
        (f"fake.{graph}", version) for graph in ("decoder", "encoder") for version in (old, new)
    }
    assert client.get("/v2/models").json()["models"] == ["fake.encoder", "fake.decoder"]
    assert client.get("/v2/models/fake.decoder").json()["versions"] == [new, old]


def test_it_is_answered_wherever_a_model_is_named(scene: Scene) -> None:
    client, _, _, old, new = scene
    infer = {"inputs": [{"name": "z", "shape": [1, 2], "datatype": "FP32", "data": Z["z"]}]}
    for version in (old, new):
        reference = f"fake@{version}"
        answers = [
            client.get(f"/decode.png?z=0.5,-1&model={reference}"),
            client.get(f"/digits/3.png?seed=1&model={reference}"),
            client.get(f"/sample.png?seed=1&model={reference}"),
            client.get(f"/models/{reference}/decoder.onnx"),
            client.get(f"/models/{reference}/latents"),
            client.post(f"/decode?model={reference}", json=Z),
            client.post("/decode", json={**Z, "model": reference}),
            client.post("/sample", json={"seed": 1, "model": reference}),
            client.post("/encode", json={"pixels": [[0.0] * 28] * 28, "model": reference}),
            client.post(f"/v2/models/fake.decoder/versions/{version}/infer", json=infer),
        ]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        assert {answer.headers["cvae-model"] for answer in answers} == {reference}
    url = f"/decode.png?z=0.5,-1&model=fake@{old}"
    tag = client.get(url).headers["etag"]
    assert client.get(url).headers["cache-control"] == PINNED
    assert client.get(url, headers={"if-none-match": tag}).status_code == 304
    assert client.get(url.replace(old, new)).headers["etag"] != tag
    plain = client.get("/decode.png?z=0.5,-1")
    assert (plain.headers["cvae-model"], plain.headers["etag"] != tag) == (f"fake@{new}", True)


def test_what_is_kept_no_more_is_404_and_the_error_names_what_is(scene: Scene) -> None:
    client, folder, registry, old, new = scene
    newest = change(folder, registry, 8)
    url = f"/decode.png?z=0.5,-1&model=fake@{old}"
    answer = client.get(url)
    assert answer.status_code == 404
    assert answer.json()["errors"] == [
        {"field": "model", "expected": f"one of fake@{newest}, fake@{new}", "received": f"'fake@{old}'"}
    ]
    answer = client.get(f"/v2/models/fake.decoder/versions/{old}")
    assert answer.status_code == 404
    assert answer.json()["error"].startswith(f"version: expected one of {newest}, {new}, received")
    assert len(registry.alive) == 2


def test_metrics_tell_which_models_are_served(scene: Scene) -> None:
    client, folder, registry, old, new = scene

    def read() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}

    def info(version: str) -> str:
        return f'cvae_model_info{{model="fake",provider="CPUExecutionProvider",version="{version}"}}'

    def ask(**parameters: Any) -> None:
        assert client.get("/decode.png", params={"z": "0,0", **parameters}).status_code == 200

    ask()
    ask(z="1,1", model=f"fake@{old}")
    newest = change(folder, registry, 8)
    ask(z="2,2")
    found = read()
    assert {version: found.get(info(version)) for version in (old, new, newest)} == {
        old: None,
        new: 1.0,
        newest: 1.0,
    }
    assert found['cvae_rows_total{graph="decoder",model="fake"}'] == 3.0
    assert found['cvae_waiting_rows{graph="decoder",model="fake"}'] == 0.0
