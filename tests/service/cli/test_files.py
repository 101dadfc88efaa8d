"""How `cvae` ends when it cannot write: one line, a status, and no half of a file; real processes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import subprocess
import sys

import pytest
from PIL import Image

from tests.service import fake

ROOT = pathlib.Path(__file__).parents[3]
DEADLINE_S = 120
CVAE = shlex.join([sys.executable, "-m", "service.cli"])
FULL = "stdout: cannot write it: No space left on device"
# Every line starts a shell, and a Python in it.
pytestmark = pytest.mark.slow(alone=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    return folder


def run(models: pathlib.Path, line: str, unbuffered: str = "") -> tuple[int, str]:
    """Return the status and stderr of a line of the shell; its stdout goes where it says."""
    environment = {**os.environ, "CVAE_MODELS_DIR": str(models), "PYTHONUNBUFFERED": unbuffered}
    command = ["bash", "-o", "pipefail", "-c", line.replace("cvae", CVAE, 1)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("cvae decode 1,2 >/dev/full", 1, FULL),
        ("cvae decode 1,2 --format png >/dev/full", 1, FULL),
        ("cvae sample -n 256 --seed 1 >/dev/full", 1, FULL),
        ("cvae models >/dev/full", 1, FULL),
        ("cvae doctor --json >/dev/full", 1, FULL),
        ("cvae --help >/dev/full", 1, "input or output: No space left on device"),
        ("cvae decode 1,2 >&-", 1, "stdout: cannot write it: it is closed"),
        ("cvae decode - <&-", 2, "stdin: cannot read it: it is closed (cvae decode --help)"),
        ("cvae encode - <&-", 2, "stdin: cannot read it: it is closed"),
        (
            "cvae decode 1,2 --format png -o /dev/full",
            1,
            "/dev/full: cannot write it: No space left on device",
        ),
    ],
)
def test_what_cannot_be_written_is_said_in_one_line(
    models: pathlib.Path, line: str, status: int, said: str
) -> None:
    found, text = run(models, line)
    assert text in (f"cvae: {said}\n", f"cvae: {said} (cvae {line.split()[1]} --help)\n")
    assert found == status


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_is_said(models: pathlib.Path, unbuffered: str) -> None:
    found = run(models, "cvae sample -n 256 --seed 1 | head -c 1", unbuffered)
    assert found == (1, "cvae: stdout: cannot write it: Broken pipe\n")


@pytest.mark.parametrize(
    "line",
    [
        "decode 1,2,3 2>/dev/full",
        "decode 1,2,3 2>&-",
        "sample 2>/dev/full -o a.png",
    ],
)
def test_the_status_says_it_where_stderr_cannot(
    models: pathlib.Path, tmp_path: pathlib.Path, line: str
) -> None:
    assert run(models, f"cvae {line}".replace("a.png", f"{tmp_path}/a.png")) == (1, "")


def test_devices_and_pipes_are_written_to(models: pathlib.Path, tmp_path: pathlib.Path) -> None:
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    line = f"cat {pipe} >{tmp_path}/out.png & cvae decode 1,2 -o {pipe} && wait"
    assert run(models, line) == (0, "")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("before", [None, b"before"])
def test_a_full_disk_leaves_no_half_of_a_file(
    models: pathlib.Path, tmp_path: pathlib.Path, before: bytes | None
) -> None:
    path = tmp_path / "a.json"
    if before is not None:
        path.write_bytes(before)
    # The limit of a file's size stands for a disk that gets full in its midst: 8 KB of 256 pictures.
    status, text = run(models, f"ulimit -f 8; cvae sample -n 256 -o {path}")
    assert (status, text) == (1, f"cvae: {path}: cannot write it: File too large\n")
    assert [each.name for each in tmp_path.iterdir()] == ([] if before is None else ["a.json"])
    assert before is None or path.read_bytes() == before


def run_on_terminal(models: pathlib.Path, line: str) -> tuple[int, bytes]:
    """Return the status of a command whose stdout is a terminal, and what the terminal shows."""
    controller, terminal = os.openpty()
    environment = {**os.environ, "CVAE_MODELS_DIR": str(models)}
    command = [sys.executable, "-m", "service.cli", *line.split()]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = b""
    # Once the command has ended, Linux answers EIO.
    with contextlib.suppress(OSError):
        while piece := os.read(controller, 65_536):
            shown += piece
    os.close(controller)
    return process.wait(DEADLINE_S), shown


@pytest.mark.parametrize("options", ["--format png", "--format npy", "--format png -o -"])
def test_no_bytes_of_a_picture_go_to_a_terminal(models: pathlib.Path, options: str) -> None:
    status, shown = run_on_terminal(models, f"decode 1,2 {options}")
    assert status == 2
    name = options.split()[1]
    assert shown.startswith(f"cvae: --format: expected -o FILE, or stdout redirected, for {name};".encode())
    assert shown.count(b"\n") == 1


@pytest.mark.parametrize(
    "line",
    ["encode {picture}", "interpolate 1,2 2,1 --format ndjson --steps 2"],
)
def test_text_goes_to_a_terminal(models: pathlib.Path, tmp_path: pathlib.Path, line: str) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    status, shown = run_on_terminal(models, line.format(picture=tmp_path / "a.png"))
    assert status == 0
    assert shown.startswith(b"{")


@pytest.mark.parametrize("line", ["--help", "models", "doctor", "decode --scal 3"])
def test_a_terminal_gets_no_colours(models: pathlib.Path, line: str) -> None:
    _, shown = run_on_terminal(models, line)
    assert shown.strip()
    assert b"\x1b" not in shown
