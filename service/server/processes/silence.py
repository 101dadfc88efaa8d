"""Find workers that hang while they start, or whose event loop stands still, and end them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from service.server.processes.handle import Worker
from service.server.processes.reloads import LOAD_S

# How long a worker may take from its start until it listens: as long as a reload may take to load the same.
# What takes longer hangs, as on a file system that does not answer.
START_S = LOAD_S
# How often the parent looks, in the time after which a worker counts as standing still.
LOOKS = 5


class Silence:
    """Ends workers that do not start, or have not said for a time that their event loop runs."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Store when to end one.

        Args:
            timeout_s: How long a worker that serves may be silent; 0: for ever.
            clock: Monotonic, in seconds.
        """
        self._timeout_s = timeout_s
        self._clock = clock
        self._looked = clock()

    def shorten(self, timeout_s: float | None, workers: Iterable[Worker]) -> float | None:
        """Return how long to wait at most, so as to look often enough."""
        periods = [limit_s / LOOKS for worker in workers if (limit_s := self._limit(worker))]
        return min([*periods, *([] if timeout_s is None else [timeout_s])], default=None)

    def end_silent(self, workers: Iterable[Worker]) -> None:
        """Kill workers that have been silent for too long.

        Args:
            workers: What they have said has been taken in.
        """
        now = self._clock()
        passed_s, self._looked = now - self._looked, now
        for worker in workers:
            limit_s = self._limit(worker)
            if not limit_s:
                continue
            # Where all stood still, as a machine that slept, this process stood still too.
            worker.silent_s += min(passed_s, now - worker.began, 2 * limit_s / LOOKS)
            if worker.silent_s > limit_s:
                fault = "stood still for" if worker.ready else "did not start within"
                worker.kill(f"{fault} {limit_s:g} s, and was killed")

    def _limit(self, worker: Worker) -> float:
        """Return how long a worker may be silent; 0: for ever."""
        if worker.serving:
            return self._timeout_s
        return START_S if not worker.ready and worker.process.is_alive() else 0.0
