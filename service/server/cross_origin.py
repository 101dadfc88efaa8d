"""Let pages of other origins ask the service."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from service.core.headers import LENGTH_HEADER, REQUEST_ID, SERVER_TIMING
from service.core.settings import Settings

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


def allow_origins(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return an application that lets pages of the settings' origins ask another one."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
    )
