"""The settings of connections: how many, how slow, and how they end when the service stops."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings

from service.core.configuration.values import MAX_MS


class ConnectionSettings(BaseSettings):
    """What an operator may choose of connections; a part of `Settings`."""

    max_head_bytes: int = Field(
        default=65_536, ge=1024, description="Largest URL and headers of a request together, in bytes."
    )
    max_connections: int = Field(
        default=16_384,
        ge=1,
        description="Connections of each worker at once; fewer where it may open fewer files. Beyond, 503.",
    )
    head_timeout_ms: int = Field(
        default=15_000,
        ge=1,
        le=MAX_MS,
        description="Longest time from the first byte of a request to the end of its headers.",
    )
    body_timeout_ms: int = Field(
        default=15_000, ge=1, le=MAX_MS, description="Longest time between two pieces of a request's body."
    )
    write_timeout_ms: int = Field(
        default=30_000,
        ge=1,
        le=MAX_MS,
        description="Longest time in which a client takes nothing of its answer; after that, it is cut off.",
    )
    drain_ms: int = Field(
        default=2000,
        ge=0,
        le=MAX_MS,
        description="How long a service that is told to stop is not ready before it closes anything.",
    )
    shutdown_timeout_ms: int = Field(
        default=10_000,
        ge=1,
        le=MAX_MS,
        description="Longest time for what still runs after that; then it is cut off.",
    )
