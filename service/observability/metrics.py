"""Metrics for Prometheus, of this process or of all workers together."""

from __future__ import annotations

import os
import pathlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observability.worker_files import SHARED_FOLDER, claim_file

# Keys of a request's scope: when its head came (`time.perf_counter`), and its route if FastAPI never sees it.
BEGUN, ROUTE = "cvae_begun", "cvae_route"
NO_ROUTE = "none"
FAILED = 500
# The status that nginx logs for it; nobody reads the answer, but it is counted.
CLIENT_GONE = 499
BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """Counts the answers of an application, by route and status, and how long they took."""

    def __init__(self) -> None:
        """Start at zero, in a file that the other workers read if there are any.

        Raises:
            StartupError: There is no room for the file.
        """
        if folder := os.environ.get(SHARED_FOLDER):
            claim_file(pathlib.Path(folder), os.getpid())
        self._registry = CollectorRegistry()
        self._counters: dict[tuple[str, int], Callable[[float], None]] = {}
        self._requests = Histogram(
            "cvae_request_duration_seconds",
            "Time from the head of a request to the end of its answer.",
            ("route", "status"),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        looks = Counter(
            "cvae_picture_cache_requests",
            "Image URLs that were looked for among finished pictures, by what was found.",
            ("result",),
            registry=self._registry,
        )
        self._hits, self._misses = looks.labels("hit"), looks.labels("miss")

    def count_cached(self, hit: bool) -> None:
        """Count a look for a finished picture."""
        (self._hits if hit else self._misses).inc()

    def counter(self, route: str, status: int) -> Callable[[float], None]:
        """Return a function that counts an answer of this route and status, by its seconds."""
        count = self._counters.get((route, status))
        if count is None:
            count = self._counters[route, status] = self._requests.labels(route, str(status)).observe
        return count

    def observe(self, scope: Mapping[str, Any], status: int) -> None:
        """Count an answer.

        Args:
            scope: The request's, with `BEGUN`. A path that no route matches is counted as route "none".
            status: The HTTP status.
        """
        route = scope[ROUTE] if ROUTE in scope else getattr(scope.get("route"), "path", NO_ROUTE)
        self.counter(route, status)(time.perf_counter() - scope[BEGUN])

    def render(self) -> tuple[bytes, str]:
        """Return all counts in Prometheus' text format, and its media type."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        shared = CollectorRegistry()
        MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        try:
            return generate_latest(shared), CONTENT_TYPE_LATEST
        except FileNotFoundError:  # a new worker has just taken over the file of an old one
            return generate_latest(shared), CONTENT_TYPE_LATEST


class MetricsMiddleware:
    """Counts each answer in `Metrics`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
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
