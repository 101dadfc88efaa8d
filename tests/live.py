"""The service as a process of its own, on a free port; and free ports for other programs."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]
DEADLINE_S = 120


@contextlib.contextmanager
def serve(log: pathlib.Path, **settings: str) -> Iterator[str]:
    """Gives host and port.

    Args:
        log: The file that the service's log goes to.
        **settings: Environment variables.
    """
    environment = {**os.environ, "CVAE_DRAIN_MS": "0", **settings, "CVAE_PORT": "0"}
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, stderr=file, env=environment)
    try:
        yield f"localhost:{wait_for_port(log, process)}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def hold_port() -> Iterator[int]:
    """Gives a port of 127.0.0.1 that nobody else is given, and at which nobody listens by himself.

    The socket that holds it does not listen: connections are refused until a program that reuses addresses,
    as servers do, listens there. To close it first would give others the time to take the port.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def wait_for_port(log: pathlib.Path, process: subprocess.Popen[bytes]) -> str:
    """Gives the port that a service says in its log it listens on."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def count_started(log: pathlib.Path) -> int:
    """Returns how many processes of a service have started so far, by its log."""
    return log.read_text(errors="replace").count("Application startup complete")


def wait_for_workers(log: pathlib.Path, process: subprocess.Popen[bytes], number: int) -> None:
    """Waits until so many processes of a service have started, by its log."""
    end = time.monotonic() + DEADLINE_S
    while count_started(log) < number:
        if time.monotonic() > end or process.poll() is not None:
            raise AssertionError(log.read_text(errors="replace"))
        time.sleep(0.05)
