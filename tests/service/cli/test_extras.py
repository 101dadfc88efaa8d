"""What the base of the package can do alone, and what it says of the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.service.cli.commands import DEADLINE_S, ROOT

ABSENT = (
    "fastapi",
    "onnxruntime",
    "orjson",
    "prometheus_client",
    "pydantic",
    "starlette",
    "uvicorn",
    "zlib_ng",
)
START = f"import sys; sys.modules.update(dict.fromkeys({ABSENT})); sys.path.insert(0, {str(ROOT)!r}); "
COMMAND = START + "from service.cli.main import main; main()"
SERVICE = START + "import runpy; runpy.run_module('service', run_name='__main__')"
INSTALL = "is not installed: pip install 'cvae-service[serve]'"


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    "arguments",
    [
        ["decode", "0.5,-1.0", "0,0", "--format", "json"],
        ["interpolate", "digit:3", "0.1,-0.4", "--format", "json"],
        ["sample", "-n", "2", "--seed", "1"],
        ["models"],
    ],
)
def test_the_base_asks_a_service(url: str, arguments: list[str]) -> None:
    done = run(COMMAND, *arguments, "--url", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "fake" in done.stdout


@pytest.mark.slow(alone=False)
@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        (["decode", "1,2"], f"{INSTALL}, or ask a service: --url URL"),
        (["doctor"], INSTALL),
        (["serve"], INSTALL),
    ],
)
def test_what_needs_more_says_in_one_line_how_to_get_it(arguments: list[str], ends: str) -> None:
    done = run(COMMAND, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("cvae: ")
    assert done.stderr.endswith(f"{ends}\n")
    assert done.stderr.count("\n") == 1


def test_the_module_says_so_too() -> None:
    done = run(SERVICE)
    assert done.returncode == 1
    assert done.stderr.startswith("service: ")
    assert done.stderr.endswith(f"{INSTALL}\n")


def test_a_module_of_ours_that_is_missing_is_no_matter_of_extras() -> None:
    program = START + "sys.modules['service.cli.runner'] = None; from service.cli.main import main; main()"
    assert "ModuleNotFoundError" in run(program, "decode", "1,2").stderr
