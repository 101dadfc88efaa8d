"""The parent of several workers: starts them, replaces those that die, and stops them losing no request.

The parent holds a listening socket and no model. Invariants: once it stops, it starts no worker any more; if
it is killed, its workers stop as if told to; a worker that dies again and again is started later each time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from types import FrameType

from service.core.errors import StartupError
from service.core.settings import Settings
from service.server.worker import AT_ONCE, FAILED, STOPPING, run_worker

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# The signals that are acted on; the others mean nothing to several workers.
HEEDED = (*STOPPING, signal.SIGHUP)
# A worker that dies sooner is started again after a delay, twice as long as the one before.
HEALTHY_S = 10.0
FIRST_DELAY_S, LAST_DELAY_S = 0.5, 16.0
# How long after the time that workers allow themselves to stop they are killed.
MARGIN_S = 5.0


@dataclasses.dataclass(eq=False)
class Worker:
    """A worker process, and the pipe to it.

    Attributes:
        process: The process, started already.
        line: The pipe: the process sends when it is ready, and stops once it is closed.
        began: When it was started (`time.monotonic`).
        ready: Whether it listens.
        leaving: Whether it has been told to stop.
    """

    process: SpawnProcess
    line: Connection
    began: float
    ready: bool = False
    leaving: bool = False

    def stop(self) -> None:
        """Ask the process to stop."""
        self.leaving = True
        self._send(signal.SIGTERM)

    def end(self) -> None:
        """Make the process stop at once."""
        self.leaving = True
        self._send(AT_ONCE)

    def _send(self, number: int) -> None:
        if self.process.is_alive() and self.process.pid is not None:
            os.kill(self.process.pid, number)


class Workers:
    """Keeps as many workers running as the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        """Store the settings, which the workers read again from the environment."""
        self.settings = settings
        self.workers: list[Worker] = []
        self._signals: list[int] = []
        self._context = multiprocessing.get_context("spawn")
        self._delay_s = FIRST_DELAY_S
        self._not_before = 0.0
        self._was_ready = False
        self._address = ""

    def run(self) -> int:
        """Run until a signal ends it.

        Returns:
            The exit status: 0 after a stop, 3 if no worker could start, 1 if one had to be killed.

        Raises:
            StartupError: It cannot listen on the address.
        """
        # Python writes the number of each signal into this pair of sockets, for which `_wait` wakes up.
        alarm, bell = socket.socketpair()
        for end in (alarm, bell):
            end.setblocking(False)
        signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, self._note)
        with alarm, bell:
            with bind(self.settings.host, self.settings.port) as listener:
                host, port = listener.getsockname()[:2]
                self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                status = self._watch(listener, alarm)
            # The workers have the socket too; once they close it, new connections are refused at once.
            return self._stop(alarm) if status is None else status

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in HEEDED:
            self._signals.append(number)

    @property
    def _is_stopped(self) -> bool:
        return any(number in STOPPING for number in self._signals)

    def _watch(self, listener: socket.socket, alarm: socket.socket) -> int | None:
        while True:
            # One alone at first: what keeps it from starting would keep all, and would be logged as often.
            wanted = self.settings.workers if self._was_ready else 1
            if self._count() < wanted and time.monotonic() >= self._not_before:
                self._start(listener)
                continue
            self._wait(alarm, None if self._count() >= wanted else self._not_before - time.monotonic())
            if not self._heed(listener):
                return None
            if self._reap():
                return FAILED

    def _count(self) -> int:
        return sum(not worker.leaving for worker in self.workers)

    def _start(self, listener: socket.socket) -> Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=run_worker, args=(listener, theirs))
        process.start()
        theirs.close()
        worker = Worker(process, ours, time.monotonic())
        self.workers.append(worker)
        return worker

    def _wait(self, alarm: socket.socket, timeout_s: float | None) -> None:
        lines = [worker.line for worker in self.workers if not worker.ready]
        ends = [worker.process.sentinel for worker in self.workers]
        if not self._signals:
            multiprocessing.connection.wait([alarm, *lines, *ends], timeout_s)
        with contextlib.suppress(BlockingIOError):
            alarm.recv(1024)
        self._note_ready()

    def _note_ready(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(EOFError, OSError):
                if not worker.ready and worker.line.poll():
                    worker.line.recv()
                    worker.ready = True
        if not self._was_ready and any(worker.ready for worker in self.workers):
            self._was_ready = True
            logger.info("%d workers, running on http://%s", self.settings.workers, self._address)

    def _heed(self, listener: socket.socket) -> bool:
        """Do what signals ask for; return whether to go on."""
        stopped, asked, self._signals = self._is_stopped, bool(self._signals), []
        if asked and not stopped:
            logger.info("replacing the workers")
            self._replace(listener)
        return not stopped

    def _replace(self, listener: socket.socket) -> None:
        for old in [worker for worker in self.workers if not worker.leaving]:
            new = self._start(listener)
            while new.process.is_alive() and not new.ready and not self._is_stopped:
                multiprocessing.connection.wait([new.line, new.process.sentinel], 0.5)
                self._note_ready()
            if self._is_stopped:
                return
            if not new.ready:
                logger.error("worker [%s] did not start; the others go on", new.process.pid)
                new.stop()
                return
            old.stop()

    def _reap(self) -> bool:
        """Forget workers that have ended; return whether none of them could ever start."""
        for worker in [worker for worker in self.workers if not worker.process.is_alive()]:
            self.workers.remove(worker)
            worker.line.close()
            if worker.leaving:
                continue
            code = worker.process.exitcode
            if code == FAILED and not self._was_ready:
                return True
            logger.error("worker [%s] %s", worker.process.pid, explain(code))
            lived = time.monotonic() - worker.began
            self._delay_s = FIRST_DELAY_S if lived >= HEALTHY_S else min(2 * self._delay_s, LAST_DELAY_S)
            self._not_before = time.monotonic() + (0 if lived >= HEALTHY_S else self._delay_s)
        return False

    def _stop(self, alarm: socket.socket) -> int:
        logger.info("stopping %d workers", len(self.workers))
        for worker in self.workers:
            if not worker.leaving:
                worker.stop()
        settings = self.settings
        end = time.monotonic() + (settings.drain_ms + settings.shutdown_timeout_ms) / 1000 + MARGIN_S
        while self.workers and time.monotonic() < end:
            self._wait(alarm, end - time.monotonic())
            if self._is_stopped:
                for worker in self.workers:
                    worker.end()
            self._signals.clear()
            self._reap()
        for worker in self.workers:
            logger.error("worker [%s] does not end; killing it", worker.process.pid)
            worker.process.kill()
            worker.process.join()
        return 1 if self.workers else 0


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address, for workers to listen on.

    Raises:
        StartupError: It cannot be bound to the address.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartupError(f"CVAE_HOST, CVAE_PORT: cannot listen on {host}, port {port}: {error}") from error
    return listener


def explain(exitcode: int | None) -> str:
    """Return how a worker ended, in words."""
    if exitcode is None or exitcode >= 0:
        return f"ended with status {exitcode}"
    name = signal.Signals(-exitcode).name
    hint = "; was memory short?" if -exitcode == signal.SIGKILL else ""
    return f"was ended by {name}{hint}"
