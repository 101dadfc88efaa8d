"""The parent of several workers: starts them, replaces those that die, and stops them losing no request.

The parent holds a listening socket and runs no model; it keeps the bundles for workers that start.
Invariants: once it stops, it starts no worker any more; if it is killed, its workers stop as if told to; a
worker that dies is replaced, whatever the parent waits for, and later each time if that happens again and
again; all workers serve the same models.
"""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
import pathlib
import signal
import time
from types import FrameType

from service.core.reloads import Outcome
from service.core.settings import Settings
from service.observability import exposition, families
from service.observability.families import Count
from service.observability.worker_files import SHARED_FOLDER
from service.server.metrics_port import open_metrics_port
from service.server.processes.alarm import open_alarm, wait_for_any
from service.server.processes.backoff import Backoff
from service.server.processes.handle import Worker, explain
from service.server.processes.listening import bind, describe
from service.server.processes.messages import ASK, CENSUS
from service.server.processes.reloads import answer_asked, log_outcomes, reload_all, take_asked
from service.server.processes.remembered import RememberedSources
from service.server.processes.silence import START_S, Silence
from service.server.processes.stock import Stock
from service.server.processes.watch import watch_folder
from service.server.worker import FAILED, STOPPING, run_worker

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# The signals that are acted on; the other means nothing to several workers.
HEEDED = (*STOPPING, signal.SIGHUP, signal.SIGUSR2)
# How long a reload waits for the first worker to serve, where none does: longer, and none can start.
NONE_S = START_S
# How long after the time that workers allow themselves to stop they are killed.
MARGIN_S = 5.0


