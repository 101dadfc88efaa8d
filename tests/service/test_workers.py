"""Several workers: what becomes of them, of their parent, and of the requests meanwhile."""

from __future__ import annotations

import contextlib
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

from service.workers import explain
from tests.live import ROOT, wait_for_port

pytestmark = pytest.mark.slow

DEADLINE_S = 20


class Service:
    """Two workers and their parent."""

    def __init__(self, models_dir: pathlib.Path, log: pathlib.Path) -> None:
        self.log = log
        settings = {"MODELS_DIR": str(models_dir), "PORT": "0", "WORKERS": "2", "DRAIN_MS": "500"}
        environment = {**os.environ, **{f"CVAE_{name}": value for name, value in settings.items()}}
        with log.open("wb") as file:
            command = [sys.executable, "-m", "service"]
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=file, env=environment)
        self.url = f"http://127.0.0.1:{wait_for_port(log, self.process)}"
        self.wait(lambda: len(self.workers()) == 2)

    def workers(self) -> set[int]:
        """The processes that serve; a third one watches over what they share."""
        folder = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = set()
        for pid in map(int, folder.read_text().split()):
            with contextlib.suppress(OSError):
                if b"spawn_main" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.add(pid)
        return found

    def wait(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def started(self) -> int:
        return self.log.read_text().count("Application startup complete")


@pytest.fixture
def service(models_dir: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Service]:
    service = Service(models_dir, tmp_path / "log")
    yield service
    if service.process.poll() is None:
        service.process.terminate()
        service.process.wait(DEADLINE_S)


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_the_parent_holds_no_model(service: Service) -> None:
    maps = {pid: pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in service.workers()}
    service.wait(lambda: service.started() == 2)
    assert all("onnxruntime" in pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in maps)
    assert "onnxruntime" not in pathlib.Path(f"/proc/{service.process.pid}/maps").read_text()


def test_a_worker_that_is_killed_is_replaced(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    service.wait(lambda: len(service.workers() - before) == 1 and service.started() == 3)
    assert f"worker [{victim}] was ended by SIGKILL; was memory short?" in service.log.read_text()
    assert httpx.get(f"{service.url}/health/ready").status_code == 200


def test_without_their_parent_the_workers_stop(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    workers = service.workers()
    service.process.kill()
    service.process.wait()
    service.wait(lambda: not any(map(is_running, workers)))
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url)


def test_hangup_replaces_the_workers_and_loses_nothing(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    service.process.send_signal(signal.SIGHUP)
    asked = 0
    with httpx.Client() as client:
        end = time.monotonic() + DEADLINE_S
        while service.workers() & before or len(service.workers()) < 2:
            assert time.monotonic() < end
            assert client.post(f"{service.url}/decode", json={"z": [0.5, -1.0]}).status_code == 200
            asked += 1
    assert asked > 10
    service.wait(lambda: service.started() == 4)


def test_signals_that_mean_nothing_to_workers_do_nothing(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        service.process.send_signal(number)
    for pid in service.workers():
        for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGINT):
            os.kill(pid, number)
    time.sleep(0.5)
    assert service.workers() == before
    assert httpx.get(f"{service.url}/health/ready").status_code == 200


def test_only_what_stops_it_ends_a_stop_at_once(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    with httpx.Client() as client:
        assert client.get(f"{service.url}/health/live").status_code == 200
        service.process.terminate()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            time.sleep(0.05)
            service.process.send_signal(number)
        time.sleep(0.1)
        assert client.get(f"{service.url}/health/live").headers["connection"] == "close"
    assert service.process.wait(DEADLINE_S) == 0


def test_nothing_but_a_stop_keeps_workers_from_being_replaced(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    service.process.send_signal(signal.SIGHUP)
    service.wait(lambda: "replacing the workers" in service.log.read_text())
    service.process.send_signal(signal.SIGUSR1)
    service.wait(lambda: len(service.workers()) == 2 and not service.workers() & before)
    assert "did not start" not in service.log.read_text()


def test_of_two_services_on_one_port_one_says_that_it_cannot(
    models_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = {"MODELS_DIR": str(models_dir), "PORT": port, "WORKERS": "2", "DRAIN_MS": "0"}
    environment = {**os.environ, **{f"CVAE_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "service"]
    logs = [tmp_path / "a", tmp_path / "b"]
    both = []
    for log in logs:
        with log.open("wb") as file:
            both.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file))
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and all(process.poll() is None for process in both):
        time.sleep(0.05)
    for process in both:
        process.terminate()
    assert sorted(process.wait(DEADLINE_S) for process in both) == [0, 3]
    assert sum("cannot listen on 127.0.0.1" in log.read_text() for log in logs) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stop_while_it_starts_is_no_failure(
    models_dir: pathlib.Path, tmp_path: pathlib.Path, workers: str
) -> None:
    environment = {
        **os.environ,
        "CVAE_MODELS_DIR": str(models_dir),
        "CVAE_PORT": "0",
        "CVAE_WORKERS": workers,
    }
    for after_s in (0.3, 0.6, 0.9, 1.2):
        with (tmp_path / "log").open("wb") as file:
            command = [sys.executable, "-m", "service"]
            process = subprocess.Popen(
                command, cwd=ROOT, stderr=file, env={**environment, "CVAE_DRAIN_MS": "0"}
            )
        time.sleep(after_s)
        process.terminate()
        status, log = process.wait(DEADLINE_S), (tmp_path / "log").read_text()
        assert "Traceback" not in log, log
        # Before anything of ours runs, the interpreter ends by the signal itself.
        assert status in (0, -signal.SIGTERM), log


# As a terminal does at Ctrl+C, and systemd at `systemctl stop`.
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_is_one_to_each(service: Service, number: signal.Signals) -> None:
    service.wait(lambda: service.started() == 2)
    with httpx.Client() as client:
        assert client.get(f"{service.url}/health/live").status_code == 200
        for pid in (*service.workers(), service.process.pid):
            os.kill(pid, number)
        time.sleep(0.05)
        assert client.get(f"{service.url}/health/live").headers["connection"] == "close"
    assert service.process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "ended with status 1"),
        (0, "ended with status 0"),
        (-9, "was ended by SIGKILL; was memory short?"),
        (-11, "was ended by SIGSEGV"),
    ],
)
def test_how_a_worker_ended_is_said_in_words(code: int, words: str) -> None:
    assert explain(code) == words
