"""Let pages of other origins ask the service."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from service.core.headers import LENGTH_HEADER, REQUEST_ID, SERVER_TIMING
from service.core.settings import Settings
from service.observability.metrics import MetricsMiddleware, Observer

EXPOSED_HEADERS = (
    REQUEST_ID,
    "CVAE-Model",
    "CVAE-Reconstruction-Loss",
    "CVAE-Seed",
    "Content-Disposition",
    "Content-Location",
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    SERVER_TIMING,
    LENGTH_HEADER,
)


class CountingCORSMiddleware(CORSMiddleware):
    """Lets pages of other origins ask, and counts the preflights, which no application within it sees."""

    def __init__(self, app: ASGIApp, metrics: Observer, **options: Any) -> None:
        super().__init__(app, **options)
        self._preflights = MetricsMiddleware(super().__call__, metrics)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self._preflights if is_preflight(scope) else super().__call__
        await answer(scope, receive, send)


def is_preflight(scope: Scope) -> bool:
    """Return whether a request asks, for a browser, what a page may ask."""
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    headers = Headers(scope=scope)
    return "origin" in headers and "access-control-request-method" in headers


def allow_origins(app: ASGIApp, settings: Settings, metrics: Observer) -> ASGIApp:
    """Return an application that lets pages of the settings' origins ask another one.

    Args:
        app: The other one.
        settings: Name the origins.
        metrics: Told of the answers that do not come from that one.
    """
    if not settings.cors_origins:
        return app
    return CountingCORSMiddleware(
        app,
        metrics,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
    )
