"""`/metrics` on a port of its own: whole, bounded, and gone from the other port."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi.testclient import TestClient

from service.core.errors import StartupError
from service.core.settings import Settings
from service.server import metrics_port
from service.server.app import create_app
from service.server.metrics_port import MOST, open_metrics_port
from service.server.processes.listening import bind
from tests.live import ROOT


@contextlib.contextmanager
def opened(
    render: metrics_port.Render = lambda accept: (f"for {accept}\n".encode(), "text/x"),
) -> Iterator[str]:
    """Gives the URL of a port that answers with what a function gives."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open_metrics_port(Settings(metrics_port=port)) as show:
        show(render)
        yield f"http://127.0.0.1:{port}"


def test_it_answers_get_and_head_of_one_path() -> None:
    with opened() as url:
        answer = httpx.get(f"{url}/metrics?a=b", headers={"accept": "text/y"})
        assert (answer.status_code, answer.text) == (200, "for text/y\n")
        assert answer.headers["content-type"] == "text/x"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
        head = httpx.head(f"{url}/metrics")
        assert (head.status_code, head.text) == (200, "")
        assert int(head.headers["content-length"]) > 0
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "/decode.png?z=0,0", 404),
            ("POST", "/metrics", 405),
            ("BREW", "/metrics", 405),
        ):
            refused = httpx.request(method, url + path)
            assert refused.status_code == refused.json()["status"] == status
            assert refused.headers["content-type"] == "application/problem+json"


def test_what_cannot_be_written_is_503(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: str) -> tuple[bytes, str]:
        raise OSError("no file")

    with opened(fail) as url:
        assert httpx.get(f"{url}/metrics").status_code == 503
        assert "the metrics cannot be written" in caplog.text


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\nx-y", b"\x00\xff\r\n\r\n", b"GET\r\n\r\n"])
def test_few_connections_hold_it_and_not_for_long(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(metrics_port, "LIFE_S", 0.3)
    monkeypatch.setattr(metrics_port, "POLL_S", 0.1)
    with opened() as url, contextlib.ExitStack() as stack:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        for _ in range(MOST + 4):
            connection = stack.enter_context(socket.create_connection(address))
            connection.sendall(sent)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(httpx.TransportError):
                assert httpx.get(f"{url}/metrics").status_code == 200
                return
        raise AssertionError("it is held")


def test_it_ends_though_someone_is_connected() -> None:
    with contextlib.ExitStack() as stack:
        with opened() as url:
            address = "127.0.0.1", int(url.rpartition(":")[2])
            held = stack.enter_context(socket.create_connection(address))
            held.sendall(b"GET /metr")
        held.settimeout(10)
        # What it had sent may not have been read yet, and then the end is a reset.
        with contextlib.suppress(ConnectionResetError):
            assert held.recv(1000) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_a_port_that_is_taken_stops_the_start() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(
                StartupError, match=f"^CVAE_HOST, CVAE_METRICS_PORT: cannot listen .* port {port}: "
            ),
            open_metrics_port(Settings(metrics_port=port)),
        ):
            pass
    with (
        pytest.raises(StartupError, match="expected another port than CVAE_PORT, received 8000"),
        open_metrics_port(Settings(metrics_port=8000)),
    ):
        pass


def test_the_public_port_says_nothing_any_more(models_dir: pathlib.Path) -> None:
    app = create_app(Settings(models_dir=models_dir, metrics_port=9000))
    with TestClient(app) as client:
        answer = client.get("/metrics")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert client.post("/metrics").status_code == 404
        assert "/metrics" not in client.get("/openapi.json").json()["paths"]


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(("workers", "host"), [("1", "[::1]"), ("2", "127.0.0.1")])
def test_one_port_has_the_figures_of_all_workers(
    models_dir: pathlib.Path, tmp_path: pathlib.Path, workers: str, host: str
) -> None:
    log = tmp_path / "log"
    variables = {
        "CVAE_MODELS_DIR": str(models_dir),
        "CVAE_WORKERS": workers,
        "CVAE_HOST": host,
        "CVAE_METRICS_PORT": "0",
        "CVAE_PORT": "0",
        "CVAE_DRAIN_MS": "0",
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"], cwd=ROOT, stderr=file, env={**os.environ, **variables}
        )
    try:
        address, url = _wait_for(log, process, "running on (http://\\S+)", "metrics on (http://\\S+)")
        assert url.endswith("/metrics")
        assert httpx.get(f"{address}/metrics").status_code == 404
        for i in range(10):
            assert httpx.get(f"{address}/decode.png?z={i},0&model=fake").status_code == 200
        wanted = 'cvae_request_duration_seconds_count{route="/decode.{extension}",status="200"} 10.0\n'
        _until(
            lambda: wanted in (text := httpx.get(url).text) and f"cvae_ready_workers {workers}.0\n" in text
        )
        if workers == "2":
            assert "cvae_worker_deaths_total 0.0\n" in httpx.get(url).text
            _kill_worker(process.pid)
            _until(lambda: "cvae_worker_deaths_total 1.0\n" in httpx.get(url).text)
            _until(lambda: "cvae_ready_workers 2.0\n" in httpx.get(url).text)
            assert wanted in httpx.get(url).text  # what it counted is not lost
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait()


def _wait_for(log: pathlib.Path, process: subprocess.Popen[bytes], *patterns: str) -> list[str]:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        found = [re.search(pattern, log.read_text()) for pattern in patterns]
        if all(found):
            return [str(each[1]) for each in found if each]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def _kill_worker(parent: int) -> None:
    for path in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"PPid:\t{parent}\n" in path.read_text():
                command = (path.parent / "cmdline").read_text()
                if "spawn_main" in command:
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    return
    raise AssertionError("there is no worker")


@pytest.mark.slow(alone=False)
def test_a_taken_port_is_said_in_one_line(models_dir: pathlib.Path) -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = str(taken.getsockname()[1])
        for workers in ("1", "2"):
            variables = {
                "CVAE_MODELS_DIR": str(models_dir),
                "CVAE_METRICS_PORT": port,
                "CVAE_WORKERS": workers,
                "CVAE_PORT": "0",
            }
            found = subprocess.run(
                [sys.executable, "-m", "service"],
                cwd=ROOT,
                env={**os.environ, **variables},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert found.returncode == 3
            assert re.fullmatch(r"service: CVAE_HOST, CVAE_METRICS_PORT: cannot listen .*\n", found.stderr)
