"""Reloads in the only process: at SIGHUP, when asked for, or when the folder of bundles changes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import signal

from service.core.reloads import Outcome, agree
from service.inference.registry import Registry
from service.inference.reloading import Reload
from service.inference.served import Handover
from service.server.processes.reloads import log_outcomes
from service.server.processes.watch import watch_folder


class LocalReloads:
    """Reloads the bundles of the only process, one reload after the other.

    Invariant: at most one runs and one waits for it, however many are asked for.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[list[Outcome]]] = set()
        self._waiting: asyncio.Task[list[Outcome]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_due = False

    def open(self) -> Handover | None:
        """Heed SIGHUP from now on, unless it means something else; return that the files are to be read."""
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda *_: self.ask())
        return None

    def serve(self) -> None:
        """Reload from now on, on this event loop; at once if that has been asked for."""
        self._loop = asyncio.get_running_loop()
        settings = self._registry.settings
        if settings.watch_models == "on":
            watch_folder(settings.models_dir, self.ask)
        if self._is_due:
            self._start()

    def ask(self) -> None:
        """Have the event loop begin to reload; from any thread."""
        if self._loop is None:
            self._is_due = True
        else:
            self._loop.call_soon_threadsafe(self._start)

    async def reload(self) -> list[Outcome]:
        """Load what is new beside what is served, then serve it.

        Returns:
            What has happened to each model.
        """
        # One that the client of a request gives up goes on to its end.
        return await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[list[Outcome]]:
        """Return the reload that has not begun yet, or a new one."""
        if self._waiting is not None:
            return self._waiting
        task = self._waiting = asyncio.get_running_loop().create_task(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _reload(self) -> list[Outcome]:
        async with self._lock:
            self._waiting = None  # who asks from now on may have changed what this one reads
            reload = Reload(self._registry)
            # A thread of its own: those of the loop are as many as cores, and requests wait for them.
            thread = concurrent.futures.ThreadPoolExecutor(1, "reload")
            try:
                found = await asyncio.get_running_loop().run_in_executor(thread, reload.load)
            finally:
                thread.shutdown(wait=False)
            outcomes = agree([found])
            reload.swap(outcomes)
        log_outcomes(outcomes)
        return outcomes