class Workers:
    """Keeps as many workers running as the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        """Store the settings, which the workers read again from the environment."""
        self.settings = settings
        self.workers: list[Worker] = []
        self._signals: list[int] = []
        self._context = multiprocessing.get_context("spawn")
        self._backoff = Backoff()
        self._was_ready = self._has_failed = False
        self._address = ""
        self._silence = Silence(settings.worker_timeout_ms / 1000)
        self._stock = Stock()
        self._sources = RememberedSources(settings)
        self._told: list[Worker] = []
        self._deaths = Count([0.0], 0)

    def run(self) -> int:
        """Run until a signal ends it.

        Returns:
            The exit status: 0 after a stop, 3 if no worker could start, 1 if one had to be killed.

        Raises:
            StartupError: It cannot listen on the address.
        """
        with open_alarm() as self._alarm:
            for number in SIGNALS:
                signal.signal(number, self._note)
            return self._run()

    def _run(self) -> int:
        if self.settings.watch_models == "on":
            watch_folder(self.settings.models_dir, lambda: os.kill(os.getpid(), signal.SIGHUP))
        self._sources.start()
        folder = pathlib.Path(os.environ[SHARED_FOLDER])
        self._deaths = exposition.open_count(folder, families.DEATHS)
        with open_metrics_port(self.settings) as answer:
            answer(functools.partial(exposition.render_folder, folder))
            with bind(self.settings.host, self.settings.port) as self._listener:
                self._address = describe(self._listener)
                status = self._watch()
            # The workers have the socket too; once they close it, new connections are refused at once.
            return self._stop() if status is None else status

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in HEEDED:
            self._signals.append(number)

    @property
    def _is_stopped(self) -> bool:
        return any(number in STOPPING for number in self._signals)

    def _watch(self) -> int | None:
        while True:
            self._wait(self._start_missing())
            if not self._heed():
                return None
            self._reap()
            if self._has_failed:
                return FAILED

    def _start_missing(self) -> float | None:
        """Start workers; return how long it is until the next one may be started, None if all are there."""
        # One alone at first: what keeps it from starting would keep all, and would be logged as often.
        wanted = self.settings.workers if self._was_ready else 1
        while sum(not worker.leaving for worker in self.workers) < wanted:
            if left_s := self._backoff.left_s:
                return left_s
            self._start()
        return None

    def _start(self) -> Worker:
        ours, theirs = self._context.Pipe()
        args = (self._listener, theirs, self._sources.recall())
        process = self._context.Process(target=run_worker, args=args)
        process.start()
        theirs.close()
        worker = Worker(process, ours, time.monotonic())
        self.workers.append(worker)
        return worker

    def _wait(self, timeout_s: float | None) -> None:
        """Wait until a signal comes, or a worker says something or ends."""
        if not self._signals and not any(worker.has_said(ASK) for worker in self.workers):
            self._wait_for_all(timeout_s)
        self._take_in()

    def _go_on(self, timeout_s: float) -> bool:
        """Wait as `_wait` does, but for no signal other than a stop; return whether to go on.

        Workers that die meanwhile are replaced.
        """
        if not self._is_stopped:
            left_s = self._start_missing()
            self._wait_for_all(timeout_s if left_s is None else min(left_s, timeout_s))
        self._take_in()
        self._reap()
        return not (self._is_stopped or self._has_failed)

    def _wait_for_all(self, timeout_s: float | None) -> None:
        wait_for_any(self._alarm, self.workers, self._silence.shorten(timeout_s, self.workers))

    def _take_in(self) -> None:
        for worker in self.workers:
            worker.listen()
        self._silence.end_silent(self.workers)
        if not self._was_ready and any(worker.ready for worker in self.workers):
            self._was_ready = True
            logger.info("%d workers, running on http://%s", self.settings.workers, self._address)
        self._stock.furnish(self.workers)
        self._tell_census()

    def _tell_census(self) -> None:
        serving = [worker for worker in self.workers if worker.serving]
        if serving != self._told:
            self._told = serving
            for worker in serving:
                worker.tell(CENSUS, (len(serving), self.settings.workers))

    def _heed(self) -> bool:
        """Do what signals and workers ask for; return whether to go on."""
        stopped, signals, self._signals = self._is_stopped, self._signals, []
        if stopped:
            return False
        if signal.SIGUSR2 in signals:
            logger.info("replacing the workers")
            self._replace()
        asked = take_asked(self.workers)
        if asked or signal.SIGHUP in signals:
            self._reload(asked)
        return True

    def _reload(self, asked: dict[Worker, list[int]]) -> None:
        answer_asked(asked, self._lead_reload())

    def _lead_reload(self) -> list[Outcome] | None:
        """Reload in all workers; None: it stops meanwhile, or none serves."""
        end = time.monotonic() + NONE_S
        while not any(worker.serving for worker in self.workers):
            if (left_s := end - time.monotonic()) <= 0:
                self._start_over()
                return None
            if not self._go_on(left_s):
                return None
        outcomes = reload_all(self.workers, self._stock, self._go_on)
        if self._is_stopped:
            return None
        log_outcomes(outcomes)
        return outcomes

    def _start_over(self) -> None:
        """Have workers that start read the folder: what they were to serve may be what keeps them from it."""
        logger.error("reload: no worker serves; the next one to start reads the folder")
        self._stock.bundles = None
        for worker in self.workers:
            if worker.furnished and not worker.leaving:
                worker.stop()

    def _replace(self) -> None:
        # Asked at each turn: one that has died by then has been replaced.
        for old in (worker for worker in [*self.workers] if worker.serving or worker.starting):
            new = self._start()
            while new.starting and self._go_on(0.5):
                pass
            if self._is_stopped:
                return
            if not new.ready:
                logger.error("worker [%s] did not start; the others go on", new.process.pid)
                new.stop()
                return
            old.stop()

    def _reap(self) -> None:
        """Forget workers that have ended, and find out whether none of them could ever start."""
        for worker in [worker for worker in self.workers if not worker.process.is_alive()]:
            self.workers.remove(worker)
            worker.line.close()
            if worker.leaving:
                continue
            self._deaths.add()
            code = worker.process.exitcode
            if code == FAILED and not self._was_ready:
                self._has_failed = True
                return
            logger.error("worker [%s] %s", worker.process.pid, worker.fault or explain(code))
            self._backoff.note(time.monotonic() - worker.began)

    def _stop(self) -> int:
        logger.info("stopping %d workers", len(self.workers))
        for worker in self.workers:
            if not worker.leaving:
                worker.stop()
        settings = self.settings
        end = time.monotonic() + (settings.drain_ms + settings.shutdown_timeout_ms) / 1000 + MARGIN_S
        while self.workers and time.monotonic() < end:
            self._wait(end - time.monotonic())
            answer_asked(take_asked(self.workers), None)
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
