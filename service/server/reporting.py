"""Put together who is told of each request beside the metrics: the log, and traces."""

from __future__ import annotations

import functools

from service.connections.forwarded import correct_caller
from service.core.settings import Settings
from service.observability.logs.access import AccessLog
from service.observability.metrics import Metrics
from service.observability.reports import Reports
from service.observability.traces.start import Tracing


def make_reports(
    settings: Settings, metrics: Metrics, tracing: Tracing | None, knows_clients: bool
) -> Reports | None:
    """Return who is told of each request, or None if that is the metrics alone.

    Args:
        settings: Which requests are logged, and which proxies are believed.
        metrics: Told of each answer.
        tracing: What records requests, if anything does.
        knows_clients: Whether the client that a proxy names is in each scope already.
    """
    log = AccessLog(settings) if settings.reports_requests else None
    if log is None and tracing is None:
        return None
    trusted = settings.trusted_proxies
    # Ten microseconds for each request that is reported.
    correct = functools.partial(correct_caller, trusted=trusted) if trusted and not knows_clients else None
    return Reports(metrics, log, None if tracing is None else tracing.spans, correct)
