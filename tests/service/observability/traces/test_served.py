"""The service with a collector of the tests' own: what arrives there, of one worker and of several."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service import __version__
from tests.live import ROOT, serve, wait_for_port
from tests.service.observability.test_reports import TRACEPARENT
from tests.service.observability.traces.sink import SERVER, Collector, collect, read_attributes

SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collect() as running:
        yield running


def count_statuses(collector: Collector) -> dict[str, int]:
    found: dict[str, int] = {}
    for span in collector.requests:
        attributes = read_attributes(span)
        name = f"{span.name} {attributes['http.response.status_code']}"
        found[name] = found.get(name, 0) + 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("fast_path", ["auto", "off"])
def test_every_request_arrives_once(
    collector: Collector, tmp_path: pathlib.Path, workers: str, fast_path: str
) -> None:
    settings = {
        "CVAE_WORKERS": workers,
        "CVAE_FAST_PATH": fast_path,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret%20one",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_SERVICE_NAME": "pictures",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test,service.version=9",
        # All that follows is sent at the end, when the service stops.
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
    }
    with serve(tmp_path / "log", **settings) as address:
        for _ in range(20):  # each on a connection of its own
            httpx.get(f"http://{address}/decode.png?z=0,0")
        with httpx.Client(base_url=f"http://{address}") as client:
            for _ in range(20):
                client.get("/decode.png?z=1,1", headers={"traceparent": TRACEPARENT})
            client.get("/decode.png?z=1,1", headers={"traceparent": f"{TRACEPARENT[:-1]}0"})
            client.get("/decode.png?z=none")
            client.get("/nothing")
            client.post("/decode", json={"z": [[0, 0]] * 3})
            client.get("/interpolate.ndjson?from=0,0&to=1,1&steps=200")
        leave_early(address)
        before = len(collector.spans)
    assert before == 0
    assert count_statuses(collector) == {
        "GET /decode.{extension} 200": 40,
        "GET /decode.{extension} 422": 1,
        "GET 404": 1,
        "POST /decode 200": 1,
        "GET /interpolate.{extension} 200": 1,
        "POST /decode 499": 1,
    }
    parents = [span.parent_span_id.hex() for span in collector.requests]
    assert parents.count(TRACEPARENT.split("-")[2]) == 20
    parts = [span for _, span in collector.spans if span.kind != SERVER]
    assert {span.name for span in parts} == {"queue", "inference", "encode"}
    ids = {span.span_id for span in collector.requests}
    assert len(ids) == 45
    assert {span.parent_span_id for span in parts} <= ids
    check_resources(collector, int(workers))


def check_resources(collector: Collector, workers: int) -> None:
    resources = [resource for resource, _ in collector.spans]
    assert {resource["service.name"] for resource in resources} == {"pictures"}
    assert {resource["service.version"] for resource in resources} == {"9"}
    assert {resource["deployment.environment"] for resource in resources} == {"test"}
    assert len({resource["service.instance.id"] for resource in resources}) <= workers
    assert {headers["api-key"] for headers in collector.headers} == {"secret one"}


def leave_early(address: str) -> None:
    """Send half of a body and go."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = "POST /decode HTTP/1.1", "host: a", "content-type: application/json", "content-length: 99"
        connection.sendall("\r\n".join([*head, "", "{"]).encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""  # the service has seen it


@pytest.mark.slow(alone=False)
def test_by_itself_it_says_its_name_and_version(collector: Collector, tmp_path: pathlib.Path) -> None:
    with serve(tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address, **SOON) as address:
        httpx.get(f"http://{address}/decode.png?z=0,0")
        assert len(collector.wait(1)) == 1
    resource, _ = collector.spans[0]
    assert (resource["service.name"], resource["service.version"]) == ("cvae-service", __version__)


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize("state", ["refuses", "is down", "hangs"])
def test_a_collector_that_takes_nothing_holds_up_nothing(tmp_path: pathlib.Path, state: str) -> None:
    with collect() as collector, socket.socket() as silent:
        collector.status = 503
        silent.bind(("127.0.0.1", 0))
        if state == "hangs":
            silent.listen()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        endpoint = collector.address if state == "refuses" else address
        settings = {"OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10", **SOON}
        with serve(tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, **settings) as served:
            with httpx.Client(base_url=f"http://{served}") as client:
                statuses = [client.get("/decode.png?z=0,0").status_code for _ in range(100)]
            began = time.monotonic()
        assert statuses == [200] * 100
        assert time.monotonic() - began < 10  # the stop waits 3 s for it
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log


def start(log: pathlib.Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        more = {"CVAE_PORT": "0", "CVAE_DRAIN_MS": "0", **environment}
        command = [sys.executable, "-c", WITHOUT]
        return subprocess.Popen(command, cwd=ROOT, stderr=file, env={**os.environ, **more})


# As where the extra is not installed; workers begin by importing the same program.
WITHOUT = """
import importlib.machinery, sys
class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ("opentelemetry.sdk", "opentelemetry.exporter"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent)
from service.server.main import main
sys.exit(main())
"""


@pytest.mark.slow(alone=False)
def test_without_the_extra_it_serves_and_says_once_what_to_install(tmp_path: pathlib.Path) -> None:
    process = start(tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    try:
        port = wait_for_port(tmp_path / "log", process)
        assert httpx.get(f"http://127.0.0.1:{port}/decode.png?z=0,0").status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    log = (tmp_path / "log").read_text()
    assert log.count("pip install 'cvae-service[otel]'") == 1
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in log


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize("environment", [{}, {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}])
def test_turned_off_nothing_of_it_is_loaded(environment: dict[str, str]) -> None:
    program = """
import sys
from service.core.settings import Settings
from service.observability.traces.start import start_tracing
from service.server.app import create_app
app = create_app(Settings.model_construct(), None, start_tracing())
assert app.entrance is app.direct
assert not [name for name in sys.modules if name.startswith("opentelemetry.sdk")]
"""
    clean: dict[str, Any] = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=clean | environment, check=True)
