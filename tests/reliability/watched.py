"""Runs the service with a watch on its event loops: `python -m tests.reliability.watched FOLDER`.

A timer of the loop is due every few milliseconds. How late it comes is how long the loop was held; the CPU
time of the loop's thread in between tells its own work from waiting for a core or for the interpreter's lock.
Once it is late, another thread has it say by a signal what it runs: to walk its frames from another thread
crashes Python 3.11 now and then (in `traceback.walk_stack`). Each process writes what it has found so far
into a file of its own, again and again, for it may be killed. Workers run this module too, as all processes
do that `multiprocessing` spawns.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import os
import pathlib
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any, NamedTuple

from service.server.drain import DrainingServer

EVERY_S = 0.002
KEPT = 20
# From when on it is worth a look, and how many of its innermost frames are kept.
LATE_S, FRAMES = 0.02, 6
# The signal by which the loop's thread is asked what it runs; nobody else uses it.
ASK = signal.SIGURG
PAUSES = "pauses"
WRITE_S = 0.5


class Pause(NamedTuple):
    """A time in which the loop did not turn.

    Attributes:
        wall_ms: How long.
        cpu_ms: What the loop's thread computed in it, stolen time included.
        process_ms: What all threads computed in it.
        at_s: When, since the watch began.
        stack: What the loop's thread ran in the midst of it, the innermost last; empty if it was not asked.
    """

    wall_ms: float
    cpu_ms: float
    process_ms: float
    at_s: float
    stack: list[str]


class Watch:
    """Keeps the longest pauses of the loop that it is started in."""

    def __init__(self, path: pathlib.Path) -> None:
        """Begin with none; they are written to a file."""
        self._path = path
        self.pauses: list[Pause] = []
        self._thread = threading.get_ident()
        self._begun = self._last = time.monotonic()
        self._cpu, self._process = time.thread_time(), time.process_time()
        self._stack: list[str] = []

    def start(self) -> None:
        """Watch until the process ends."""
        signal.signal(ASK, self._note_stack)
        threading.Thread(target=self._look, daemon=True).start()
        self._tick()

    def write(self) -> None:
        """Write what was found as JSON, whole or not at all."""
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps([pause._asdict() for pause in [*self.pauses]]))
        part.rename(self._path)

    def _tick(self) -> None:
        now, cpu, process = time.monotonic(), time.thread_time(), time.process_time()
        late = now - self._last - EVERY_S
        computed = 1e3 * (cpu - self._cpu), 1e3 * (process - self._process)
        pause = Pause(1e3 * late, *computed, now - self._begun, self._stack)
        (heapq.heappush if len(self.pauses) < KEPT else heapq.heappushpop)(self.pauses, pause)
        self._last, self._cpu, self._process, self._stack = now, cpu, process, []
        asyncio.get_running_loop().call_later(EVERY_S, self._tick)

    def _look(self) -> None:
        written = time.monotonic()
        while True:
            time.sleep(LATE_S / 2)
            if time.monotonic() - written > WRITE_S:
                self.write()
                written = time.monotonic()
            if self._is_late() and not self._stack:
                signal.pthread_kill(self._thread, ASK)

    def _is_late(self) -> bool:
        return time.monotonic() - self._last > LATE_S

    def _note_stack(self, _number: int, frame: FrameType | None) -> None:
        if not self._is_late():  # the pause that was asked about is over
            return
        frames = list(itertools.islice(traceback.walk_stack(frame), FRAMES)) if frame else []
        self._stack = [
            f"{pathlib.Path(f.f_code.co_filename).name}:{line} {f.f_code.co_name}" for f, line in frames[::-1]
        ]


def run_in(folder: pathlib.Path) -> Sequence[str]:
    """Return the module that runs the service, and its argument: a folder within one, for what is found."""
    (inner := folder / PAUSES).mkdir()
    return "tests.reliability.watched", str(inner)


def read(folder: pathlib.Path) -> list[dict[str, Any]]:
    """Return the pauses that all processes have found, the longest first."""
    found = [pause for file in (folder / PAUSES).glob("*.json") for pause in json.loads(file.read_text())]
    return sorted(found, key=lambda pause: -pause["wall_ms"])


def install(folder: pathlib.Path) -> None:
    """Have each server of this process watched once it has started."""
    startup = DrainingServer.startup

    async def start_watched(server: DrainingServer, sockets: list[socket.socket] | None = None) -> Any:
        await startup(server, sockets)
        Watch(folder / f"{os.getpid()}.json").start()

    DrainingServer.startup = start_watched  # type: ignore[method-assign, assignment]


def main() -> int:
    """Run the service."""
    from service.server.main import main as serve

    return serve()


# In a worker, it is the main module under another name.
if __name__ in ("__main__", "__mp_main__"):
    install(pathlib.Path(sys.argv[1]))
if __name__ == "__main__":
    sys.exit(main())
