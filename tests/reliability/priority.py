"""Owns starting the processes that make load: behind all others, if the cores are to be the service's first.

Linux shares the cores among sessions before it shares them within one (autogroups, sched(7)): niceness alone
does nothing between the service and a load that are in sessions of their own. So both are lowered.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time
from collections.abc import Sequence

from tests.live import ROOT

# The lowest: where both want a core, the service has 98 of 100 parts of it.
NICE = 19
# Who has no privileges may change a session's priority ten times a second, all such users together.
TRIES, PAUSE_S = 20, 0.11


def start(command: Sequence[str], *, behind: bool) -> subprocess.Popen[str]:
    """Start a command in a session of its own, with its output to be read.

    Args:
        command: Runs in the repository.
        behind: Whether it gets only what the others leave. Where these are many, as tests beside it, that may
            be nothing.
    """
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    if behind:
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        _lower_session(pathlib.Path(f"/proc/{process.pid}/autogroup"))
    return process


def _lower_session(autogroup: pathlib.Path) -> None:
    for _ in range(TRIES):
        try:
            autogroup.write_text(str(NICE))
        except BlockingIOError:
            time.sleep(PAUSE_S)
        except OSError:  # there are no autogroups here, or the process has ended
            return
        else:
            return
