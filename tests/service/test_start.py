"""`python -m service`, which a container runs with what stands behind the image's name."""

from __future__ import annotations

import os
import pathlib
import runpy
import subprocess
import sys
from collections.abc import Callable

import pytest

from service.__main__ import start
from tests.live import ROOT, wait_for_port
from tests.service.fake import write_bundle

HEALTH = ROOT / "docker" / "healthcheck.py"
DEADLINE_S = 120
PLACE = "/proc/1/cmdline"
Ask = Callable[..., int]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--help"], 0, "Usage: cvae [OPTIONS] COMMAND"),
        (["doctor", "models/mnist-2d"], 0, "all is well"),
        (["decode", "0,0", "--format", "json"], 0, '{"model":"mnist-2d"'),
        (["decode", "0,x"], 2, "cvae: VECTORS[1]: expected a number"),
        (["--nothing"], 2, "cvae: No such option"),
    ],
)
def test_it_knows_the_commands_and_the_options_of_cvae(
    arguments: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=rf"^{status}$"):
        start(arguments)
    said = capsys.readouterr()
    assert says in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [(["--version"], 0, "cvae, version "), (["--port", "http"], 1, "service: CVAE_PORT: ")],
)
def test_as_a_process_it_ends_with_their_status(arguments: list[str], status: int, says: str) -> None:
    done = run(*arguments)
    assert done.returncode == status, done.stderr
    assert says in done.stdout + done.stderr


@pytest.fixture
def ask(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run the health check beside a first process of the container with another command line."""
    opened = os.open

    def run_check(port: str, *command: str) -> int:
        line = tmp_path / "cmdline"
        line.write_text("\0".join(("python", "-m", "service", *command, "")))
        with monkeypatch.context() as context:
            context.setenv("CVAE_PORT", port)
            context.setattr(os, "open", lambda path, flags: opened({PLACE: line}[path], flags))
            status: int = runpy.run_path(str(HEALTH))["main"]()
        return status

    return run_check


@pytest.mark.slow(alone=False)
def test_the_health_check_asks_where_the_command_listens(tmp_path: pathlib.Path, ask: Ask) -> None:
    models = write_bundle(tmp_path / "models" / "fake").parent
    command = [sys.executable, "-m", "service", "--port", "0", "--models-dir", str(models)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stderr=log, env={**os.environ, "CVAE_DRAIN_MS": "0"})
    try:
        port = wait_for_port(tmp_path / "log", process)
        assert ask("1", "--port", port) == ask("1", f"--port={port}") == ask(port) == 0
        assert ask("1") == ask(port, "--port", "1") == 1
    finally:
        process.terminate()
        assert process.wait(DEADLINE_S) == 0
    assert ask(port) == 1


def test_the_health_check_imports_next_to_nothing() -> None:
    program = f"import runpy, sys; runpy.run_path({str(HEALTH)!r}); print(*sys.modules)"
    line = [sys.executable, "-I", "-S", "-c", program]
    loaded = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert not {"socket", "http", "selectors", "email"} & set(loaded)
