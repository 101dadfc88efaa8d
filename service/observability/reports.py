"""Report each request to the log and to traces, where either is wanted.

`Reports` stands in the place of `Metrics` then, which it tells first; what neither wants, costs nothing. A
request is reported once, by whoever is told of its end first, and with what its outermost `ReportMiddleware`
has seen of it, or what the fast path puts into its scope.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import Any, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from service.observability.exchange import EXCHANGE, Exchange, find_exchange
from service.observability.logs.access import AccessLog
from service.observability.metrics import BEGUN, FAILED, Observer

Correct = Callable[[MutableMapping[str, Any]], None]


class Spans(Protocol):
    """Records requests as spans."""

    def begin(self, scope: MutableMapping[str, Any]) -> Any:
        """Return the place of a request in its trace, or None if it is not recorded."""

    def end(self, scope: MutableMapping[str, Any], status: int, seconds: float, exchange: Exchange) -> None:
        """Record a request that has a place in a trace."""


class Reports:
    """Tells metrics, the log and traces of each answer."""

    def __init__(
        self, metrics: Observer, log: AccessLog | None, spans: Spans | None, correct: Correct | None = None
    ) -> None:
        """Store who is told.

        Args:
            metrics: Told of each answer of an endpoint.
            log: Decides which requests have a line.
            spans: Decides which requests are recorded.
            correct: Writes into a scope which client a proxy names, where proxies are trusted and nobody else
                does it; not called for what came through ASGI.
        """
        self._observe = metrics.observe
        self._log = log
        self._spans = spans
        self._correct = correct

    def observe(self, scope: MutableMapping[str, Any], status: int) -> float:
        """Count an answer, and report it; see `Metrics.observe`."""
        seconds = self._observe(scope, status)
        self.report(scope, status, seconds)
        return seconds

    def report(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        """Report an answer that is counted, or is none of an endpoint's."""
        spans, log = self._spans, self._log
        is_traced = spans is not None and spans.begin(scope) is not None
        is_logged = log is not None and log.wants(status, seconds)
        if not (is_traced or is_logged):
            seen = scope.get(EXCHANGE)
            if type(seen) is Exchange:
                seen.reported = True
            else:
                scope.pop(EXCHANGE, None)  # a connection that rests would keep the answer
            return
        exchange = find_exchange(scope)
        exchange.reported = True
        if exchange.is_fast and self._correct is not None:
            self._correct(scope)
        if spans is not None and is_traced:
            spans.end(scope, status, seconds, exchange)
        if log is not None and is_logged:
            log.log(scope, status, seconds, exchange)


class ReportMiddleware:
    """Watches what goes to and fro, and reports answers that nothing within it has reported."""

    def __init__(self, app: ASGIApp, reports: Reports, fast_bytes: int | None = None) -> None:
        """Store what is watched.

        Args:
            app: The application.
            reports: Told of each answer.
            fast_bytes: Of an answer that did not come through ASGI: how long its request's body was.
        """
        self.app = app
        self.reports = reports
        self.fast_bytes = fast_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault(BEGUN, time.perf_counter())
        exchange = scope[EXCHANGE] = Exchange(scope["method"], is_fast=self.fast_bytes is not None)
        exchange.received_bytes = self.fast_bytes or 0
        try:
            await self.app(scope, *exchange.watch(receive, send))
        finally:
            if not exchange.reported:
                seconds = time.perf_counter() - scope[BEGUN]
                self.reports.report(scope, exchange.status or FAILED, seconds)
