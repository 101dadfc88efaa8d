"""How a process stops, as its clients and whoever runs it meet it."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.live import ROOT, wait_for_port

pytestmark = pytest.mark.slow

POST = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n"
BODY = b'{"z":[0.5,-1.0]}'
Start = Callable[..., tuple[subprocess.Popen[bytes], int]]


@pytest.fixture
def start(models_dir: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**settings: str) -> tuple[subprocess.Popen[bytes], int]:
        fixed = {"CVAE_MODELS_DIR": str(models_dir), "CVAE_PORT": "0"}
        chosen = {f"CVAE_{name.upper()}": value for name, value in settings.items()}
        log = tmp_path / "log"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "service"]
            process = subprocess.Popen(command, cwd=ROOT, stderr=file, env={**os.environ, **fixed, **chosen})
        started.append(process)
        return process, int(wait_for_port(log, process))

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.terminate()
            process.wait()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def read(client: socket.socket) -> bytes:
    """One answer, which ends with its content or with the connection."""
    answer = b""
    while True:
        piece = client.recv(65_536)
        answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        if not piece or (
            b"content-length: " in head and len(body) == int(head.split(b"gth: ")[1].split()[0])
        ):
            return answer


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_says_that_it_stops_goes_on_and_then_ends(start: Start, workers: str) -> None:
    process, port = start(drain_ms="1500", workers=workers)
    with connect(port) as idle, connect(port) as kept, httpx.Client() as client:
        kept.sendall(POST + BODY)
        assert b"connection: close" not in read(kept)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        ready = client.get(f"http://127.0.0.1:{port}/health/ready")
        assert (ready.status_code, ready.headers["connection"]) == (503, "close")
        kept.sendall(POST + BODY)
        answer = read(kept)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert kept.recv(1) == b""
        new = client.post(f"http://127.0.0.1:{port}/decode", json={"z": [0.5, -1.0]})
        assert (new.status_code, new.headers["connection"]) == (200, "close")
        idle.sendall(POST + BODY)  # until the very end
        assert read(idle).startswith(b"HTTP/1.1 200 ")
        assert process.wait(5) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_has_begun_to_come_is_waited_for(start: Start, workers: str) -> None:
    process, port = start(drain_ms="100", workers=workers)
    with connect(port) as head, connect(port) as body:
        head.sendall(POST[:30])
        body.sendall(POST + BODY[:5])
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        head.sendall(POST[30:] + BODY)
        body.sendall(BODY[5:])
        for client in (head, body):
            answer = read(client)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"\r\nconnection: close\r\n" in answer
        assert process.wait(5) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_client_that_hangs_does_not_keep_it(start: Start, workers: str) -> None:
    process, port = start(drain_ms="100", shutdown_timeout_ms="300", workers=workers)
    with connect(port) as half, connect(port) as idle:
        half.sendall(POST + BODY[:5])
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert time.monotonic() - began < 3
        assert idle.recv(1) == b""


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(start: Start, workers: str, number: signal.Signals) -> None:
    process, port = start(drain_ms="60000", workers=workers)
    with connect(port) as half:
        half.sendall(POST)
        process.send_signal(number)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(5) == 0


def test_signals_that_mean_nothing_here_do_nothing(start: Start) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, a child would ignore it too
    process, port = start(drain_ms="0")
    signal.signal(signal.SIGHUP, before)
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        process.send_signal(number)
    time.sleep(0.2)
    assert httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    process.send_signal(signal.SIGHUP)  # the terminal has been closed
    assert process.wait(5) == 0
