"""Find workers whose event loop stands still, and end them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from service.server.processes.handle import Worker

# How often the parent looks, in the time after which a worker counts as standing still.
LOOKS = 5


class Silence:
    """Ends workers that have not said for a time that their event loop runs."""

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Store when to end one.

        Args:
            timeout_s: How long a worker may be silent; 0: for ever.
            clock: Monotonic, in seconds.
        """
        self._timeout_s = timeout_s
        self._clock = clock
        self._looked = clock()

    def shorten(self, timeout_s: float | None) -> float | None:
        """Return how long to wait at most, so as to look often enough."""
        if not self._timeout_s:
            return timeout_s
        period_s = self._timeout_s / LOOKS
        return period_s if timeout_s is None else min(timeout_s, period_s)

    def end_silent(self, workers: Iterable[Worker]) -> None:
        """Kill workers that have been silent for too long.

        Args:
            workers: What they have said has been taken in.
        """
        now = self._clock()
        # Where all stood still, as a machine that slept, this process stood still too.
        passed_s = min(now - self._looked, 2 * self._timeout_s / LOOKS)
        self._looked = now
        for worker in workers:
            if not self._timeout_s or not worker.serving:
                continue
            worker.silent_s += passed_s
            if worker.silent_s > self._timeout_s:
                worker.kill(f"stood still for {self._timeout_s:g} s, and was killed")
