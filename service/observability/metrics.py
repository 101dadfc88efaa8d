"""Metrics for Prometheus, of this process or of all workers together.

All is counted on the event loop, but for the rows of batches, which have one thread at a time.
"""

from __future__ import annotations

import os
import pathlib
import resource
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Protocol, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.core.tally import Cells, Tally
from service.observability import families
from service.observability.exposition import read_others, render
from service.observability.families import Count, Family, is_gauge, merge, name_key
from service.observability.store import Store
from service.observability.worker_files import SHARED_FOLDER, claim_file

# Keys of a request's scope: when its head came (`time.perf_counter`), its route if FastAPI never sees it, and
# its context.
BEGUN, ROUTE, CALL = "cvae_begun", "cvae_route", "cvae_call"
# The key under which the lifespan's state holds the metrics, for connections.
METRICS = "metrics"
NO_ROUTE = "none"
FAILED = 500
# The status that nginx logs for it; nobody reads the answer, but it is counted.
CLIENT_GONE = 499
PAGE_BYTES = resource.getpagesize()
CALL_TIMES = (families.QUEUE, families.INFERENCE, families.ENCODING)
Add = Callable[[float], None]


class Timings(Protocol):
    """Where the time of a request went, in seconds, and how many rows ran."""

    queue_s: float
    inference_s: float
    encode_s: float
    rows: int


class Counted(Protocol):
    """Counts in cells, of which it takes `size`."""

    @property
    def size(self) -> int:
        """How many cells it takes."""

    def move(self, cells: Cells, start: int, /) -> None:
        """Count in other cells from now on, on top of what they hold."""


T = TypeVar("T", bound=Counted)


class Metrics:
    """Counts what a process does.

    Attributes:
        sources: Called before the numbers are read, to set those that say how things are now.
    """

    def __init__(self) -> None:
        """Start at zero, in a file that the other workers read if there are any.

        Raises:
            StartupError: There is no room for the file.
        """
        folder = os.environ.get(SHARED_FOLDER)
        self._folder = pathlib.Path(folder) if folder else None
        self._store = Store(claim_file(self._folder, os.getpid()) if self._folder else None)
        self._adds: dict[tuple[str, int], tuple[Add, Add, Add, Add]] = {}
        self._calls: dict[str, tuple[Tally, Tally, Tally]] = {}
        self._hits, self._misses = (self.number(families.CACHE, result) for result in ("hit", "miss"))
        self._cpu_s = 0.0
        self.sources: list[Callable[[], None]] = [self._sample_process]
        for key, values in self._store:
            if is_gauge(key):  # of the process that had the file before
                Count(*self._store.claim(key, len(values))).set(0.0)
        self.number(families.START).set(time.time())

    @property
    def shared(self) -> bool:
        """Whether other processes read the numbers of this one."""
        return self._folder is not None

    def adopt(self, family: Family, tally: T, *labels: str) -> T:
        """Take what a tally counts for the numbers of a family with these labels, and return it."""
        tally.move(*self._store.claim(name_key(family, labels), tally.size))
        return tally

    def number(self, family: Family, *labels: str) -> Count:
        """Return the number of a counter or a gauge with these labels."""
        return Count(*self._store.claim(name_key(family, labels), 1))

    def drop(self, family: Family, *labels: str) -> None:
        """Forget a number that means nothing any more, as of a model's version that has been replaced."""
        self._store.release(name_key(family, labels))

    def count_cached(self, hit: bool) -> None:
        """Count a look for a finished picture."""
        (self._hits if hit else self._misses).add()

    def count_refusal(self, reason: str) -> None:
        """Count a request that is refused."""
        self.number(families.REFUSALS, reason).add()

    def observe(self, scope: Mapping[str, Any], status: int) -> float:
        """Count an answer.

        Args:
            scope: The request's, with `BEGUN`, and with `CALL` if it has a context. A path that no route
                matches is counted as route "none".
            status: The HTTP status.

        Returns:
            How long the request took, in seconds.
        """
        route = find_route(scope)
        adds = self._adds.get((route, status))
        if adds is None:
            adds = self._adds[route, status] = self._open(route, status)
        add_duration, add_queue, add_inference, add_encode = adds
        seconds: float = time.perf_counter() - scope[BEGUN]
        add_duration(seconds)
        call: Timings | None = scope.get(CALL)
        if call is not None and call.inference_s:
            add_queue(call.queue_s)
            add_inference(call.inference_s)
            add_encode(call.encode_s)
        return seconds

    def _open(self, route: str, status: int) -> tuple[Add, Add, Add, Add]:
        calls = self._calls.get(route)
        if calls is None:
            queue, inference, encode = (Tally(family.bounds) for family in CALL_TIMES)
            calls = self._calls[route] = queue, inference, encode
            for family, tally in zip(CALL_TIMES, calls, strict=True):
                self.adopt(family, tally, route)
        duration = self.adopt(families.DURATION, Tally(families.DURATION.bounds), route, str(status))
        return duration.add, calls[0].add, calls[1].add, calls[2].add

    def sample(self) -> None:
        """Set the gauges to what is so now."""
        for source in self.sources:
            source()

    def collect(self) -> dict[str, list[float]]:
        """Return all numbers, those of the other workers too, by key."""
        return merge([self._store, *read_others(self._folder, os.getpid())])

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return all numbers as a text, and its media type; see `exposition.render`."""
        return render(self.collect(), accept)

    def _sample_process(self) -> None:
        cpu_s = time.process_time()
        self.number(families.CPU).add(cpu_s - self._cpu_s)
        self._cpu_s = cpu_s
        self.number(families.MEMORY).set(_read_memory())


def find_route(scope: Mapping[str, Any]) -> str:
    """Return the template of a request's route, or `NO_ROUTE`."""
    return scope[ROUTE] if ROUTE in scope else getattr(scope.get("route"), "path", NO_ROUTE)


def _read_memory() -> float:
    try:
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, ValueError):  # not Linux: the most that it ever had
        unit = 1 if sys.platform == "darwin" else 1024
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


class Observer(Protocol):
    """Is told of each answer: `Metrics`, or what reports to the log and to traces as well."""

    def observe(self, scope: MutableMapping[str, Any], status: int, /) -> float:
        """Note an answer; see `Metrics.observe`."""


class MetricsMiddleware:
    """Counts each answer in `Metrics`."""

    def __init__(self, app: ASGIApp, metrics: Observer) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the answer to one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault(BEGUN, time.perf_counter())
        status = FAILED

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            self.metrics.observe(scope, status)
