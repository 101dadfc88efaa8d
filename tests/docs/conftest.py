"""The service over the shipped bundles, as a process of its own on a free port."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).parents[2]
DEADLINE_S = 30


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port."""
    with serve(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture(scope="session")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Host and port of one that waits for a slow machine, and draws nothing that takes long."""
    with serve(tmp_path_factory.mktemp("patient"), DEADLINE_MS=60_000, MAX_OUTPUT_PIXELS=4_000_000) as found:
        yield found


@contextlib.contextmanager
def serve(folder: pathlib.Path, **settings: int) -> Iterator[str]:
    """Starts the service, gives its host and port, and stops it at the end; its log lies in the folder."""
    log = folder / "log"
    environment = {**os.environ, "CVAE_PORT": "0"}
    environment |= {f"CVAE_{name}": str(value) for name, value in settings.items()}
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, stderr=file, env=environment)
    try:
        yield f"localhost:{_wait_for_port(log, process)}"
    finally:
        process.terminate()
        process.wait()


def _wait_for_port(log: pathlib.Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())
