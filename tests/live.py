"""The service as a process of its own, on a free port."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).parents[1]
DEADLINE_S = 30


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


def wait_for_port(log: pathlib.Path, process: subprocess.Popen[bytes]) -> str:
    """Gives the port that a service says in its log it listens on."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())
