"""Start to trace, if the environment asks for it and what it takes is installed."""

from __future__ import annotations

import importlib.util
import logging
import os
from typing import TYPE_CHECKING, NamedTuple

from service.observability.traces import variables
from service.observability.traces.spans import RequestSpans

if TYPE_CHECKING:
    from service.observability.traces.export import Export

logger = logging.getLogger(__name__)

LIBRARIES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


class Tracing(NamedTuple):
    """What records requests, and what sends them away."""

    spans: RequestSpans
    export: Export


def start_tracing() -> Tracing | None:
    """Return what records requests, or None if nobody asked for it or it is not installed."""
    if variables.ask_for_traces(os.environ) is None or not _is_installed():
        return None
    from service.observability.traces.export import Export

    export = Export()
    sampler, heeds = variables.read_sampler(os.environ), variables.heeds_traceparent(os.environ)
    return Tracing(RequestSpans(sampler, export.emit, heeds_traceparent=heeds), export)


def check_tracing() -> None:
    """Log, once for all workers, what is asked for and cannot be had."""
    asked = variables.ask_for_traces(os.environ)
    if asked is not None and not _is_installed():
        logger.warning("%s: nothing is traced without pip install 'cvae-service[otel]'", asked)
    if asked is not None or os.environ.get("OTEL_TRACES_EXPORTER"):
        for oddity in variables.list_oddities(os.environ):
            logger.warning("%s", oddity)


def _is_installed() -> bool:
    try:
        return all(importlib.util.find_spec(name) is not None for name in LIBRARIES)
    except ModuleNotFoundError:  # of what these are parts of
        return False
