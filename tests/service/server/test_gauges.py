from __future__ import annotations

import asyncio
import copy
import pathlib
import re
import socket

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.batching.context import RequestContext
from service.core.settings import Settings
from service.inference.registry import Registry
from service.inference.served import Served
from service.observability import families
from service.observability.families import merge, name_key
from service.observability.metrics import Metrics
from service.server import gauges
from tests.live import serve


def find(metrics: Metrics, sample: str) -> float:
    lines = metrics.render()[0].decode().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{sample} "))
    return float(line.split()[-1])


@pytest.fixture
def loaded(models_dir: pathlib.Path) -> Registry:
    registry = Registry(Settings(models_dir=models_dir))
    registry.start()
    return registry


LABELS = '{graph="decoder",model="fake"}'


def test_rows_and_requests_that_wait_and_batches_that_ran_are_there(loaded: Registry) -> None:
    metrics = Metrics()
    gauges.watch_models(metrics, loaded)
    engine = loaded.get()

    async def scene() -> None:
        rows = engine.space.place(np.ones((5, 2)))
        waiting = [engine.submit(rows, RequestContext()) for _ in range(3)]
        metrics.sample()
        assert find(metrics, f"cvae_waiting_rows{LABELS}") == 15
        assert find(metrics, f"cvae_waiting_requests{LABELS}") == 3
        assert find(metrics, f"cvae_rows_total{LABELS}") == 0
        await asyncio.gather(*waiting)
        metrics.sample()
        assert find(metrics, f"cvae_waiting_rows{LABELS}") == 0
        assert find(metrics, f"cvae_waiting_requests{LABELS}") == 0
        assert find(metrics, f"cvae_rows_total{LABELS}") == 15
        assert find(metrics, f"cvae_batch_rows_count{LABELS}") == 1
        assert find(metrics, 'cvae_batch_rows_bucket{graph="decoder",le="8.0",model="fake"}') == 0
        assert find(metrics, 'cvae_batch_rows_bucket{graph="decoder",le="16.0",model="fake"}') == 1

    asyncio.run(scene())
    loaded.close()


def test_models_and_versions_are_named(loaded: Registry) -> None:
    metrics = Metrics()
    gauges.watch_models(metrics, loaded)
    version = loaded.get().manifest.version
    labels = f'{{model="fake",provider="CPUExecutionProvider",version="{version}"}}'
    assert find(metrics, f"cvae_model_info{labels}") == 1
    assert 'cvae_build_info{onnxruntime="' in metrics.render()[0].decode()
    loaded.close()


def test_versions_that_come_and_go_leave_nothing_behind(loaded: Registry) -> None:
    metrics, served = Metrics(), loaded.served
    gauges.watch_models(metrics, loaded)
    kept = {len(metrics.collect())}
    for i in range(5):
        engine = copy.copy(served.engines["fake"])
        engine.manifest = engine.manifest.model_copy(update={"version": f"{i:012}"})
        loaded.served = Served({"fake": engine}, {}, "fake")
        for watch in loaded.watchers:
            watch()
        kept.add(len(metrics.collect()))
        found = re.findall(r'^cvae_model_info{.*version="(.*?)"} 1.0$', metrics.render()[0].decode(), re.M)
        assert found == [f"{i:012}"]
    assert len(kept) == 1
    loaded.served = served
    loaded.close()


def test_a_worker_that_is_starting_hides_no_version() -> None:
    key = name_key(families.MODEL_INFO, ("fake", "1", "cpu"))
    start = name_key(families.START, ())
    workers = [[(key, [0.0]), (start, [7.0])], [(key, [1.0]), (start, [5.0])], [(key, [0.0]), (start, [0.0])]]
    assert merge(workers) == {key: [1.0], start: [5.0]}


def test_connections_are_counted_when_asked() -> None:
    metrics, counts = Metrics(), [(3, 1), (2, 0)]
    gauges.watch_connections(metrics, lambda: counts.pop(0))
    for connections, busy in ((3, 1), (2, 0)):
        metrics.sample()
        assert find(metrics, "cvae_connections") == connections
        assert find(metrics, "cvae_requests_in_progress") == busy


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/decode.png?z=0", "invalid_value"),
        ("/decode.png?z=0,0&model=none", "not_found"),
    ],
)
def test_refusals_are_counted_by_reason(client: TestClient, path: str, reason: str) -> None:
    def count() -> float:
        lines = client.get("/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(f'cvae_refusals_total{{reason="{reason}"}}')]
        return sum(float(line.split()[-1]) for line in found)

    before = count()
    assert client.get(path).status_code >= 400
    assert count() == before + 1


@pytest.mark.slow(alone=False)
def test_the_process_tells_of_its_connections(tmp_path: pathlib.Path, models_dir: pathlib.Path) -> None:
    with serve(tmp_path / "log", CVAE_MODELS_DIR=str(models_dir)) as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port))) as bad, socket.create_connection((host, int(port))):
            bad.sendall(b"GET / HTTP/2.0\r\n\r\n")
            assert b" 505 " in bad.recv(1000)
            text = httpx.get(f"http://{address}/metrics").text
    assert re.search(r'^cvae_refusals_total{reason="connection_505"} 1.0$', text, re.M)
    assert re.search(r"^cvae_connections [23].0$", text, re.M)
    assert re.search(r"^cvae_requests_in_progress 1.0$", text, re.M)
    assert re.search(r'^cvae_model_info{model="fake",', text, re.M)
    assert re.search(r'^cvae_waiting_rows{.*model="fake".*} 0.0$', text, re.M)
