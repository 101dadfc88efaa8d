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
import types
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from service.core.settings import Settings
from service.server import supervisor
from service.server.processes import silence
from service.server.processes.messages import ASK, ENDED
from service.server.supervisor import Workers
from service.server.worker import FAILED
from tests.live import ROOT, count_started, hold_port, wait_for_port
from tests.service.fake import change, write_bundle

DEADLINE_S = 120


class Service:
    """Two workers and their parent."""

    def __init__(self, models_dir: pathlib.Path, log: pathlib.Path, **more: str) -> None:
        self.log = log
        settings = {"MODELS_DIR": str(models_dir), "PORT": "0", "WORKERS": "2", "DRAIN_MS": "500", **more}
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
        return count_started(self.log)


@contextlib.contextmanager
def run(models_dir: pathlib.Path, log: pathlib.Path, **settings: str) -> Iterator[Service]:
    service = Service(models_dir, log, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.terminate()
            service.process.wait(DEADLINE_S)


@pytest.fixture
def service(models_dir: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Service]:
    with run(models_dir, tmp_path / "log") as service:
        yield service


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.slow
def test_the_parent_holds_no_model(service: Service) -> None:
    maps = {pid: pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in service.workers()}
    service.wait(lambda: service.started() == 2)
    assert all("onnxruntime" in pathlib.Path(f"/proc/{pid}/maps").read_text() for pid in maps)
    assert "onnxruntime" not in pathlib.Path(f"/proc/{service.process.pid}/maps").read_text()


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    service.wait(lambda: len(service.workers() - before) == 1 and service.started() == 3)
    assert f"worker [{victim}] was ended by SIGKILL; was memory short?" in service.log.read_text()
    assert httpx.get(f"{service.url}/health/ready").status_code == 200


@pytest.mark.slow
def test_a_worker_that_stands_still_is_replaced_and_serves_what_the_others_do(
    service: Service, models_dir: pathlib.Path
) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    victim = min(before)
    decoder = models_dir / "fake" / "decoder.onnx"
    content = decoder.read_bytes()
    decoder.write_bytes(b"junk")  # from the files, it could not start
    try:
        os.kill(victim, signal.SIGSTOP)
        service.wait(lambda: len(service.workers() - before) == 1 and service.started() == 3)
    finally:
        decoder.write_bytes(content)
    assert f"worker [{victim}] stood still for 5 s, and was killed" in service.log.read_text()
    ready = {"status": "ready", "workers": {"ready": 2, "wanted": 2}}
    service.wait(lambda: bool(httpx.get(f"{service.url}/health/ready").json() == ready))


@pytest.mark.slow
def test_if_all_die_at_once_the_next_serve_what_they_did_and_earlier_versions_too(
    tmp_path: pathlib.Path,
) -> None:
    folder = write_bundle(tmp_path / "models" / "fake")
    with run(folder.parent, tmp_path / "log") as service:
        service.wait(lambda: service.started() == 2)
        old = httpx.get(f"{service.url}/models/fake").json()["version"]
        new = change(folder)
        service.process.send_signal(signal.SIGHUP)
        service.wait(lambda: f"reload: fake@{new}: loaded" in service.log.read_text())
        write_bundle(folder.parent / "other")  # which nobody has asked to be loaded
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        service.wait(lambda: service.started() == 4)
        for _ in range(20):  # each on a connection of its own, so by either worker
            for version in (old, new):
                answer = httpx.get(f"{service.url}/decode.png?z=0,0&model=fake@{version}")
                assert (answer.status_code, answer.headers["cvae-model"]) == (200, f"fake@{version}")
            assert [model["name"] for model in httpx.get(f"{service.url}/models").json()["models"]] == [
                "fake"
            ]


@pytest.mark.slow
def test_workers_that_start_while_the_file_of_keys_is_faulty_ask_for_the_keys_of_before(
    models_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    key, keys = "correct-horse-battery-staple", tmp_path / "keys"
    keys.write_text(key)
    with run(models_dir, tmp_path / "log", API_KEYS_FILE=str(keys)) as service:
        service.wait(lambda: service.started() == 2)
        keys.write_text("web:everything:" + key)
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        service.wait(lambda: service.started() == 4)
        for headers, status in (({}, 401), ({"X-API-Key": key}, 200)):
            for _ in range(5):
                assert httpx.get(f"{service.url}/models", headers=headers).status_code == status
        assert key not in service.log.read_text()


@pytest.mark.slow
def test_without_their_parent_the_workers_stop(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    workers = service.workers()
    service.process.kill()
    service.process.wait()
    service.wait(lambda: not any(map(is_running, workers)))
    with pytest.raises(httpx.ConnectError):
        httpx.get(service.url)


@pytest.mark.slow
def test_sigusr2_replaces_the_workers_and_loses_nothing(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    service.process.send_signal(signal.SIGUSR2)
    asked = 0
    with httpx.Client() as client:
        end = time.monotonic() + DEADLINE_S
        while service.workers() & before or len(service.workers()) < 2:
            assert time.monotonic() < end
            assert client.post(f"{service.url}/decode", json={"z": [0.5, -1.0]}).status_code == 200
            asked += 1
    assert asked > 10
    service.wait(lambda: service.started() == 4)


@pytest.mark.slow
def test_signals_that_mean_nothing_to_workers_do_nothing(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    service.process.send_signal(signal.SIGUSR1)
    for pid in service.workers():
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGINT):
            os.kill(pid, number)
    time.sleep(0.5)
    assert service.workers() == before
    assert httpx.get(f"{service.url}/health/ready").status_code == 200


@pytest.mark.slow
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


@pytest.mark.slow
def test_nothing_but_a_stop_keeps_workers_from_being_replaced(service: Service) -> None:
    service.wait(lambda: service.started() == 2)
    before = service.workers()
    service.process.send_signal(signal.SIGUSR2)
    service.wait(lambda: "replacing the workers" in service.log.read_text())
    service.process.send_signal(signal.SIGUSR1)
    service.wait(lambda: len(service.workers()) == 2 and not service.workers() & before)
    assert "did not start" not in service.log.read_text()


@pytest.mark.slow
def test_of_two_services_on_one_port_one_says_that_it_cannot(
    models_dir: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    settings = {"MODELS_DIR": str(models_dir), "WORKERS": "2", "DRAIN_MS": "0"}
    environment = {**os.environ, **{f"CVAE_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "service"]
    logs = [tmp_path / "a", tmp_path / "b"]
    both = []
    with hold_port() as port:
        environment["CVAE_PORT"] = str(port)
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


@pytest.mark.slow
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
@pytest.mark.slow
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


class Pretended:
    """A worker that is no process."""

    def __init__(self) -> None:
        self.alive, self.leaving, self.deaf, self.ready = True, False, False, True
        self.furnished, self.began, self.silent_s = True, 0.0, 0.0
        self.stops = self.ends = 0
        self.asks: list[int] = []
        self.told: list[tuple[str, Any]] = []
        self.fault = ""
        self.line = types.SimpleNamespace(close=self.hang_up)
        self.hung_up = False
        self.process = types.SimpleNamespace(is_alive=lambda: self.alive, pid=1, exitcode=0)

    @property
    def serving(self) -> bool:
        return self.ready and self.alive and not self.leaving

    @property
    def starting(self) -> bool:
        return not self.ready and self.alive and not self.leaving

    def listen(self) -> None: ...

    def tell(self, kind: str, content: Any = None) -> None:
        self.told.append((kind, content))

    def has_said(self, _kind: str) -> bool:
        return False

    def take(self, kind: str) -> Any:
        return self.asks.pop() if kind == ASK and self.asks else None

    def hang_up(self) -> None:
        self.hung_up = True

    def stop(self) -> None:
        self.leaving = True
        self.stops += 1

    def end(self) -> None:
        self.ends += 1


class Played(Workers):
    """Workers that are pretended; each wait goes on with the next step."""

    def __init__(self, steps: list[Callable[[Any], None]], ready: bool = True) -> None:
        super().__init__(Settings(workers=3))
        self.steps = iter(steps)
        self.waits: list[float | None] = []
        self._was_ready = ready

    def _start(self) -> Any:
        worker: Any = Pretended()
        self.workers.append(worker)
        return worker

    def _wait(self, timeout_s: float | None) -> None:
        self._wait_for_all(timeout_s)

    def _wait_for_all(self, timeout_s: float | None) -> None:
        self.waits.append(timeout_s)
        next(self.steps)(self)

    def watch(self) -> int | None:
        return self._watch()

    def stop(self) -> int:
        return self._stop()

    def replace(self) -> None:
        self._replace()


class Slow(Played):
    """Workers that are ready one step after their start."""

    def _start(self) -> Any:
        worker = super()._start()
        worker.ready = False
        return worker


def end(played: Any) -> None:
    played._note(signal.SIGTERM, None)


def test_while_all_are_there_nothing_wakes_the_parent() -> None:
    played = Played([end])
    assert played.watch() is None
    assert (len(played.workers), played.waits) == (3, [None])


def test_one_that_may_not_be_started_yet_is_waited_for_no_longer() -> None:
    def lose_one(played: Any) -> None:
        played.workers.pop()
        for _ in range(5):
            played._backoff.note(0.0)

    played = Played([lose_one, end])
    played.watch()
    first, second = played.waits
    assert first is None
    assert second is not None
    assert 15 < second <= 16


def test_the_first_starts_alone() -> None:
    def be_ready(played: Any) -> None:
        assert len(played.workers) == 1
        played._was_ready = True

    played = Played([be_ready, end], ready=False)
    played.watch()
    assert len(played.workers) == 3


def test_each_further_signal_ends_the_workers_at_once() -> None:
    def nothing(_: Any) -> None: ...

    def finish(played: Any) -> None:
        for worker in played.workers:
            worker.alive = False

    played = Played([nothing, end, nothing, nothing, end, finish])
    workers = [Pretended(), Pretended()]
    played.workers.extend(workers)  # type: ignore[arg-type]
    assert played.stop() == 0
    assert [(worker.stops, worker.ends) for worker in workers] == [(1, 2), (1, 2)]
    assert [worker.hung_up for worker in workers] == [True, True]
    assert all(wait is not None and wait > 0 for wait in played.waits)


def test_who_asks_for_a_reload_while_it_stops_is_told_that_there_is_none() -> None:
    def ask(played: Any) -> None:
        played.workers[0].asks.append(7)

    def finish(played: Any) -> None:
        assert played.workers[0].told == [(ENDED, ([7], None))]
        for worker in played.workers:
            worker.alive = False

    played = Played([ask, finish])
    played.workers.extend([Pretended(), Pretended()])  # type: ignore[list-item]
    assert played.stop() == 0


def test_who_has_asked_when_a_stop_comes_is_told_that_there_is_none() -> None:
    played = Played([end])
    worker: Any = Pretended()
    worker.ready = False
    played.workers.append(worker)
    played._reload({worker: [3]})
    assert worker.told == [(ENDED, ([3], None))]


def test_who_dies_young_again_and_again_is_started_ever_later() -> None:
    played = Played([])

    def lose(lived_s: float) -> float:
        worker: Any = Pretended()
        worker.alive, worker.began = False, time.monotonic() - lived_s
        played.workers.append(worker)
        played._reap()
        assert (worker.hung_up, played.workers, played._has_failed) == (True, [], False)
        return played._backoff.left_s

    assert [round(lose(1)) for _ in range(7)] == [1, 2, 4, 8, 16, 16, 16]
    assert lose(60) <= 0
    assert [round(lose(1)) for _ in range(2)] == [1, 2]


def test_where_none_could_ever_start_it_ends() -> None:
    played = Played([], ready=False)
    worker: Any = Pretended()
    worker.alive, worker.began, worker.process.exitcode = False, time.monotonic(), FAILED
    played.workers.append(worker)
    played._reap()
    assert played._has_failed


def test_while_a_reload_waits_those_that_die_are_replaced() -> None:
    def lose_one(played: Any) -> None:
        played.workers[0].alive, played.workers[0].began = False, time.monotonic() - 60

    def look(played: Any) -> None:
        assert len(played.workers) == 3
        assert lost not in played.workers
        end(played)

    played = Played([lose_one, look])
    played.workers.extend(Pretended() for _ in range(3))  # type: ignore[misc]
    lost = played.workers[0]
    played._reload({})


def test_those_that_die_while_all_are_replaced_get_one_successor_each() -> None:
    def lose_two(played: Any) -> None:
        for worker in played.workers[1:3]:
            worker.alive, worker.began = False, time.monotonic() - 60

    def be_ready(played: Any) -> None:
        for worker in played.workers:
            worker.ready = True

    played = Slow([lose_two, *[be_ready] * 10, end])
    played.workers.extend(Pretended() for _ in range(3))  # type: ignore[misc]
    olds = list(played.workers)
    played.replace()
    played.watch()
    assert len([worker for worker in played.workers if not worker.leaving]) == 3
    assert all(worker.leaving or worker not in played.workers for worker in olds)


def test_a_reload_waits_for_one_to_serve_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers are to serve may be what keeps them from it."""
    monkeypatch.setattr(supervisor, "NONE_S", 0.05)

    def sleep(played: Any) -> None:
        time.sleep(played.waits[-1])

    played = Played([sleep] * 100)
    played._stock.bundles = b"bundles"
    told, untold, other = Pretended(), Pretended(), Pretended()
    told.ready = untold.ready = other.ready = untold.furnished = other.furnished = False
    played.workers.extend([told, untold, other])  # type: ignore[list-item]
    played._reload({})
    assert played._stock.bundles is None
    assert (told.stops, untold.stops) == (1, 0)


def hang(_listener: Any, _line: Any) -> None:
    """What a worker does whose files never come, and which hears no signal."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(DEADLINE_S)


class Hanging(Workers):
    """A worker that hangs while it starts; the second one ends the play."""

    def _start(self) -> Any:
        if self.workers or "killed" in self.log.text:
            end(self)
        return super()._start()

    def play(self, log: pytest.LogCaptureFixture) -> None:
        self.log = log
        self._alarm, bell = socket.socketpair()
        self._alarm.setblocking(False)
        with self._alarm, bell, socket.socket() as self._listener:
            assert self._watch() is None
        for worker in self.workers:
            worker.process.kill()
            worker.process.join()
            worker.line.close()


def test_a_worker_that_hangs_while_it_starts_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "run_worker", hang)
    monkeypatch.setattr(silence, "START_S", 0.5)
    Hanging(Settings(workers=2, worker_timeout_ms=0)).play(caplog)
    assert caplog.text.count("did not start within 0.5 s, and was killed") == 1
