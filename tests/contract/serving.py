"""Both halves as a user starts them: the training's commands, and the service over a folder of bundles."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import httpx

from tests.live import wait_for_port

ROOT = pathlib.Path(__file__).parents[2]
# The service runs in its own environment, which holds no TensorFlow; `make test` makes both.
SERVICE = ROOT / ".venv" / "bin" / "python"
DEADLINE_S = 120


def training(*arguments: object) -> dict[str, Any]:
    """Runs a command as a user would; its JSON, if it gives any."""
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=900).stdout
    found: dict[str, Any] = json.loads(output) if output.startswith("{") else {}
    return found


@contextlib.contextmanager
def serve(models: pathlib.Path) -> Iterator[httpx.Client]:
    """Starts the service on a free port, waits until it is ready, and stops it at the end."""
    environment = {**os.environ, "CVAE_MODELS_DIR": str(models), "CVAE_PORT": "0"}
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        with log.open("wb") as file:
            command = [str(SERVICE), "-m", "service"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file)
        try:
            url = f"http://127.0.0.1:{wait_for_port(log, process)}"
            with httpx.Client(base_url=url, timeout=DEADLINE_S) as client:
                assert client.get("/health/ready").status_code == 200
                yield client
        finally:
            process.terminate()
            process.wait(DEADLINE_S)
