"""Wait for signals and for workers at once."""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import signal
import socket
from collections.abc import Iterable, Iterator

from service.server.processes.handle import Worker


@contextlib.contextmanager
def open_alarm() -> Iterator[socket.socket]:
    """Give a socket from which something can be read once a signal has come."""
    alarm, bell = socket.socketpair()
    with alarm, bell:
        for end in (alarm, bell):
            end.setblocking(False)
        # Python writes the number of each signal that has a handler.
        before = signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        try:
            yield alarm
        finally:
            signal.set_wakeup_fd(before)


def wait_for_any(alarm: socket.socket, workers: Iterable[Worker], timeout_s: float | None) -> None:
    """Wait until a signal comes, or a worker says something or ends.

    Args:
        alarm: From `open_alarm`.
        workers: Those to wait for; if one has ended already, this returns at once.
        timeout_s: How long at most; None: for ever.
    """
    workers = list(workers)
    lines = [worker.line for worker in workers if not worker.deaf]
    # Of those that have ended as well: one may since its parent last looked, after all that it had to say.
    ends = [worker.process.sentinel for worker in workers]
    multiprocessing.connection.wait([alarm, *lines, *ends], timeout_s)
    with contextlib.suppress(BlockingIOError):
        alarm.recv(1024)
