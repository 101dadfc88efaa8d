"""The statistics of graphs, as Triton's tools read them."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.server.app import create_app
from tests.live import serve
from tests.service import fake

ALL = "/v2/models/stats"
TIMES = {
    "success",
    "fail",
    "queue",
    "compute_input",
    "compute_infer",
    "compute_output",
    "cache_hit",
    "cache_miss",
}


@pytest.fixture
def client(tmp_path: pathlib.Path) -> Iterator[TestClient]:
    fake.write_bundle(tmp_path / "plain")
    with TestClient(create_app(Settings(models_dir=tmp_path, queue_capacity_rows=1))) as running:
        yield running


def find(client: Any, name: str) -> dict[str, Any]:
    """Gives the statistics of a graph."""
    answer = client.get(f"/v2/models/{name}/stats")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    (found,) = answer.json()["model_stats"]
    assert found["name"] == name
    return dict(found)


def infer(client: Any, count: int) -> Any:
    z = {"name": "z", "shape": [count, 2], "datatype": "FP32", "data": [0.5] * 2 * count}
    return client.post("/v2/models/plain.decoder/infer", json={"inputs": [z]})


def test_before_any_request_all_is_0(client: TestClient) -> None:
    found = client.get(ALL).json()["model_stats"]
    assert [entry["name"] for entry in found] == ["plain.encoder", "plain.decoder"]
    for entry in found:
        assert set(entry) == {
            *("name", "version", "last_inference", "inference_count", "execution_count"),
            *("inference_stats", "batch_stats"),
        }
        assert (entry["last_inference"], entry["inference_count"], entry["execution_count"]) == (0, 0, 0)
        assert entry["inference_stats"] == {name: {"count": 0, "ns": 0} for name in TIMES}
        assert entry["batch_stats"] == []


def test_requests_rows_batches_and_times_are_there(client: TestClient) -> None:
    begun = time.time()
    for count in (1, 3, 3):
        assert infer(client, count).status_code == 200
    assert client.get("/decode.png?z=0,0").status_code == 200  # another route to the same graph
    found = find(client, "plain.decoder")
    assert (found["inference_count"], found["execution_count"]) == (8, 4)
    assert begun * 1000 - 1 <= found["last_inference"] <= time.time() * 1000 + 1
    times = found["inference_stats"]
    assert {name: entry["count"] for name, entry in times.items()} == {
        **dict.fromkeys(TIMES, 4),
        **dict.fromkeys(("fail", "cache_hit", "cache_miss"), 0),
    }
    parts = ("queue", "compute_input", "compute_infer", "compute_output")
    assert times["success"]["ns"] == pytest.approx(sum(times[part]["ns"] for part in parts), abs=4)
    assert times["compute_infer"]["ns"] > 0
    sizes = {entry["batch_size"]: entry["compute_infer"] for entry in found["batch_stats"]}
    assert {size: entry["count"] for size, entry in sizes.items()} == {1: 2, 3: 2}
    assert sum(entry["ns"] for entry in sizes.values()) == pytest.approx(times["compute_infer"]["ns"], abs=4)
    assert find(client, "plain.encoder")["execution_count"] == 0


def test_a_request_without_room_has_failed(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    (engine,) = client.app.api.state.registry  # type: ignore[attr-defined]
    monkeypatch.setattr(engine.batchers["decoder"], "waiting_rows", 1)
    assert infer(client, 1).status_code == 429
    monkeypatch.undo()
    assert find(client, "plain.decoder")["inference_stats"]["fail"] == {"count": 1, "ns": 0}


def test_a_version_may_be_named_in_hex_or_as_the_number_that_triton_wants(client: TestClient) -> None:
    found = find(client, "plain.decoder")
    (version,) = client.get("/v2/models/plain.decoder").json()["versions"]
    assert found["version"] == str(int(version, 16))
    for name in (version, found["version"]):
        answer = client.get(f"/v2/models/plain.decoder/versions/{name}/stats")
        assert answer.json() == {"model_stats": [found]}
        assert client.get(f"/v2/models/plain.decoder/versions/{name}/ready").status_code == 200
    for path in ("plain.decoder/versions/1", "stats.decoder", "plain"):
        answer = client.get(f"/v2/models/{path}/stats")
        assert (answer.status_code, list(answer.json())) == (404, ["error"])


@pytest.mark.slow(alone=False)
def test_several_workers_answer_for_all(models_dir: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with serve(tmp_path / "log", CVAE_MODELS_DIR=str(models_dir), CVAE_WORKERS="2") as address:
        # Each on a connection of its own, which either of them may accept.
        for i in range(20):
            assert httpx.get(f"http://{address}/decode.png?z={i},0&model=fake").status_code == 200
        # Each worker writes down what it did once a second.
        end = time.monotonic() + 20
        while (found := _read(address))["execution_count"] < 20 and time.monotonic() < end:
            time.sleep(0.1)
        assert found["inference_count"] == found["execution_count"] == 20
        assert found["inference_stats"]["success"]["count"] == 20
        assert found["batch_stats"][0]["compute_infer"]["count"] == 20


def _read(address: str) -> dict[str, Any]:
    with httpx.Client(base_url=f"http://{address}") as client:
        return find(client, "fake.decoder")
