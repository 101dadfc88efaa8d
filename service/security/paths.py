"""The paths that those ask for who watch over the service."""

from __future__ import annotations

HEALTH = ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
METRICS = "/metrics"
