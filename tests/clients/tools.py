"""Run the programs of `clients/node_modules` and `.venv-clients`."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Sequence

ROOT = pathlib.Path(__file__).parents[2]
CLIENTS = ROOT / "clients"
GENERATED = CLIENTS / "generated"
OUT = GENERATED / "out"
SCHEMA = ROOT / "openapi.json"
PYTHON = ROOT / ".venv-clients" / "bin"
NODE = CLIENTS / "node_modules" / ".bin"
LIMIT_S = 120
# Of tools that would tell their makers, or ask them whether there is a newer version.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


def run(command: Sequence[str | pathlib.Path], cwd: pathlib.Path = CLIENTS, **more: str) -> str:
    """Gives what a program says, on standard output and then on standard error; it must not fail."""
    # Generators look for formatters on the path.
    path = os.pathsep.join([str(NODE), str(PYTHON), os.environ["PATH"]])
    environment = {**os.environ, **QUIET, "PATH": path, **more}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
