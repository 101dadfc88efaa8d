"""Put together who is told of each request beside the metrics."""

from __future__ import annotations

import functools

from service.connections.forwarded import correct_caller
from service.core.settings import Settings
from service.observability.logs.access import AccessLog
from service.observability.metrics import Metrics
from service.observability.reports import Reports


def make_reports(settings: Settings, metrics: Metrics) -> Reports | None:
    """Return who is told of each request, or None if that is the metrics alone."""
    if not settings.reports_requests:
        return None
    correct = functools.partial(correct_caller, trusted=settings.trusted_proxies)
    return Reports(metrics, AccessLog(settings), None, correct)
