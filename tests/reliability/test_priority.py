"""The load stands back: it gets the cores that the service leaves, though it is in another session."""

from __future__ import annotations

import os
import pathlib
import sys

from tests.reliability.priority import NICE, start

STAY = "import time; print('here', flush=True); time.sleep(60)"


def test_who_makes_the_load_has_the_lowest_priority_and_so_has_its_session() -> None:
    own = pathlib.Path("/proc/self/autogroup")
    before = own.read_text() if own.exists() else ""
    with start([sys.executable, "-c", STAY], behind=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "here\n"
            assert os.getpriority(os.PRIO_PROCESS, process.pid) == NICE
            assert os.getsid(process.pid) == process.pid
            if before:
                assert pathlib.Path(f"/proc/{process.pid}/autogroup").read_text().endswith(f" nice {NICE}\n")
                assert own.read_text() == before
        finally:
            process.kill()
