"""The service over the shipped bundle, as a process of its own on a free port."""

from __future__ import annotations

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
    log = tmp_path_factory.mktemp("service") / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"], cwd=ROOT, stderr=file, env={**os.environ, "CVAE_PORT": "0"}
        )
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
