"""The process as an operator meets it: started, asked, stopped."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import io
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
import numpy as np
import pytest

from service.imaging.formats.png import write_png
from tests.service.fake import write_bundle

ROOT = pathlib.Path(__file__).parents[3]
DEADLINE_S = 120


@pytest.fixture
def models(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "models" / "fake").parent


@dataclasses.dataclass
class Server:
    """A started service; its whole process group is killed at the end, workers too."""

    process: subprocess.Popen[bytes]
    log: pathlib.Path

    def finish(self) -> tuple[int, str]:
        return self.process.wait(DEADLINE_S), self.log.read_text()


@pytest.fixture
def start(models: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(**settings: str) -> Server:
        settings = {"models_dir": str(models), "drain_ms": "0", "port": "0", **settings}
        variables = {f"CVAE_{k.upper()}": v for k, v in settings.items()}
        command = [sys.executable, "-m", "service"]
        log = tmp_path / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **variables}, stderr=file, start_new_session=True
            )
        started.append(Server(process, log))
        return started[-1]

    yield start
    for server in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()


def wait(server: Server, host: str = "127.0.0.1") -> int:
    """Waits until the service is ready, and gives the port that it chose and says in its log."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and server.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if said := re.search(r"running on http://\S+:(\d+)", server.log.read_text()):
                ready = httpx.get(f"http://{host}:{said[1]}/health/ready", timeout=DEADLINE_S, verify=False)
                assert ready.status_code == 200
                return int(said[1])
        time.sleep(0.05)
    raise AssertionError(server.log.read_text())


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow(alone=False))])
def test_serves_until_it_is_told_to_stop(start: Callable[..., Server], workers: str) -> None:
    server = start(workers=workers)
    port = wait(server)
    answer = httpx.post(f"http://127.0.0.1:{port}/decode", json={"z": [0.5, -1.0]})
    assert answer.content.startswith(b"\x89PNG")
    assert "server" not in answer.headers
    server.process.send_signal(signal.SIGTERM)
    status, log = server.finish()
    assert status == 0, log
    assert re.search(r"fake@[0-9a-f]{12} runs on CPUExecutionProvider", log)
    assert "Traceback" not in log


@pytest.mark.slow(alone=False)
def test_whichever_worker_answers_the_bytes_are_the_same(start: Callable[..., Server]) -> None:
    port = wait(start(workers="2", models_dir=str(ROOT / "models")))
    url = f"http://127.0.0.1:{port}/decode"
    vectors = [[i / 5, -i / 7] for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        # Each on a connection of its own, any of which may be accepted by either. To read the certificates of
        # all authorities each time would take most of the test.
        asked = pool.map(lambda z: httpx.post(url, json={"z": z}, verify=False).content, vectors * 12)
        together = httpx.post(f"{url}?format=npy&dtype=uint8", json={"z": vectors}).content
        found = list(asked)
    images = np.load(io.BytesIO(together))
    counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'cvae_request_duration_seconds_count{route="/decode",status="200"} 97.0' in counted
    assert [set(found[i::8]) for i in range(8)] == [{write_png(image[..., np.newaxis])} for image in images]


@pytest.mark.slow(alone=False)
def test_a_declared_length_is_refused_while_the_body_is_still_to_come(start: Callable[..., Server]) -> None:
    port = wait(start(max_body_bytes="1000"))
    fields = "Host: x\r\nContent-Type: application/json\r\nContent-Length: 9999999"
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(f"POST /decode HTTP/1.1\r\n{fields}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"port": "http"}, "CVAE_PORT: Input should be a valid integer"),
        ({"provider": "cuda"}, "CVAE_PROVIDER: expected one of auto, cpu, received cuda"),
        ({"provider": "tpu"}, "CVAE_PROVIDER: Input should be 'auto', 'cpu', 'cuda' or 'tensorrt'"),
        ({"worker": "2"}, "CVAE_WORKER: expected the name of a setting, perhaps CVAE_WORKERS"),
        ({"models_dir": "/nowhere"}, "/nowhere: expected a folder with at least one"),
        ({"default_model": "other"}, "CVAE_DEFAULT_MODEL: expected one of fake, received 'other'"),
        ({"workers": "2", "provider": "cuda"}, "CVAE_PROVIDER: expected one of auto, cpu, received cuda"),
    ],
)
def test_what_must_not_start_stops_with_one_line(
    start: Callable[..., Server], settings: dict[str, str], says: str
) -> None:
    status, log = start(**settings).finish()
    assert status == 3
    assert log.startswith(f"service: {says}"), log
    assert log.count("\n") == 1


@pytest.mark.slow(alone=False)
def test_a_damaged_bundle_stops_with_one_line(models: pathlib.Path, start: Callable[..., Server]) -> None:
    (models / "fake" / "decoder.onnx").write_bytes(b"junk")
    status, log = start().finish()
    assert status == 3
    assert re.fullmatch(r"service: \S+decoder\.onnx: sha256: expected [0-9a-f]+, found [0-9a-f]+\n", log)


@pytest.fixture
def full(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A disk without room, as only root can make one."""
    place = tmp_path / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    with contextlib.suppress(OSError), (place / "filler").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@pytest.mark.slow
def test_two_workers_count_though_the_temporary_folder_is_full(
    start: Callable[..., Server], full: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(full))
    server = start(workers="2")
    port = wait(server)
    for i in range(40):
        assert httpx.get(f"http://127.0.0.1:{port}/decode.png?z={i},0").status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/nothing/{i}").status_code == 404
    counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'count{route="/decode.{extension}",status="200"} 40.0' in counted
    server.process.terminate()
    status, log = server.finish()
    assert (status, "died" in log) == (0, False), log


@pytest.mark.slow
def test_what_an_earlier_start_counted_is_not_counted_again(
    start: Callable[..., Server], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "new" / "counts"))
    for workers in ("1", "2"):
        server = start(workers=workers)
        port = wait(server)
        for _ in range(10):
            assert httpx.get(f"http://127.0.0.1:{port}/decode.png?z=1,0").status_code == 200
        counted = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert 'count{route="/decode.{extension}",status="200"} 10.0' in counted
        server.process.terminate()
        server.finish()


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(("host", "shown"), [("::", "[::]"), ("[::1]", "[::1]")])
def test_it_listens_on_ipv6(start: Callable[..., Server], workers: str, host: str, shown: str) -> None:
    server = start(host=host, workers=workers)
    port = wait(server, "[::1]")
    assert httpx.get(f"http://[::1]:{port}/decode.png?z=0,0").status_code == 200
    server.process.terminate()
    status, log = server.finish()
    assert status == 0
    assert f"running on http://{shown}:{port}" in log


@pytest.mark.slow(alone=False)
def test_a_variable_that_nothing_reads_is_logged_once(start: Callable[..., Server]) -> None:
    server = start(workers="2", zebra="1", service_host="10.0.0.1")
    wait(server)
    server.process.terminate()
    _, log = server.finish()
    assert log.count("CVAE_ZEBRA is no setting") == 1
    assert "CVAE_SERVICE_HOST" not in log


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize("access_log", ["true", "false"])
def test_requests_are_logged_if_asked_for(start: Callable[..., Server], access_log: str) -> None:
    server = start(access_log=access_log)
    wait(server)
    server.process.terminate()
    _, log = server.finish()
    assert ('"GET /health/ready HTTP/1.1" 200' in log) == (access_log == "true")
