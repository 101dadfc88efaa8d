"""Owns the service as a process with its log in a file: start, signals, end, memory, handles."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.harness.processes import find_tree, memory_mb
from tests.live import ROOT, wait_for_port, wait_for_workers

READY_S = 60.0
STOP_S = 30.0
# Workers take connections by chance: so many answers in a row, and all of them are likely to listen.
READY_ANSWERS = 20
# How each entry of the log begins; tracebacks go on behind it.
ENTRY = re.compile(r"^(?=[0-9]{4}-[0-9]{2}-[0-9]{2} )", re.MULTILINE)
MARKS = ("Traceback", " ERROR ", " CRITICAL ")
SHOWN = 300
PROC = pathlib.Path("/proc")


class Service:
    """A running service.

    Attributes:
        process: The first of its processes.
        port: That it listens on.
        log: Its log's file.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: pathlib.Path) -> None:
        """Store what `serve` has found."""
        self.process = process
        self.port = port
        self.log = log

    def signal(self, number: int) -> None:
        """Send a signal to the first process alone."""
        self.process.send_signal(number)

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self.process.poll() is None

    def memory_mb(self) -> float:
        """Return the memory of all its processes, shared pages in parts."""
        return memory_mb(self.process.pid)

    def count_handles(self) -> int:
        """Return how many files and sockets its processes hold."""
        count = 0
        for pid in find_tree(self.process.pid):
            with contextlib.suppress(OSError):
                count += len(list((PROC / str(pid) / "fd").iterdir()))
        return count

    def find_errors(self) -> list[str]:
        """Return what no run should leave in the log: errors, and tracebacks with their ends."""
        entries = ENTRY.split(self.log.read_text(errors="replace"))
        bad = [entry.strip() for entry in entries if any(mark in entry for mark in MARKS)]
        return [entry if len(entry) < 2 * SHOWN else f"{entry[:SHOWN]} … {entry[-SHOWN:]}" for entry in bad]


@contextlib.contextmanager
def serve(
    folder: pathlib.Path,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    module: Sequence[str] = ("service",),
) -> Iterator[Service]:
    """Run the service, on a free port, until the context ends.

    Args:
        folder: That its log goes to.
        workers: Its processes.
        settings: Further environment variables.
        module: That is run, and its arguments.

    Yields:
        The service, ready.

    Raises:
        AssertionError: It did not become ready; the message is its log.
    """
    log = folder / f"service-{time.monotonic_ns()}.log"
    environment = {**os.environ, "CVAE_PORT": "0", "CVAE_WORKERS": str(workers), **(settings or {})}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], cwd=ROOT, stderr=file, env=environment, start_new_session=True
        )
    try:
        service = Service(process, int(wait_for_port(log, process)), log)
        wait_for_workers(log, process, workers)
        _wait_until_ready(service)
        yield service
    finally:
        _end(process)


def ask(port: int, path: str, timeout_s: float = 5.0) -> tuple[int, bytes]:
    """Return the status and the body that a new connection's request gets; 0 and nothing if it gets none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def ask_status(port: int, path: str = "/health/ready", timeout_s: float = 5.0) -> int:
    """Return the status that a new connection's request gets; 0 if it gets none."""
    return ask(port, path, timeout_s)[0]


def _wait_until_ready(service: Service) -> None:
    end, row = time.monotonic() + READY_S, 0
    while row < READY_ANSWERS:
        if not service.is_alive() or time.monotonic() > end:
            raise AssertionError(service.log.read_text(errors="replace"))
        row = row + 1 if ask_status(service.port) == 200 else 0
        if not row:
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    rest = find_tree(process.pid).keys() - {process.pid}
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pid in rest & find_tree(process.pid).keys():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
