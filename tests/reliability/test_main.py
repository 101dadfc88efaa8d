"""What a part of the harness has seen reaches the whole of it."""

from __future__ import annotations

import array
import fcntl
import os
import subprocess
import sys
import termios
import time

from tests.live import ROOT

SIZE = 200_000
CODE = f"""
import asyncio
from tests.reliability.__main__ import run, tell
run(asyncio.sleep(0.01))
tell("x" * {SIZE})
"""


def count_waiting(pipe: int) -> int:
    found = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    return found[0]


def test_a_long_tally_is_whole_however_late_it_is_read() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", CODE], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        # Until the pipe is full, or has all: whether the process ends early is the question.
        seen, until = -1, time.monotonic() + 30
        while not seen or seen != count_waiting(process.stdout.fileno()):
            assert time.monotonic() < until
            seen = count_waiting(process.stdout.fileno())
            time.sleep(0.2)
        assert process.stdout.read() == b"x" * SIZE
    assert process.returncode == 0
