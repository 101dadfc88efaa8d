"""Both halves as a user starts them: the training's commands, and the service over a folder of bundles."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx

ROOT = pathlib.Path(__file__).parents[2]
# The service runs in its own environment, which holds no TensorFlow; `make test` makes both.
SERVICE = ROOT / ".venv" / "bin" / "python"
DEADLINE_S = 60


def training(*arguments: object) -> dict[str, Any]:
    """Runs a command as a user would; its JSON, if it gives any."""
    command = [sys.executable, "-m", "training", *map(str, arguments)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=900).stdout
    found: dict[str, Any] = json.loads(output) if output.startswith("{") else {}
    return found


@contextlib.contextmanager
def serve(models: pathlib.Path) -> Iterator[httpx.Client]:
    """Starts the service on a free port, waits until it is ready, and stops it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {**os.environ, "CVAE_MODELS_DIR": str(models), "CVAE_PORT": str(port)}
    process = subprocess.Popen([str(SERVICE), "-m", "service"], cwd=ROOT, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S) as client:
            end = time.monotonic() + DEADLINE_S
            while not is_ready(client):
                assert process.poll() is None, "the service ended"
                assert time.monotonic() < end, "the service was not ready in time"
                time.sleep(0.1)
            yield client
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def is_ready(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/health/ready").status_code == 200
    return False
